"""Packages that are published files: fetched verified, unpacked safely, laid out as the entry says.

``ckssd.sources`` lists the files, at addresses (``urls``) or as the package of a registry (``purl``), each
with its :class:`Layout`. ``ckssd.ship`` names files of the entry's own folder to put beside them,
``ckssd.content`` what has to be there in the end, ``ckssd.freeze`` a SavedModel whose frozen graph is made.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ckssd.errors import InputError, UsageError
from ckssd.fetch import Settings, Source, fetch
from ckssd.install import SourceRecord
from ckssd.recipes.layout import LAYOUT_KEYS, Layout
from ckssd.recipes.package import Package, Used
from ckssd.recipes.recipe import recipe
from ckssd.registry import download_from_registry
from ckssd.secrets import addresses

OVERRIDES = ("PACKAGE_URL", "PACKAGE_SHA256")


@recipe(content=dict.fromkeys(OVERRIDES, ""))
def download(package: Package, staging: Path) -> Used:
    """Fetch every source of the package and lay it out in ``staging``."""
    records = fetch_and_lay_out(package, staging)
    frozen = _freeze(package, staging)
    for name in package.section.get("ship", []):
        shutil.copyfile(package.folder / name, staging / Path(name).name)
    _check_content(package, staging)
    return Used(sources=records, tools=frozen)


def _freeze(package: Package, staging: Path) -> dict[str, str]:
    """Make the frozen graph of a SavedModel that the entry names; return the versions of what did it."""
    if "freeze" not in package.section:
        return {}
    # Here, because it brings NumPy, which other downloads need not wait for.
    from ckssd.tflite.frozen import FROZEN_GRAPH
    from ckssd.tflite.saved_model import freeze_saved_model

    python = package.dependency("lib-tensorflow").path("CK_ENV_LIB_TF_PYTHON_FILE")
    made = freeze_saved_model(python, staging / str(package.section["freeze"]), staging / FROZEN_GRAPH)
    return {"tensorflow": made.tensorflow, "python": made.python}


def fetch_and_lay_out(package: Package, folder: Path) -> list[SourceRecord]:
    """Fetch every source of the package and lay it out in ``folder``; return what they were.

    Raises
    ------
    CkssdError
        As :func:`sources_of`, :func:`ckssd.fetch.fetch` and :meth:`Layout.lay_out`.
    """
    records = []
    for layout, source in sources_of(package):
        fetched = fetch(source, registry=download_from_registry)
        records.append(SourceRecord.of(fetched))
        layout.lay_out(fetched.path, source, folder)
    return records


def sources_of(package: Package) -> list[tuple[Layout, Source]]:
    """Return the layout and the source of every file of a package.

    ``PACKAGE_URL`` and ``PACKAGE_SHA256`` in the package's options (separated by commas, in the entry's
    order) replace what it states.

    Raises
    ------
    UsageError
        An entry is malformed, or the options do not fit it.
    VerificationError
        A source has no hash and was not accepted by name.
    """
    accepted = Settings.from_environment().accept_unverified
    where = f"{package.alias}: ckssd.sources"
    stated = _override(package, _tables(package.section, where))
    if not stated:
        raise UsageError("a package of downloads lists no file", where=where)
    return [_read(entry, f"{where}[{index}]", accepted) for index, entry in enumerate(stated)]


def stated_sources(section: Mapping[str, Any], where: str) -> list[tuple[Layout, Source]]:
    """Return layout and source of each file that an entry's ``ckssd`` section and its variations state.

    Raises
    ------
    UsageError
        An entry is malformed.
    """
    where = f"{where}: ckssd.sources"
    variations = section.get("variations", {})
    if not isinstance(variations, Mapping):
        raise UsageError("variations are no table", where=where, got=type(variations).__name__)
    tables = [table for part in (section, *variations.values()) for table in _tables(part, where)]
    return [_read(table, where, accept={str(table.get("file_name"))}) for table in tables]


def _tables(section: object, where: str) -> list[Mapping[str, Any]]:
    listed = section.get("sources", []) if isinstance(section, Mapping) else None
    if not isinstance(listed, list) or not all(isinstance(entry, Mapping) for entry in listed):
        raise UsageError("sources are no list of tables", where=where, got=repr(listed)[:100])
    return listed


def _read(table: Mapping[str, Any], where: str, accept: Collection[str]) -> tuple[Layout, Source]:
    meta = {key: value for key, value in table.items() if key not in LAYOUT_KEYS}
    return Layout.from_meta(table, where), Source.from_meta(meta, where, accept)


def _override(package: Package, stated: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    urls = addresses(package.options.get(OVERRIDES[0], ""))
    digests = [part.strip() for part in package.options.get(OVERRIDES[1], "").split(",") if part.strip()]
    if not (urls or digests):
        return stated
    if not len(urls) == len(digests) == len(stated):
        names = ", ".join(str(entry.get("file_name")) for entry in stated)
        raise UsageError(
            "A package from elsewhere needs address and hash of each of its files",
            where=package.alias,
            expected=f"PACKAGE_URL and PACKAGE_SHA256, separated by commas, for {names}",
            got=f"{len(urls)} addresses, {len(digests)} hashes",
            advice="or put the published files into a folder and name it with CKSSD_MIRROR",
        )
    replaced = {"urls", "purl", "sha256", "md5", "size"}
    return [
        {
            **{key: value for key, value in entry.items() if key not in replaced},
            "urls": [url],
            "sha256": digest,
        }
        for entry, url, digest in zip(stated, urls, digests)
    ]


def _check_content(package: Package, staging: Path) -> None:
    """A verified archive from elsewhere may still be another thing."""
    missing = [name for name in package.section.get("content", []) if not (staging / name).exists()]
    if missing:
        raise InputError(
            "The package lacks files that it should have", where=package.alias, expected=", ".join(missing)
        )

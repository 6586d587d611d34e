"""What travels to the nodes: the library's source, the model, the annotations; each known by its SHA-256."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.errors import CkssdError, InputError
from ckssd.json_file import plain, read_object
from ckssd.measure.settings import BenchmarkSettings
from ckssd.measure.sweep import Grid
from ckssd.model.ir import ir_files
from ckssd.own_files import LIBRARY, NOT_COPIED, own_root

SOURCE = "src"  # its name on the nodes, where it is a folder


@dataclass(frozen=True)
class Job:
    """A run as a node is told of it.

    ``settings``: fields of BenchmarkSettings; those of ``paths`` (such as ``model.file``) are files of
    ``contents`` there. ``python``: the interpreter with the runtime. ``images``: the folder of the pictures.
    ``sweep``: fields of Grid, for the pass of a sweep. ``lock``: the requirements, with hashes, that the
    interpreter's environment was made from, for nodes that have none.
    """

    settings: dict[str, Any]
    paths: dict[str, str]
    contents: dict[str, bytes]
    python: str
    images: str
    sweep: dict[str, Any] | None = None
    lock: str | None = None

    @property
    def hashes(self) -> dict[str, str]:
        """File name to SHA-256 of its content."""
        return {name: hashlib.sha256(content).hexdigest() for name, content in self.contents.items()}

    @property
    def id(self) -> str:
        """Another one for every other run: of the settings and of all contents."""
        said = [self.settings, self.paths, self.hashes, self.python, self.images, self.sweep]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def make_job(settings: BenchmarkSettings, python: Path, grid: Grid | None = None) -> Job:
    """Read all that the nodes need; raises an InputError for a file that cannot be read."""
    model = settings.model
    files = {"model.file": model.file, "annotations": settings.annotations}
    files |= {} if model.labels is None else {"model.labels": model.labels}
    files |= {} if settings.hierarchy is None else {"hierarchy": settings.hierarchy}
    files |= {} if model.own_nms is None else {"model.own_nms.anchors": Path(model.own_nms.anchors)}
    folders = {"model.labels": "labels", "model.own_nms.anchors": "anchors"}
    paths = {place: f"{folders.get(place, place.split('.')[0])}/{path.name}" for place, path in files.items()}
    contents = {paths[place]: _read(path) for place, path in files.items()}
    if model.file.suffix.lower() == ".xml":
        weights = ir_files(model.file)[1]
        contents[f"model/{weights.name}"] = _read(weights)
    contents[SOURCE] = source_archive()
    # Each worker has one detector with one thread; which images it runs, each batch says.
    told = dataclasses.replace(
        settings, threads=1, silent=True, verbose=False, batch_size=1, image_address=None
    )
    sweep = None if grid is None else plain(grid)
    images = str(settings.images.absolute())
    return Job(plain(told), paths, contents, str(python), images, sweep, lock_of(python))


def lock_of(python: Path) -> str | None:
    """The requirements lock of the package that an interpreter's environment is; None: it is of no package.

    It is the package's lock only as long as that is the one that the environment was made from.
    """
    try:
        record = read_object(python.parent.parent / "provenance.json", "provenance")
        path = own_root() / "package" / record["entry"]["alias"] / "requirements.lock"
        content = path.read_bytes()
    except (CkssdError, OSError, KeyError, TypeError):
        return None
    same = hashlib.sha256(content).hexdigest() == record.get("extra", {}).get("requirements_sha256")
    return content.decode() if same else None


def source_archive() -> bytes:
    """The library that runs as a ZIP file, the same bytes for the same source."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(_sources(LIBRARY)):
            name = f"ckssd/{path.relative_to(LIBRARY).as_posix()}"
            file.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def _sources(folder: Path) -> Iterator[Path]:
    names = [path.name for path in folder.iterdir()]
    left_out = NOT_COPIED(str(folder), names)
    for path in folder.iterdir():
        if path.name in left_out:
            continue
        if path.is_dir():
            yield from _sources(path)
        else:
            yield path


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError("The file cannot be read", where=path, got=error.strerror) from error

"""Accuracy logs cut to a size that can be submitted: their ends stay, and the SHA-256 of the whole.

A submitter keeps the whole logs, which reviewers may ask for. Source: submission_rules.adoc, 5.6.2; the form
of the cut and the line ``hash=`` are what MLPerf's tools write and read (tools/submission of r2.0).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TextIO

from ckssd.errors import InputError
from ckssd.json_file import write_whole
from ckssd.loadgen.logs import ACCURACY
from ckssd.measure.files import hash_file
from ckssd.staging import staging_folder
from ckssd.submission.layout import ACCURACY_TXT, owners

LARGEST_LOG = 10 << 10  # bytes
SHOWN = 4096  # bytes of each end
GAP = b"\n\n...\n\n"


def is_cut(log: Path) -> bool:
    """Whether a log has been cut."""
    return GAP in log.read_bytes()


def cut(content: bytes) -> bytes:
    """The two ends of a log; all of it where it is short."""
    return content if len(content) <= LARGEST_LOG else content[:SHOWN] + GAP + content[-SHOWN:]


def accuracy_logs(root: Path) -> Iterator[Path]:
    """The folders that have an accuracy log, of results and of compliance tests."""
    for owner in owners(root):
        for part in ("results", "compliance"):
            yield from sorted(path.parent for path in (owner.folder / part).rglob(f"accuracy/{ACCURACY}"))


def truncate(root: Path, originals: Path) -> list[Path]:
    """Cut every accuracy log below ``root`` that has no hash yet; whole ones go to the same place below
    ``originals``, where another one of that name stays, with the beginning of its hash in its name.

    Returns
    -------
    list of Path
        The logs that were cut or hashed, relative to ``root``.

    Raises
    ------
    InputError
        A log was cut without a hash.
    """
    done = []
    for folder in accuracy_logs(root):
        said = folder / ACCURACY_TXT
        text = said.read_text(encoding="utf-8") if said.is_file() else ""
        if "\nhash=" in f"\n{text}":
            continue
        log = folder / ACCURACY
        _keep(log, originals / log.relative_to(root))
        digest = hash_file(log).sha256
        log.write_bytes(cut(log.read_bytes()))
        write_whole(said, partial(_append, text, f"hash={digest}\n"))
        done.append(log.relative_to(root))
    return done


def _append(text: str, line: str, file: TextIO) -> None:
    file.write(text + ("" if not text or text.endswith("\n") else "\n") + line)


def _keep(log: Path, place: Path) -> None:
    if is_cut(log):
        raise InputError("An accuracy log was cut, and has no hash", where=log, advice="take the whole one")
    if place.exists():
        before = hash_file(place).sha256
        if before == hash_file(log).sha256:
            return
        place.rename(place.with_name(f"{place.stem}-{before[:8]}{place.suffix}"))
    with staging_folder(place.parent, "original") as staging:
        kept = staging / place.name
        kept.write_bytes(log.read_bytes())
        kept.replace(place)

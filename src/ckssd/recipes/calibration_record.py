"""Images to calibrate with, and what is recorded of them."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ckssd.fetch.hashing import hash_file


@dataclass(frozen=True)
class Calibration:
    """Images to calibrate with; all of them can be decoded.

    Attributes
    ----------
    images
        What is fed.
    origin
        Where they are from, for people.
    notes
        What is doubtful about them.
    sources
        The files that they were made of, one for each, if not they themselves.
    record
        Origin, notes, names with sha256, and the sha256 of these as lines of ``sha256sum``. Names begin in
        the folder that has all of them.
    """

    images: tuple[Path, ...]
    origin: str
    notes: tuple[str, ...] = ()
    sources: tuple[Path, ...] = ()

    @cached_property
    def record(self) -> dict[str, Any]:
        """Read the files, once."""
        sources = self.sources or self.images
        folder = os.path.commonpath([source.parent for source in sources])
        files = {source.relative_to(folder).as_posix(): hash_file(source).sha256 for source in sources}
        listed = "".join(f"{digest}  {name}\n" for name, digest in files.items())
        digest = hashlib.sha256(listed.encode()).hexdigest()
        return {"origin": self.origin, "images": files, "sha256": digest, "notes": list(self.notes)}

    @property
    def lines(self) -> tuple[str, ...]:
        """What people should know of it."""
        notes = (f"Note: {note}" for note in self.notes)
        total = f"{len(self.images)} images {self.origin}, sha256 of their list {self.record['sha256']}"
        return (f"Calibrated with {total}", *notes)

    def write_record(self, path: Path) -> Path:
        """Write the record as JSON; return its file."""
        path.write_text(json.dumps(self.record, indent=1) + "\n", encoding="utf-8")
        return path

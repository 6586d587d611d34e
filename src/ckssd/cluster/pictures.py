"""How the pictures of a batch come to a node: by a path that it has, in the task, or from an address."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ckssd.cluster.on_node.pictures import Source
from ckssd.cluster.settings import SENT, ClusterSettings
from ckssd.coco.annotations import ImageEntry
from ckssd.errors import InputError, UsageError
from ckssd.secrets import given

MOST_SECONDS = 60.0  # for one picture; a batch's own deadline has to come after several tries
SHARE = 6


@dataclasses.dataclass(frozen=True)
class Carrier:
    """``folder``: the data set's own pictures. ``source``: the public address that nodes fetch from."""

    cluster: ClusterSettings
    folder: Path
    source: str | None

    def of(self, images: Iterable[ImageEntry]) -> dict[str, Any] | None:
        """What a node is told of these, see ckssd.cluster.on_node.batch.run_batch.

        Raises
        ------
        InputError
            One cannot be read here.
        """
        if self.source is None and self.cluster.images != SENT:
            return None
        read = ((image.file_name, self._read(image)) for image in images)
        if self.source is None:
            return {"sent": dict(read)}
        wanted = {name: (hashlib.sha256(content).hexdigest(), len(content)) for name, content in read}
        within_s = min(MOST_SECONDS, self.cluster.deadline_s / SHARE)
        return {"source": dataclasses.asdict(Source(given(self.source), self.source, wanted, within_s))}

    def _read(self, image: ImageEntry) -> bytes:
        path = self.folder / image.file_name
        try:
            return path.read_bytes()
        except OSError as error:
            raise InputError("The image cannot be read", where=path, got=error.strerror) from error


def check_scheme(source: str) -> None:
    """Raise a UsageError for an address that no node can serve, as far as fsspec here knows."""
    try:
        from fsspec import available_protocols
    except ImportError:
        return  # a node may have it: it says so
    scheme = urlsplit(source).scheme.lower()
    if scheme not in available_protocols():
        raise UsageError(
            "fsspec does not know such addresses",
            where=source,
            expected="http, https, s3, or another that it serves",
            got=scheme,
        )

"""Images as a network wants them, read from files, and kept for the next run if there is a folder for it.

A kept image is found by the hash of its file, by its size, by how it was turned and by what made its pixels:
the resize method, this project's rules for colours, and names and versions of the libraries that decode and
resize here. Whatever else is found counts as not there.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from ckssd.detect.choices import Decode, Orientation, ResizeMethod
from ckssd.detect.colours import RULES
from ckssd.detect.image_store import ImageStore
from ckssd.detect.images import decode_image, decode_scaled, decoders, read_file
from ckssd.detect.laps import RESIZING, lap
from ckssd.detect.network_input import NetworkInput
from ckssd.detect.orientation import NO_TURN, applied, tag_in
from ckssd.detect.pixels import Pixels
from ckssd.detect.resize import LIBRARIES, Resized
from ckssd.errors import EnvironmentSetupError
from ckssd.graph.resizer import AspectResizer


@dataclass(frozen=True)
class Preprocessed:
    """An image [height, width, 3] resized for a network, and what it was before.

    ``size``: width and height of the file's image in pixels, after it was turned. ``tag``: its orientation
    tag; ``turned_by``: the one that was applied, 1 for none. ``from_cache``: it was kept from an earlier run.
    """

    pixels: Resized
    size: tuple[int, int]
    tag: int = NO_TURN
    turned_by: int = NO_TURN
    from_cache: bool = False


class ImageReader:
    """Reads image files and resizes them to one size; may be used by several threads.

    ``not_kept`` says of each image that should have been kept and could not be, why.

    Parameters
    ----------
    width, height
        Of the resized images.
    method
        See ckssd.detect.resize; None leaves images as they are, and keeps none.
    kept_in
        A folder for resized images, made if it is not there; None keeps none.
    orientation
        Whether images are turned upright as their tag says, or used as they are stored.
    aspect
        How images keep their aspect ratio; None: they are stretched.
    decode
        ``scaled``: JPEGs are decoded to no more pixels than they are resized to need, see decode_scaled.

    Raises
    ------
    EnvironmentSetupError
        Images are to be kept, and the version of a library that makes their pixels is not known.
    """

    def __init__(
        self,
        width: int,
        height: int,
        method: ResizeMethod | None,
        kept_in: Path | None = None,
        orientation: Orientation = "stored",
        aspect: AspectResizer | None = None,
        decode: Decode = "full",
    ) -> None:
        self.not_kept: list[str] = []
        self._network = NetworkInput(width, height, aspect=aspect)
        self._method = method
        self._orientation = orientation
        self._scaled = decode == "scaled" and method is not None
        self._kept: ImageStore | None = None
        if kept_in is not None and method is not None:
            how = method if aspect is None else f"{method}-{str(aspect).replace(' ', '_')}"
            how += "" if decode == "full" else f"-{decode}"
            folder = kept_in / f"{how}-{width}x{height}-{_made_by(method)}-{RULES}"
            self._kept = ImageStore(folder, width, height, self._network.resized_type(method))

    def read(self, path: Path) -> Preprocessed:
        """Read one image.

        Raises
        ------
        InputError
            It is missing, broken or no image.
        """
        data = read_file(path)
        tag = tag_in(data)
        turned_by = applied(tag, self._orientation)
        if self._kept is None:
            return self._resized(data, path, tag, turned_by)
        key = _key(data, turned_by)
        kept = self._kept.load(key)
        if kept is not None:
            return Preprocessed(*kept, tag, turned_by, from_cache=True)
        made = self._resized(data, path, tag, turned_by)
        try:
            self._kept.store(key, made.pixels, made.size)
        except OSError as error:  # which only costs time
            self.not_kept.append(error.strerror or str(error))
        return made

    def _resized(self, data: bytes, path: Path, tag: int, turned_by: int) -> Preprocessed:
        if self._scaled:
            pixels, size = decode_scaled(data, path, self._network.resized_size, turned_by)
        else:
            pixels = decode_image(data, path, turned_by)
            size = (pixels.shape[1], pixels.shape[0])
        return Preprocessed(self.resized(pixels, size), size, tag, turned_by)

    def resized(self, pixels: Pixels, whole: tuple[int, int] | None = None) -> Resized:
        """A decoded image [h, w, 3] as the network wants it; ``whole``: see NetworkInput.resized."""
        with lap(RESIZING):
            return self._network.resized(pixels, self._method, whole)


def _key(data: bytes, turned_by: int) -> str:
    """An image without a tag is the same in both orientations."""
    key = hashlib.sha256(data).hexdigest()
    return key if turned_by == NO_TURN else f"{key}-turned-{turned_by}"


def _made_by(method: ResizeMethod) -> str:
    """The libraries that decide an image's pixels, with their versions."""
    libraries = sorted({*decoders(), LIBRARIES[method]})
    try:
        return "-".join(f"{name}-{importlib.metadata.version(name)}" for name in libraries)
    except importlib.metadata.PackageNotFoundError as error:
        raise EnvironmentSetupError(
            "Resized images cannot be kept without knowing what resizes them",
            expected=f"the distribution {error.name}",
            got="none in this Python",
            advice="install it, or run without CK_PREPROCESSED_CACHE",
        ) from error

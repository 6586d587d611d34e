"""Videos with drawn frames: H.264 in MP4, 8 bits, 4:2:0, index first: what browsers, phones and players play.

Frames keep their times. A file has one size, that of its first frame, made even as 4:2:0 needs; sound is not
copied.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from PIL import Image

from ckssd.errors import EnvironmentSetupError

CODEC = "libx264"
DESCRIPTION = "H.264 in MP4, without sound"
TICKS = 90_000  # a second, as MPEG has them
# Constant quality, hardly to be told from the source; half the time of the default preset.
OPTIONS = {"crf": "20", "preset": "veryfast"}


class VideoWriter:
    """Writes a video beside its place and renames it there at the end; a context manager.

    Parameters
    ----------
    path
        Its place.
    rate
        Nominal frames a second.

    Raises
    ------
    EnvironmentSetupError
        It cannot be written.
    """

    def __init__(self, path: Path, rate: float) -> None:
        self._av: Any = importlib.import_module("av")
        self._path = path
        self._rate = Fraction(rate).limit_denominator(1001)
        self._stream: Any = None
        self._last = -1
        self.rescaled = 0
        try:
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
            os.close(handle)
            self._temporary = Path(name)
            self._container = self._av.open(name, "w", format="mp4", options={"movflags": "+faststart"})
        except OSError as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._stream is not None:
                self._finish()
        finally:
            with contextlib.suppress(self._av.error.FFmpegError, OSError):
                self._container.close()
            self._temporary.unlink(missing_ok=True)

    def add(self, image: Image.Image, seconds: float) -> None:
        """Append a frame; one of another size than the first is scaled to it.

        Raises
        ------
        EnvironmentSetupError
            The disk is full.
        """
        if self._stream is None:
            self._begin(image.size)
        pixels = self._fitting(image)
        frame = self._av.VideoFrame.from_ndarray(pixels, format="rgb24")
        self._last = max(round(seconds * TICKS), self._last + 1)
        frame.pts, frame.time_base = self._last, Fraction(1, TICKS)
        try:
            self._container.mux(self._stream.encode(frame))
        except (self._av.error.FFmpegError, OSError) as error:
            raise self._unwritable(error) from error

    def _begin(self, size: tuple[int, int]) -> None:
        self._size = size
        self._stream = self._container.add_stream(CODEC, rate=self._rate, options=OPTIONS)
        self._stream.width, self._stream.height = (side + side % 2 for side in size)
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, TICKS)

    def _fitting(self, image: Image.Image) -> np.ndarray[Any, np.dtype[np.uint8]]:
        if image.size != self._size:
            self.rescaled += 1
            image = image.resize(self._size)
        width, height = self._size
        return np.pad(np.asarray(image), ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")

    def _finish(self) -> None:
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._temporary.chmod(0o644)
            self._temporary.replace(self._path)
        except (self._av.error.FFmpegError, OSError) as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: Exception) -> EnvironmentSetupError:
        reason = getattr(error, "strerror", None) or str(error)
        return EnvironmentSetupError("The video cannot be written", where=self._path, got=reason)

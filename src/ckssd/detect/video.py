"""Frames of a video file or a camera, one at a time, as a person sees them: upright, with their times.

What is wrong with a video shows while it is read. A part that is damaged is left out, and a file that was cut
short ends where it ends: both are said in notes, and what could be read counts.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ckssd.detect.choices import Orientation
from ckssd.detect.images import MOST_PIXELS
from ckssd.detect.pixels import Pixels
from ckssd.errors import EnvironmentSetupError, InputError

DEFAULT_RATE = 25.0  # what FFmpeg assumes of streams that state none
# Of a stream's own duration a frame and a half may be missing; a file's may be that of a longer sound.
SLACK_FRAMES, SLACK_S = 1.5, 0.5
HDR = {16: "PQ", 18: "HLG"}  # transfer characteristics of ITU-T H.273


@dataclass(frozen=True)
class Frame:
    """``pixels``, ``number`` from 0 and ``seconds`` from the first frame; ``size``: width and height."""

    pixels: Pixels
    number: int
    seconds: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.pixels.shape[1], self.pixels.shape[0]


class Video:
    """A video, opened; a context manager. FFmpeg decodes it, by PyAV.

    Parameters
    ----------
    path
        A file; for a camera its device.
    kind
        FFmpeg's name of the device's kind, None for files.
    orientation
        ``upright`` turns frames as the file says (phones write so), ``stored`` does not.

    Raises
    ------
    InputError
        The file is missing, no video, has no pictures in it, or larger ones than can be held.
    EnvironmentSetupError
        PyAV is not in this Python, or the device cannot be used.
    """

    def __init__(self, path: Path, orientation: Orientation = "upright", kind: str | None = None) -> None:
        self._av = _pyav()
        self._path, self._orientation = path, orientation
        self._container = _opened(self._av, path, kind)
        with contextlib.ExitStack() as closing:
            closing.callback(self._container.close)
            self._stream = self._video_stream()
            closing.pop_all()
        self.rate = float(self._stream.average_rate or DEFAULT_RATE)
        self._clock = _Clock(1 / self.rate)
        self._read = self._damaged = self._turned = 0
        self._askew = self._interlaced = False
        self._sizes: dict[tuple[int, int], None] = {}

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._container.close()

    @property
    def frames_read(self) -> int:
        """How many have been decoded."""
        return self._read

    @property
    def stated_frames(self) -> int | None:
        """How many frames the file says it has, or what its duration makes of it; None: it says nothing."""
        if self._stream.frames:
            return int(self._stream.frames)
        end = self._stated_end()
        return None if end is None else round(end * self.rate)

    def frames(self, every: int = 1) -> Iterator[Frame]:
        """Every ``every``-th frame, from the first on.

        Raises
        ------
        InputError
            Not one can be decoded.
        """
        for frame in self._decoded():
            seconds = self._clock.at(frame.time)
            number, self._read = self._read, self._read + 1
            if number % every == 0:
                yield Frame(self._pixels(frame), number, seconds)
        if not self._read:
            raise InputError(
                "No frame of the video can be decoded", where=self._path, advice="it may have been cut short"
            )

    def notes(self, *, to_end: bool = True) -> list[str]:
        """What a person should know about a video that was read, ``to_end`` or not."""
        end = self._on_end() if to_end else ()
        return [*end, *self._on_pictures(), *self._clock.notes(self._path, self.rate)]

    def _video_stream(self) -> Any:
        if not self._container.streams.video:
            raise InputError("The file has no video in it", where=self._path)
        stream = self._container.streams.video[0]
        if stream.codec_context is None:  # FFmpeg has no decoder for what the file names
            raise InputError("Nothing here decodes the video", where=self._path, got="an unknown codec")
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > MOST_PIXELS:
            raise InputError(
                "The video's frames are too large",
                where=self._path,
                expected=f"at most {MOST_PIXELS} pixels",
                got=f"{width}x{height}",
            )
        stream.thread_type = "AUTO"
        return stream

    def _decoded(self) -> Iterator[Any]:
        """Frames of all packets; a packet that is damaged counts and is left out."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except self._av.error.FFmpegError:
                self._damaged += 1
                return
            try:
                yield from packet.decode()
            except self._av.error.FFmpegError:
                self._damaged += 1

    def _pixels(self, frame: Any) -> Pixels:
        self._damaged += bool(frame.is_corrupt)
        pixels: Pixels = frame.to_ndarray(format="rgb24")
        turns, rest = divmod(int(frame.rotation), 90)
        self._askew |= bool(rest)
        self._interlaced |= bool(frame.interlaced_frame)
        if self._orientation == "upright" and not rest and turns % 4:
            self._turned += 1
            pixels = np.ascontiguousarray(np.rot90(pixels, turns))
        self._sizes[pixels.shape[1], pixels.shape[0]] = None
        return pixels

    def _stated_end(self) -> float | None:
        if self._stream.duration:
            return float(self._stream.duration * self._stream.time_base)
        duration = self._container.duration
        return None if duration is None else duration / self._av.time_base

    def _on_end(self) -> Iterator[str]:
        stated, ended = self._stated_end(), self._clock.last + 1 / self.rate
        slack = SLACK_FRAMES / self.rate if self._stream.duration else SLACK_S
        counted = (
            f"{self._read} of {self._stream.frames} frames" if self._read < self._stream.frames - 1 else ""
        )
        if stated is not None and ended < stated - slack:
            counted = counted or f"{ended:.2f} of {stated:.2f} seconds"
        if counted:
            yield f"{self._path}: {counted} are there: it may have been cut short; what it has counts"
        if self._damaged:
            yield f"{self._path}: {self._damaged} damaged places, where frames are missing or not whole"

    def _on_pictures(self) -> Iterator[str]:
        if self._turned:
            yield f"{self._path}: turned upright, as the file says (--orientation stored leaves it)"
        if self._askew and self._orientation == "upright":
            yield f"{self._path}: the file asks for a turn that is no quarter turn; it is not applied"
        if self._interlaced:
            yield f"{self._path}: interlaced; moving things have combs in the frames that are detected in"
        if len(self._sizes) > 1:
            sizes = ", ".join(f"{width}x{height}" for width, height in self._sizes)
            yield f"{self._path}: the size changes ({sizes}); boxes are in each frame's own pixels"
        shape = self._stream.sample_aspect_ratio
        if shape not in (None, 0, 1):
            yield f"{self._path}: pixels are not square ({shape}); boxes are in pixels as they are stored"
        kind = HDR.get(int(self._stream.codec_context.color_trc or 0))
        if kind:
            yield f"{self._path}: high dynamic range ({kind}) is not tone-mapped: colours are pale"


class _Clock:
    """Seconds from the first frame on, that only rise: where times are missing or jump back, by the rate."""

    def __init__(self, step: float) -> None:
        self.last = -step
        self._step = step
        self._offset: float | None = None
        self._missing = self._jumps = 0

    def at(self, time: float | None) -> float:
        """The seconds of the next frame, whose own time is ``time``."""
        if time is None:
            self._missing += 1
            seconds = self.last + self._step
        else:
            self._offset = -time if self._offset is None else self._offset
            if time + self._offset <= self.last:
                self._jumps += 1
                self._offset = self.last + self._step - time
            seconds = time + self._offset
        self.last = max(seconds, 0.0)
        return self.last

    def notes(self, path: Path, rate: float) -> Iterator[str]:
        """What was assumed."""
        if self._missing:
            yield f"{path}: {self._missing} frames without a time: counted as {rate:g} frames a second"
        if self._jumps:
            yield f"{path}: times jump back {self._jumps} times; seconds go on from there"


def camera(number: int) -> Video:
    """A camera of this machine, opened.

    Raises
    ------
    EnvironmentSetupError
        There is none, or it cannot be used.
    """
    if not sys.platform.startswith("linux"):
        raise EnvironmentSetupError("Cameras are used on Linux only (Video4Linux)", got=sys.platform)
    device = Path(f"/dev/video{number}")
    if not device.exists():
        others = sorted(str(path) for path in Path("/dev").glob("video*"))
        raise EnvironmentSetupError(
            "There is no such camera", where=device, got=", ".join(others) or "no camera on this machine"
        )
    return Video(device, kind="v4l2")


def _pyav() -> Any:
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise EnvironmentSetupError(
            "Videos need PyAV, which the environment of this runtime does not have",
            where=sys.executable,
            advice="take a TFLite model or an IR; an environment from before it was added is made anew: "
            "ckssd install --reinstall --tags=lib,litert (or lib,openvino)",
        ) from error


def _opened(av: Any, path: Path, kind: str | None) -> Any:
    try:
        return av.open(str(path), format=kind)
    except FileNotFoundError as error:
        raise InputError("The video is missing", where=path) from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if kind is not None:
            raise EnvironmentSetupError("The camera cannot be used", where=path, got=reason) from error
        raise InputError(
            "The file is no video that can be read",
            where=path,
            got=reason,
            advice="an MP4 file that was cut short has lost its index, which is at its end",
        ) from error

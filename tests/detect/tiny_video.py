"""Small videos, made here: frames that get lighter, their left half red."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SIZE = (64, 48)
RATE = 10
MATRIX = 44  # bytes from an MP4's `tkhd` to its matrix, version 0 (ISO 14496-12)


def picture(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    pixels = np.full((size[1], size[0], 3), 40 + number * 6 % 200, np.uint8)
    pixels[:, : size[0] // 2] = (200, 20, 20)
    return pixels


def write_video(
    path: Path, frames: int = 20, size: tuple[int, int] = SIZE, times: Sequence[float] | None = None
) -> Path:
    """A video in the format that the name says; MP4 has its index first. ``times``: seconds of the frames."""
    options = {"movflags": "+faststart"} if path.suffix in (".mp4", ".mov") else {}
    kind = "mpegts" if path.suffix == ".ts" else None
    with av.open(str(path), "w", format=kind, options=options) as container:
        codec = "mpeg4" if path.suffix == ".avi" else "libx264"
        stream = container.add_stream(codec, rate=RATE, options={"g": "5"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(number, size), format="rgb24")
            seconds = number / RATE if times is None else times[number]
            frame.pts, frame.time_base = round(seconds * RATE), Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn(path: Path) -> Path:
    """Make an MP4 say, as phones do, that it is shown a quarter turn clockwise."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + MATRIX
    quarter = (0, 1 << 16, 0, -(1 << 16), 0, 0, SIZE[1] << 16, 0, 1 << 30)
    data[place : place + 36] = struct.pack(">9i", *quarter)
    path.write_bytes(data)
    return path


def write_sound(path: Path) -> Path:
    """A file with sound and nothing else."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path

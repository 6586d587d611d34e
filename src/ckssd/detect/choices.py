"""What a run may be told of its images, known without the libraries that do it: commands declare it."""

from __future__ import annotations

from typing import Literal, get_args

ResizeMethod = Literal["pillow", "tf1", "opencv"]
RESIZE_METHODS: tuple[ResizeMethod, ...] = get_args(ResizeMethod)
DEFAULT_RESIZE: ResizeMethod = "pillow"

# scaled: JPEGs are decoded at the smallest eighths of their size that the network's input does not exceed.
Decode = Literal["full", "scaled"]
DECODE: tuple[Decode, ...] = get_args(Decode)

Orientation = Literal["stored", "upright"]
ORIENTATIONS: tuple[Orientation, ...] = get_args(Orientation)

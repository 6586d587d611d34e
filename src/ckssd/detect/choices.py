"""What a run may be told of its images, known without the libraries that do it: commands declare it."""

from __future__ import annotations

from typing import Literal, get_args

ResizeMethod = Literal["pillow", "tf1", "opencv"]
RESIZE_METHODS: tuple[ResizeMethod, ...] = get_args(ResizeMethod)
DEFAULT_RESIZE: ResizeMethod = "pillow"

Orientation = Literal["stored", "upright"]
ORIENTATIONS: tuple[Orientation, ...] = get_args(Orientation)

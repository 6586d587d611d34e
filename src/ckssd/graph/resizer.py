"""The resizer that keeps an image's aspect ratio: what it makes of an image's size, and its text in an IR.

Object Detection API, core/preprocessor.py, resize_to_range: the image becomes as large as fits into
``least`` x ``most`` pixels, the longer side along the longer side. With padding, pixels are added at the
bottom and on the right up to ``most`` x ``most``; without, the network's input has another size for each
aspect ratio.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

NAME = "keep_aspect_ratio_resizer"
_TEXT = re.compile(rf"{NAME} (\d+) to (\d+)(, padded with ([^, ]+) ([^, ]+) ([^, ]+))?", re.ASCII)
_MARGIN = 0.49  # of a pixel: rounding up to no more than there is room


@dataclass(frozen=True)
class AspectResizer:
    """``pad``: red, green and blue of the padding, in grey levels of 0 to 255."""

    least: int
    most: int
    padded: bool
    pad: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __str__(self) -> str:
        """The text that `from_text` reads."""
        pad = " ".join(f"{value:.9g}" for value in self.pad)
        return f"{NAME} {self.least} to {self.most}" + (f", padded with {pad}" if self.padded else "")

    def resized(self, width: int, height: int, room: tuple[int, int]) -> tuple[int, int]:
        """Width and height that an image gets in a network for images of ``room``, its width and height.

        Computed in float32 and rounded to even as TensorFlow does it (image_ops_impl.py,
        preserve_aspect_ratio). Where that is larger than the network's input, as an image of another aspect
        ratio can be without padding, the image gets as large as there is room.
        """
        rows, columns = (self.least, self.most) if height < width else (self.most, self.least)
        import numpy as np  # here: commands that only read configurations need not wait for it

        scale = min(np.float32(rows) / np.float32(height), np.float32(columns) / np.float32(width))
        new_width, new_height = _scaled(width, height, scale)
        if new_width > room[0] or new_height > room[1]:
            room_for = [(side + _MARGIN) / before for side, before in zip(room, (width, height), strict=True)]
            new_width, new_height = _scaled(width, height, np.float32(min(room_for)))
        return new_width, new_height


def _scaled(width: int, height: int, scale: np.float32) -> tuple[int, int]:
    import numpy as np

    sides = (int(np.rint(scale * np.float32(side))) for side in (width, height))
    new_width, new_height = (max(side, 1) for side in sides)
    return new_width, new_height


def from_text(text: str) -> AspectResizer | None:
    """Read what `AspectResizer` gives as text; None if it is none."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    try:
        pad = tuple(float(value) for value in found.groups()[3:6] if value is not None) or (0.0, 0.0, 0.0)
    except ValueError:
        return None
    return AspectResizer(int(found[1]), int(found[2]), found[3] is not None, (pad[0], pad[1], pad[2]))

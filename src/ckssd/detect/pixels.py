"""The pixels of an image, as every step on its way takes them: uint8 [height, width, 3], red first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

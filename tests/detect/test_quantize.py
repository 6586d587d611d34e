"""What NNCF is given of a calibration image: what the IR says that it takes; other models are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ckssd.detect.openvino import read_ir
from ckssd.detect.quantize import fed, quantize_ir
from ckssd.errors import InputError
from tests.detect.test_openvino import META, write_ir

ORANGE = (255, 51, 0)
FED = {
    "pixels": ({}, ORANGE),
    "blue first": ({"channel_order": "BGR"}, ORANGE[::-1]),
    "normalised": ({"input_range": "-1,1"}, (1.0, -0.6, -1.0)),
    "normalised, blue first": ({"input_range": "-1,1", "channel_order": "BGR"}, (-1.0, -0.6, 1.0)),
}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "orange.png"
    Image.new("RGB", (7, 6), ORANGE).save(path)
    return path


@pytest.mark.parametrize("case", FED)
def test_an_image_is_fed_as_the_ir_says(case: str, photo: Path, tmp_path: Path) -> None:
    meta, expected = FED[case]
    tensor = fed(read_ir(write_ir(tmp_path, meta={**META, **meta})), photo)
    assert (tensor.shape, tensor.dtype) == ((1, 4, 5, 3), np.float32)
    np.testing.assert_allclose(tensor[0], np.broadcast_to(expected, (4, 5, 3)), atol=1e-6)


def test_an_ir_that_does_not_say_what_it_takes_is_refused(photo: Path, tmp_path: Path) -> None:
    model, target = write_ir(tmp_path, meta={}), tmp_path / "out" / "int8.xml"
    with pytest.raises(InputError, match="does not say"):
        quantize_ir(model, [photo], target)
    assert not target.parent.exists()

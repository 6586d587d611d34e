"""Reading a pipeline.config without TensorFlow's descriptors."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import CkssdError, InputError
from ckssd.graph.pipeline import Pipeline, read_pipeline
from tests.support.sandbox import CHECKOUT

REAL = CHECKOUT / "package/model-tf-ssd-mobilenet-v1-shapes/files/pipeline.config"


def read(folder: Path, text: str) -> Pipeline:
    path = folder / "pipeline.config"
    path.write_text(text, encoding="utf-8")
    return read_pipeline(path)


def test_the_real_one() -> None:
    pipeline = read_pipeline(REAL)
    assert pipeline.image_size() == (300, 300)
    assert pipeline.nms("score_threshold") == 1e-8
    assert pipeline.nms("iou_threshold") == 0.6
    assert pipeline.nms("max_total_detections") == 100
    assert pipeline.value("model", "ssd", "feature_extractor", "type") == "ssd_mobilenet_v1"


def test_everything_the_format_allows(tmp_path: Path) -> None:
    text = """
    # a comment with { braces }
    model: < ssd { box_coder { faster_rcnn_box_coder: {} } num_classes: 6; image_resizer <
      fixed_shape_resizer { height: 320, width: 256 } > list: [1, 2, 3] name: 'a # } b' num_classes: 7 } >
    """
    pipeline = read(tmp_path, text)
    assert pipeline.image_size() == (320, 256)
    assert pipeline.number("model", "ssd", "num_classes") == 7
    assert pipeline.value("model", "ssd", "name") == "a # } b"
    assert pipeline.value("model", "ssd", "list") == "3"
    assert pipeline.nms("score_threshold") is None


@pytest.mark.parametrize(
    "text",
    ["model { ssd {", "model { ssd { } } }", "model: ssd: x", "} model", "model { ssd { a: } }", 'x: "open'],
)
def test_what_is_not_in_the_format_is_an_error(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="text format") as caught:
        read(tmp_path, text)
    assert caught.value.where == str(tmp_path / "pipeline.config")


def test_a_pipeline_of_another_model_and_a_value_that_is_no_number(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not that of an SSD"):
        read(tmp_path, "model { faster_rcnn { } }")
    pipeline = read(tmp_path, "model { ssd { num_classes: many } }")
    with pytest.raises(InputError, match="no number"):
        pipeline.number("model", "ssd", "num_classes")
    with pytest.raises(InputError, match="cannot be read"):
        read_pipeline(tmp_path / "none")


@given(st.text(alphabet="model{}<>[]:\"'# \n1a", max_size=40))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    try:
        read(folder, f"model {{ ssd {{ }} }} {text}")
    except CkssdError as error:
        assert isinstance(error, InputError)  # noqa: PT017

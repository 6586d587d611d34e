"""Reading a TFLite file, cutting it in two, and giving its postprocessing operator other options."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from flatbuffers import flexbuffers

from ckssd.errors import InputError
from ckssd.tflite.model import (
    POSTPROCESS,
    TFLiteModel,
    cut_model,
    detection_options,
    read_model,
    with_options,
)
from tests.detect.tiny_model import OPTIONS, SIDE, tiny_model, tiny_model_without_nms


def saved(path: Path, data: bytes) -> TFLiteModel:
    path.write_bytes(data)
    return read_model(path)


def run(data: bytes, *inputs: np.ndarray) -> list[np.ndarray]:
    """Outputs of a whole model in a one-thread interpreter."""
    interpreter = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    for detail, value in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def valid(outputs: list[np.ndarray]) -> list[Any]:
    boxes, classes, scores, count = outputs
    found = int(count[0])
    return [found, boxes[0, :found].tolist(), classes[0, :found].tolist(), scores[0, :found].tolist()]


def images(number: int) -> np.ndarray:
    return np.random.default_rng(7).uniform(-1, 1, (number, 1, SIDE, SIDE, 3)).astype(np.float32)


def test_a_model_is_described_by_its_own_content(tmp_path: Path) -> None:
    model = saved(tmp_path / "ein Modell.tflite", tiny_model(anchors=40))
    assert [(tensor.name, tensor.shape, tensor.dtype) for tensor in model.inputs] == [
        ("normalized_input_image_tensor", (1, SIDE, SIDE, 3), "float32")
    ]
    assert [tensor.shape for tensor in model.outputs] == [(1, 20, 4), (1, 20), (1, 20), (1,)]
    assert model.anchor_count == 40
    assert model.options is not None
    assert model.options.as_dict() == OPTIONS
    assert model.options.nms == "regular"


@pytest.mark.parametrize("regular", [True, False])
def test_the_two_halves_give_what_the_whole_gives(tmp_path: Path, regular: bool) -> None:
    model = saved(tmp_path / "m.tflite", tiny_model(use_regular_nms=regular))
    cut = cut_model(model)
    for image in images(5):
        encodings, predictions = run(cut.convolutions, image)
        assert encodings.shape == (1, 64, 4)
        assert predictions.shape == (1, 64, 7)
        assert valid(run(cut.postprocess, encodings, predictions)) == valid(run(model.data, image))


def test_the_postprocessing_half_holds_nothing_but_the_operator(tmp_path: Path) -> None:
    cut = cut_model(saved(tmp_path / "m.tflite", tiny_model()))
    assert len(cut.postprocess) < 3000
    # read by TensorFlow's generated code, not by ours
    model = schema.ModelT.InitFromPackedBuf(cut.postprocess)
    (graph,) = model.subgraphs
    (operator,) = graph.operators
    assert model.operatorCodes[operator.opcodeIndex].customCode == POSTPROCESS.encode()
    assert flexbuffers.Loads(bytes(operator.customOptions)) == pytest.approx(OPTIONS)
    names = [graph.tensors[index].name for index in operator.inputs]
    assert names == [b"raw_outputs/box_encodings", b"raw_outputs/class_predictions", b"anchors"]


def test_the_convolution_half_is_read_by_the_generated_code_too(tmp_path: Path) -> None:
    cut = cut_model(saved(tmp_path / "m.tflite", tiny_model()))
    (graph,) = schema.ModelT.InitFromPackedBuf(cut.convolutions).subgraphs
    assert [graph.tensors[index].name for index in graph.outputs] == [
        b"raw_outputs/box_encodings",
        b"raw_outputs/class_predictions",
    ]
    assert len(graph.operators) == 5


def test_the_fast_graph_with_regular_options_is_the_regular_graph(tmp_path: Path) -> None:
    fast = saved(tmp_path / "fast.tflite", tiny_model(use_regular_nms=False))
    regular = tiny_model(use_regular_nms=True)
    rewritten = with_options(fast, dataclasses.replace(detection_options(fast), use_regular_nms=True))
    for image in images(5):
        assert valid(run(rewritten.data, image)) == valid(run(regular, image))
        assert valid(run(rewritten.data, image)) != valid(run(fast.data, image))
    assert rewritten.options == read_model(saved(tmp_path / "r.tflite", regular).path).options


def test_new_options_reach_the_kernel_and_the_others_stay(tmp_path: Path) -> None:
    model = saved(tmp_path / "m.tflite", tiny_model(something_else=5))
    options = dataclasses.replace(detection_options(model), max_detections=7, nms_score_threshold=0.5)
    changed = with_options(model, options)
    boxes, _, scores, count = run(
        cut_model(changed).postprocess, *run(cut_model(changed).convolutions, images(1)[0])
    )
    assert boxes.shape == (1, 7, 4)
    assert count[0] == 7
    assert scores.min() >= 0.5
    assert changed.options == options
    (graph,) = schema.ModelT.InitFromPackedBuf(changed.data).subgraphs
    assert flexbuffers.Loads(bytes(graph.operators[-1].customOptions))["something_else"] == 5


def test_thresholds_read_as_they_were_written(tmp_path: Path) -> None:
    # exporters store float32, where 0.3 is 0.30000001192092896
    data = tiny_model(nms_score_threshold=float(np.float32(0.3)), nms_iou_threshold=float(np.float32(0.6)))
    options = detection_options(saved(tmp_path / "m.tflite", data))
    assert (options.nms_score_threshold, options.nms_iou_threshold) == (0.3, 0.6)


def test_defaults_are_the_kernels_own(tmp_path: Path) -> None:
    options = detection_options(
        saved(tmp_path / "m.tflite", tiny_model(detections_per_class=None, use_regular_nms=None))
    )
    assert options.detections_per_class == 100
    assert options.nms == "fast"


def test_a_model_without_the_operator_has_not_the_expected_outputs(tmp_path: Path) -> None:
    model = saved(tmp_path / "cut.tflite", tiny_model_without_nms())
    assert model.options is None
    with pytest.raises(
        InputError, match=r"not the expected outputs: .*cut\.tflite .*four of TFLite_Detection_Post"
    ):
        cut_model(model)


def test_an_operator_without_a_needed_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lacks options.*no nms_iou_threshold"):
        saved(tmp_path / "m.tflite", tiny_model(nms_iou_threshold=None))


@pytest.mark.parametrize("value", ["high", float("nan"), [0.3]])
def test_an_option_that_is_no_number_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(InputError, match=r"no number: .*m\.tflite \(got nms_score_threshold: "):
        saved(tmp_path / "m.tflite", tiny_model(nms_score_threshold=value))


@pytest.mark.parametrize("content", [b"", b"TFL3", b"no model at all, just text", bytes(64)])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"no TFLite model: .*m\.tflite"):
        saved(tmp_path / "m.tflite", content)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read: .*gone\.tflite"):
        read_model(tmp_path / "gone.tflite")

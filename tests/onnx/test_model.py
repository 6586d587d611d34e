"""ONNX files are read without ONNX's packages: outputs, kind, activation, precision; or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from ckssd.errors import InputError
from ckssd.onnx.facts import class_activation, precision_of, settings_of_nms
from ckssd.onnx.model import OPEN, graph_nms, read_onnx
from ckssd.tflite.model import TensorInfo
from tests.onnx.tiny_graph import OPSETS, write_network, write_whole


def test_a_network_without_nms_is_described(tmp_path: Path) -> None:
    model = read_onnx(write_network(tmp_path / "m.onnx", batch="batch"))
    assert model.inputs == (TensorInfo("image", (OPEN, 8, 8, 3), "float32"),), "weights are no inputs"
    assert model.for_one_image().inputs[0].shape == (1, 8, 8, 3)
    assert [tensor.shape for tensor in model.for_one_image().outputs] == [(1, 64, 4), (1, 64, 7)]
    assert graph_nms(model) == "none"
    assert precision_of(model) == "float32"


@pytest.mark.parametrize("activation", ["Sigmoid", "Softmax", ""])
@pytest.mark.parametrize("swapped", [False, True])
def test_the_activation_of_the_class_predictions_is_found(
    tmp_path: Path, activation: str, swapped: bool
) -> None:
    model = read_onnx(write_network(tmp_path / "m.onnx", activation=activation, swapped=swapped))
    assert class_activation(model) == (activation.lower() or None)


def test_a_whole_graph_says_what_its_nms_does(tmp_path: Path) -> None:
    model = read_onnx(write_whole(tmp_path / "m.onnx", thresholds=(0.25, 0.25, 0.25)))
    assert graph_nms(model) == "regular"
    assert settings_of_nms(model) == (0.25, pytest.approx(0.6), 3)


@pytest.mark.parametrize("thresholds", [(0.25,), (0.25, 0.5), ()])
def test_settings_that_are_not_the_same_in_all_classes_are_not_taken(
    tmp_path: Path, thresholds: tuple[float, ...]
) -> None:
    assert settings_of_nms(read_onnx(write_whole(tmp_path / "m.onnx", thresholds=thresholds))) is None


def test_operators_of_inner_graphs_count(tmp_path: Path) -> None:
    """The Object Detection API's NMS is in the body of a loop over the batch."""
    inner = helper.make_graph(
        [
            helper.make_node("Constant", [], ["iou"], value=numpy_helper.from_array(np.float32(0.6))),
            *(
                helper.make_node("NonMaxSuppression", ["b", "s", "l", "iou", "score"], [f"kept{index}"])
                for index in range(2)
            ),
        ],
        "body",
        [],
        [],
        [numpy_helper.from_array(np.array([0.3], np.float32), "score")],
    )
    value = helper.make_tensor_value_info("detection_boxes", TensorProto.FLOAT, [1, 3, 4])
    graph = helper.make_graph([helper.make_node("Loop", ["n"], ["x"], body=inner)], "g", [], [value])
    path = tmp_path / "m.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=OPSETS).SerializeToString())
    assert settings_of_nms(read_onnx(path)) == (pytest.approx(0.3), pytest.approx(0.6), 2)


def test_int8_is_told_by_what_the_layers_multiply(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "scale"], ["image_"]),
        helper.make_node("DequantizeLinear", ["w", "scale"], ["weights_"]),
        helper.make_node("Conv", ["image_", "weights_"], ["a"]),
    ]
    found = {}
    for name, layers in {
        "int8": nodes,
        "int8 weights": [*nodes[1:2], helper.make_node("Conv", ["f", "weights_"], ["a"])],
    }.items():
        value = helper.make_tensor_value_info("a", TensorProto.FLOAT, [1, 2, 3])
        path = tmp_path / "m.onnx"
        path.write_bytes(
            helper.make_model(helper.make_graph(layers, "g", [value], [value])).SerializeToString()
        )
        found[name] = precision_of(read_onnx(path))
    assert found == {"int8": "int8", "int8 weights": "int8 weights"}


def test_other_outputs_are_refused_and_named(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1000])
    path = tmp_path / "m.onnx"
    path.write_bytes(helper.make_model(helper.make_graph([], "g", [value], [value])).SerializeToString())
    with pytest.raises(InputError, match=r"not the outputs of a detection model.*got logits \[1, 1000\]"):
        graph_nms(read_onnx(path))


@pytest.mark.parametrize(
    "content", [b"", b"not a model", b"\x00" * 50, b"version https://git-lfs.github.com"]
)
def test_what_is_no_onnx_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match="The file is no ONNX model"):
        read_onnx(path)
    with pytest.raises(InputError, match="The model cannot be read"):
        read_onnx(tmp_path / "gone.onnx")


@given(st.data())
def test_a_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "m.onnx"
    content = bytearray(write_whole(path).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        graph_nms(read_onnx(path))
    except InputError:
        return

"""The graph for TFLite: what it computes, against the formulas; its operation; what it refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest

from ckssd.errors import InputError, UsageError
from ckssd.graph.attributes import DataType, Shape
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import read_graph, write_graph
from ckssd.graph.node import Output
from ckssd.graph.pipeline import read_pipeline
from ckssd.graph.settings import Setting
from ckssd.graph.tflite.plan import TFLiteGraph, make_tflite_graph
from ckssd.graph.tflite.wanted import Wanted
from tests.graph.test_mo import LAYOUT_VARIANTS, network, pixels, scores_of
from tests.graph.tiny_ssd import ANCHORS, CLASSES, LAYOUTS, Layout, class_agnostic, soft, tiny_ssd
from tests.support.sandbox import CHECKOUT

OPERATION = "TFLite_Detection_PostProcess"
BOXES, SCORES, INPUT = (
    "raw_outputs/box_encodings",
    "raw_outputs/class_predictions",
    "normalized_input_image_tensor",
)
SHAPES = CHECKOUT / "package/model-tf-ssd-mobilenet-v1-shapes/files"
# The anchors as ycenter, xcenter, h, w.
CENTRES = np.array([[0.25, 0.25, 0.6, 0.6], [0.25, 0.75, 0.6, 0.6], [0.75, 0.25, 0.6, 0.6]], np.float32)


def made(graph: Graph, folder: Path, nms: str = "regular", **wanted: Any) -> TFLiteGraph:
    write_graph(graph, folder / "tiny.pb")
    return make_tflite_graph(folder / "tiny.pb", Wanted(nms, **wanted))


def outputs_of(done: TFLiteGraph, image: np.ndarray, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Box encodings and scores of a graph without NMS, by OpenVINO."""
    write_graph(done.graph, folder / "none.pb")
    model = openvino.convert_model(folder / "none.pb")
    found = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([image])
    named = {name: value[0] for port, value in found.items() for name in port.names}
    return named[f"{BOXES}:0"], named[f"{SCORES}:0"]


@pytest.mark.parametrize("variant", LAYOUT_VARIANTS)
def test_encodings_and_scores_are_the_graphs(variant: str, tmp_path: Path) -> None:
    """The input is normalised already; the encodings are raw, class 0 of the scores is the background."""
    layout = LAYOUT_VARIANTS[variant]
    graph = tiny_ssd(layout)
    encodings, predictions = network(graph, pixels()[0])
    boxes, scores = outputs_of(made(graph, tmp_path, "none"), pixels() / np.float32(127.5) - 1, tmp_path)
    np.testing.assert_allclose(boxes, encodings, rtol=1e-5, atol=1e-6)
    assert scores.shape == (len(ANCHORS), CLASSES)
    np.testing.assert_allclose(scores[:, 1:], scores_of(layout, predictions), rtol=1e-5, atol=1e-7)


def test_without_an_activation_scores_are_scaled_predictions(tmp_path: Path) -> None:
    graph = tiny_ssd(Layout(activation="Identity", logit_scale=2.0))
    done = made(graph, tmp_path, "none")
    assert done.context.settings["activation"].value == "none"
    _, scores = outputs_of(done, pixels() / np.float32(127.5) - 1, tmp_path)
    np.testing.assert_allclose(scores, network(graph, pixels()[0])[1] / 2, rtol=1e-5)


@pytest.mark.parametrize("configuration", LAYOUTS)
def test_every_exporters_graph_gets_the_operation(configuration: str, tmp_path: Path) -> None:
    done = made(tiny_ssd(LAYOUTS[configuration]), tmp_path)
    assert done.selected.configuration.name == configuration
    assert done.outputs == (OPERATION,)
    node = done.graph.node(OPERATION)
    assert [str(tensor) for tensor in node.inputs] == [f"{BOXES}:0", f"{SCORES}:0", "anchors:0"]
    image = done.graph.node(INPUT)
    assert (image.attribute("dtype"), image.attribute("shape")) == (DataType.FLOAT, Shape((1, 4, 4, 3)))
    assert [node.name for node in done.graph.inputs()] == [INPUT]
    anchors = done.graph.node("anchors").constant()
    assert anchors is not None
    np.testing.assert_allclose(anchors[:3], CENTRES, rtol=1e-6)


def test_the_operation_has_all_attributes_that_the_apis_exporter_writes(tmp_path: Path) -> None:
    layout = Layout(
        scales=(4.0, 8.0, 2.0, 3.0), nms={"iou": 0.45, "score": 0.3, "per_class": 50, "total": 80}
    )
    node = made(tiny_ssd(layout), tmp_path, "fast").graph.node(OPERATION)
    found = {name: node.attribute(name) for name in node.raw_attributes}
    assert found == {
        "_output_quantized": True,
        "_output_types": [DataType.FLOAT] * 4,
        "_support_output_type_float_in_quantized_op": True,
        "detections_per_class": 50,
        "max_classes_per_detection": 1,
        "max_detections": 80,
        "nms_iou_threshold": pytest.approx(0.45),
        "nms_score_threshold": pytest.approx(0.3),
        "num_classes": CLASSES - 1,
        "use_regular_nms": False,
        "y_scale": 4.0,
        "x_scale": 8.0,
        "h_scale": 2.0,
        "w_scale": 3.0,
    }


def test_what_is_given_stands_above_the_graph(tmp_path: Path) -> None:
    given = {"max_detections": Setting(7, "MAX_DETECTIONS")}
    settings = made(tiny_ssd(), tmp_path, given=given).context.settings
    assert settings["max_detections"] == Setting(7, "MAX_DETECTIONS")
    assert settings["iou_threshold"] == Setting(0.6, "graph, NonMaxSuppressionV3 nodes")


def pipeline(folder: Path, classes: int = CLASSES - 1) -> Any:
    (folder / "pipeline.config").write_text(
        f"model {{ ssd {{ num_classes: {classes} post_processing {{ batch_non_max_suppression {{"
        " score_threshold: 0.25 max_total_detections: 9 } } } }"
    )
    return read_pipeline(folder / "pipeline.config")


def without_score_threshold(graph: Graph) -> Graph:
    for node in graph:
        if node.op == "NonMaxSuppressionV3":
            node.inputs, node.raw = node.inputs[:4], None
    return graph


def test_a_pipeline_configuration_says_what_the_graph_does_not(tmp_path: Path) -> None:
    done = made(without_score_threshold(tiny_ssd()), tmp_path, pipeline=pipeline(tmp_path))
    settings = done.context.settings
    assert settings["score_threshold"] == Setting(0.25, "pipeline.config")
    assert settings["max_detections"] == Setting(100, "graph, NonMaxSuppressionV3 nodes")


def test_what_nobody_states_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"limits of NMS are stated: score_threshold.*--score-threshold"):
        made(without_score_threshold(tiny_ssd()), tmp_path)
    assert made(without_score_threshold(tiny_ssd()), tmp_path, "none").num_classes == CLASSES - 1


def test_the_pipeline_configuration_of_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not this graph's.*num_classes 2, as the graph has, got 90"):
        made(tiny_ssd(), tmp_path, pipeline=pipeline(tmp_path, classes=90))


def test_a_graph_asks_for_no_shapes_any_more(tmp_path: Path) -> None:
    graph = made(tiny_ssd(), tmp_path).graph
    assert not {node.op for node in graph} & {"Shape", "StridedSlice", "Pack"}
    target = graph.node("BoxPredictor_0/Box/Reshape/shape").constant()
    assert target is not None
    assert target.tolist() == [1, -1, 1, 4]
    read: set[str] = set()
    for node in graph:
        assert {tensor.node for tensor in node.inputs if tensor} <= read
        read.add(node.name)


def test_names_of_the_operation_that_the_network_has_already(tmp_path: Path) -> None:
    graph = tiny_ssd()
    graph.rename("features_0", "scale_logits")
    done = made(graph, tmp_path)
    assert done.graph.node("scale_logits").op == "RealDiv"
    assert done.graph.node("scale_logits_of_the_frozen_graph").op == "Conv2D"


def test_other_pixel_values_are_noted(tmp_path: Path) -> None:
    graph = tiny_ssd()
    graph.node("Preprocessor/mul/x").set_attribute("value", np.array(1, np.float32))
    mean = np.array([[123.68, 116.779, 103.939]], np.float32)
    graph.node("Preprocessor/sub/y").set_attribute("value", mean)
    done = made(graph, tmp_path)
    assert done.context.settings["input_range"].value == "-123.68/-116.779/-103.939 to 131.32/138.221/151.061"
    assert "not -1 to 1" in done.context.notes[0]


def test_the_real_graph_is_folded_whole(shapes_graph: Path) -> None:
    done = make_tflite_graph(shapes_graph, Wanted())
    assert (len(done.graph), done.anchors.shape, done.num_classes) == (564, (1917, 4), 6)
    operations = {node.op for node in done.graph}
    assert "Shape" not in operations
    assert "Postprocessor/raw_box_encodings" not in done.graph


def dynamic_anchors(graph: Graph) -> None:
    node = graph.node("Concatenate/concat")
    node.op, node.raw = "Exp", None


def other_input(graph: Graph) -> None:
    other = graph.add("Placeholder", "other", (), {"dtype": DataType.FLOAT, "shape": Shape((1, 2, 2, 3))})
    total = graph.add("AddV2", "sum", [other])
    graph.redirect(Output("features_0"), Output("sum"))
    graph.connect(Output("features_0"), total, 1)


def retyped(name: str, op: str) -> Callable[[Graph], None]:
    return lambda graph: setattr(graph.node(name), "op", op)


def only(prefix: str) -> Callable[[Graph], None]:
    return lambda graph: graph.remove([node.name for node in graph if node.name.startswith(prefix)])


BAD: dict[str, tuple[Callable[[Graph], Any], str]] = {
    "a tflite_graph.pb": (lambda graph: graph.rename("concat", BOXES), "for TFLite already"),
    "a Faster R-CNN": (lambda graph: graph.rename("concat", "SecondStageBoxPredictor/concat"), "two stages"),
    "TensorFlow 2's": (lambda graph: graph.rename("concat", "StatefulPartitionedCall/x"), "TensorFlow 2's"),
    "no Postprocessor": (only("Postprocessor/"), "it has no Postprocessor"),
    "no Preprocessor": (only("Preprocessor/"), "it has no Preprocessor"),
    "soft NMS": (soft, "soft NMS, which TFLite_Detection_PostProcess cannot do"),
    "class-agnostic NMS": (class_agnostic, "--nms fast does what the graph does"),
    "keep_aspect_ratio_resizer": (
        retyped("Preprocessor/map/while/ResizeImage/stack", "Identity"),
        "to no fixed size",
    ),
    "anchors that are not constant": (dynamic_anchors, "node Concatenate/concat (expected anchors for one"),
    "anchors of another number": (
        lambda graph: graph.node("anchors").set_attribute("value", ANCHORS[:4]),
        "expected [1, 4, 4], got [1, 5, 4]",
    ),
    "anchors of another form": (
        lambda graph: graph.node("anchors").set_attribute("value", ANCHORS.reshape(4, 5)),
        "expected float32 [P, 4], got float32 [4, 5]",
    ),
    "a second input": (other_input, "reads something else"),
    "variables": (retyped("features_0/weights", "VariableV2"), "not frozen"),
    "calibrated scores": (retyped("Postprocessor/scale_logits", "Maximum"), "no counterpart"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_graph_that_does_not_fit_is_one_clear_error(case: str, tmp_path: Path) -> None:
    spoil, said = BAD[case]
    graph = tiny_ssd()
    spoil(graph)
    with pytest.raises(InputError) as caught:
        made(graph, tmp_path)
    assert said in str(caught.value)


@pytest.mark.parametrize("spoil", [soft, class_agnostic])
def test_without_nms_every_kind_of_it_is_exported(spoil: Callable[[Graph], None], tmp_path: Path) -> None:
    graph = tiny_ssd()
    spoil(graph)
    assert made(graph, tmp_path, "none").outputs == (BOXES, SCORES, "anchors")


def test_class_agnostic_nms_is_fast_nms(tmp_path: Path) -> None:
    graph = tiny_ssd(
        dataclasses.replace(Layout(), nms={"iou": 0.6, "score": 0.1, "per_class": 9, "total": 9})
    )
    class_agnostic(graph)
    assert made(graph, tmp_path, "fast").graph.node(OPERATION).attribute("max_detections") == 9


def test_without_nms_limits_make_no_sense() -> None:
    with pytest.raises(UsageError, match="without NMS there are no limits: max_detections"):
        Wanted("none", {"max_detections": Setting(5, "")})


def test_a_file_that_is_read_back_is_the_same(tmp_path: Path) -> None:
    done = made(tiny_ssd(), tmp_path)
    write_graph(done.graph, tmp_path / "graph.pb")
    again = read_graph(tmp_path / "graph.pb")
    assert [(node.name, node.op, node.inputs) for node in again] == [
        (node.name, node.op, node.inputs) for node in done.graph
    ]

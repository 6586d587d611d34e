"""The whole conversion of a tiny graph: what the IR computes, against the formulas; names and meta data."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import openvino
import pytest

from ckssd.errors import EnvironmentSetupError, InputError
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import read_graph, write_graph
from ckssd.graph.mo import Converted, convert
from ckssd.graph.node import Output
from ckssd.graph.options import Options
from ckssd.graph.settings import DETECTION_OUTPUT, NONE
from ckssd.graph.writing import staged
from tests.graph.tiny_ssd import ANCHORS, CLASSES, LAYOUTS, Layout, class_agnostic, soft, tiny_ssd
from tests.support.sandbox import CHECKOUT

OUTPUTS = tuple(Output(name) for name in ("detection_boxes", "detection_scores", "num_detections"))
EXAMPLE = CHECKOUT / "docs/examples/normalised_input"


def converted(graph: Graph, folder: Path, **options: Any) -> Converted:
    write_graph(graph, folder / "tiny.pb")
    return convert(Options(folder / "tiny.pb", output_dir=folder / "ir", **options))


def run(done: Converted, image: np.ndarray) -> np.ndarray:
    """The rows that the IR gives, up to the one whose image number is negative."""
    compiled = openvino.Core().compile_model(done.data["xml"], "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    (rows,) = compiled([image]).values()
    ends = np.flatnonzero(rows[0, 0][:, 0] < 0)
    return rows[0, 0][: ends[0]] if len(ends) else rows[0, 0]


def pixels(batch: int = 1, size: int = 4, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (batch, size, size, 3)).astype(np.float32)


def network(graph: Graph, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Box encodings and class predictions of the tiny network for one image [H, W, 3], by NumPy."""
    features = image / np.float32(127.5) - 1
    found: dict[str, list[np.ndarray]] = {"Box": [], "Class": []}
    for level in range(2):
        features = features[::2, ::2] @ weights(graph, f"features_{level}")
        for kind, predictions in found.items():
            predicted = features @ weights(graph, f"BoxPredictor_{level}/{kind}")
            predictions.append(predicted.reshape(-1, predicted.shape[-1]))
    return np.concatenate(found["Box"]), np.concatenate(found["Class"])


def weights(graph: Graph, name: str) -> np.ndarray:
    value = graph.node(f"{name}/weights").constant()
    assert value is not None
    return value[0, 0]


def scores_of(layout: Layout, predictions: np.ndarray) -> np.ndarray:
    """Scores of the classes without the background, in the order of steps that the layout has."""
    values = predictions[:, 1:] if layout.slice_first else predictions
    values = values / layout.logit_scale
    if layout.activation == "Sigmoid":
        values = 1 / (1 + np.exp(-values))
    else:
        values = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
    return values if layout.slice_first else values[:, 1:]


def boxes_of(layout: Layout, encodings: np.ndarray) -> np.ndarray:
    """Object Detection API, faster_rcnn_box_coder.py; ymin, xmin, ymax, xmax, clipped to the image."""
    ty, tx, th, tw = (encodings / np.array(layout.scales)).T
    top, left, bottom, right = ANCHORS.T
    height, width = bottom - top, right - left
    y, x = ty * height + (top + bottom) / 2, tx * width + (left + right) / 2
    h, w = np.exp(th) * height, np.exp(tw) * width
    return np.clip(np.stack([y - h / 2, x - w / 2, y + h / 2, x + w / 2], axis=1), 0, 1)


LAYOUT_VARIANTS = {
    "sigmoid": Layout(),
    "softmax": Layout(activation="Softmax"),
    "logits scaled": Layout(logit_scale=2.0),
    "softmax of scaled logits": Layout(activation="Softmax", logit_scale=0.5),
    "other box coder scales": Layout(scales=(4.0, 8.0, 2.0, 3.0)),
    "legacy": LAYOUTS["legacy_ssd_support.json"],
    "legacy softmax": dataclasses.replace(LAYOUTS["legacy_ssd_support.json"], activation="Softmax"),
}


@pytest.mark.parametrize("variant", LAYOUT_VARIANTS)
def test_the_ir_computes_what_the_graph_does(variant: str, tmp_path: Path) -> None:
    """Without suppression (IoU 1, threshold 0) every anchor gives a detection of each class."""
    layout = LAYOUT_VARIANTS[variant]
    graph = tiny_ssd(layout)
    everything = {"confidence_threshold": 0.0, "nms_threshold": 1.0, "keep_top_k": 10}
    rows = run(converted(graph, tmp_path, overrides=everything), pixels())
    encodings, predictions = network(graph, pixels()[0])
    boxes, scores = boxes_of(layout, encodings), scores_of(layout, predictions)
    assert len(rows) == len(ANCHORS) * (CLASSES - 1)
    for label in range(1, CLASSES):
        order = np.argsort(-scores[:, label - 1])
        mine = rows[rows[:, 1] == label]
        mine = mine[np.argsort(-mine[:, 2])]
        np.testing.assert_allclose(mine[:, 2], scores[order, label - 1], rtol=1e-5)
        np.testing.assert_allclose(mine[:, [4, 3, 6, 5]], boxes[order], atol=1e-5)


def test_a_batch_gives_the_rows_of_its_images(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    alone = converted(tiny_ssd(), tmp_path / "one")
    both = converted(tiny_ssd(), tmp_path, batch=2)
    assert both.data["model"]["inputs"] == {"image_tensor": [2, 4, 4, 3]}
    images = pixels(batch=2)
    rows = run(both, images)
    for index in range(2):
        expected = run(alone, images[index : index + 1])
        found = rows[rows[:, 0] == index]
        np.testing.assert_allclose(found[:, 1:], expected[:, 1:], atol=1e-6)


def test_reversed_channels_take_bgr(tmp_path: Path) -> None:
    (tmp_path / "rgb").mkdir()
    rgb = converted(tiny_ssd(), tmp_path / "rgb")
    bgr = converted(tiny_ssd(), tmp_path, reverse_input_channels=True)
    image = pixels()
    np.testing.assert_allclose(
        run(bgr, np.ascontiguousarray(image[..., ::-1])), run(rgb, image), rtol=1e-5, atol=1e-6
    )
    assert not np.allclose(run(bgr, image)[:, 2], run(rgb, image)[:, 2])


def test_another_size_gets_its_own_anchors(tmp_path: Path) -> None:
    done = converted(
        tiny_ssd(),
        tmp_path,
        input_shape=(1, 8, 8, 3),
        overrides={"confidence_threshold": 0.0, "nms_threshold": 1.0, "keep_top_k": 100},
    )
    assert done.data["model"]["inputs"] == {"image_tensor": [1, 8, 8, 3]}
    # 4x4 cells and 2x2 cells with one anchor each, times two classes
    assert len(run(done, pixels(size=8))) == (16 + 4) * 2
    assert done.data["settings"]["input_shape"]["origin"] == "command line, --input_shape"


def test_half_precision_halves_the_weights(shapes_graph: Path, tmp_path: Path) -> None:
    sizes = []
    for kind in ("FP32", "FP16"):
        done = convert(Options(shapes_graph, output_dir=tmp_path, model_name=kind, data_type=kind))
        sizes.append(Path(done.data["bin"]).stat().st_size)
    assert sizes[1] < 0.55 * sizes[0]


def test_the_real_graph_becomes_small(shapes_graph: Path, tmp_path: Path) -> None:
    done = convert(Options(shapes_graph, outputs=OUTPUTS, output_dir=tmp_path))
    model = done.data["model"]
    assert model["inputs"] == {"image_tensor": [1, 300, 300, 3]}
    assert model["outputs"] == {"detection_output": [1, 1, 200, 7]}
    assert model["operations"] < 350
    assert done.data["settings"]["activation"] == {
        "value": "sigmoid",
        "origin": "node Postprocessor/convert_scores",
    }
    assert done.data["settings"]["nms_threshold"]["value"] == 0.6


def test_the_ir_says_how_to_feed_and_read_it(tiny_file: Path, tmp_path: Path) -> None:
    done = convert(Options(tiny_file, output_dir=tmp_path, model_name="named"))
    model = openvino.Core().read_model(tmp_path / "named.xml")
    (parameter,), (result,) = model.get_parameters(), model.get_results()
    assert parameter.get_friendly_name() == "image_tensor"
    assert str(parameter.get_layout()) == "[N,H,W,C]"
    assert str(parameter.get_element_type()) == "<Type: 'float32'>"
    assert result.input_value(0).get_node().get_type_name() == "DetectionOutput"
    assert result.input_value(0).get_node().get_friendly_name() == "DetectionOutput"
    assert model.output("detection_output").get_shape() == [1, 1, 200, 7]

    def meta(key: str) -> str:
        return str(model.get_rt_info(["ckssd", key]).astype(str))

    assert (meta("layout"), meta("channel_order"), meta("input_range")) == ("NHWC", "RGB", "0,255")
    assert (meta("num_classes"), meta("background_label"), meta("activation")) == ("3", "0", "sigmoid")
    assert (meta("score_threshold"), meta("iou_threshold")) == ("0.01", "0.6")
    assert (meta("top_k"), meta("keep_top_k"), meta("clip_after_nms")) == ("-1", "200", "true")
    assert meta("configuration") == "ssd_support_cast_1.json"
    assert meta("source_sha256") == done.data["source_sha256"]


PIPELINE = """
model { ssd {  # a comment
  image_resizer { fixed_shape_resizer { height: 8 width: 8 } }
  post_processing { batch_non_max_suppression {
    score_threshold: 0.25 iou_threshold: 0.5 max_total_detections: 7 } }
} }
"""


def test_each_value_comes_from_the_strongest_origin(tiny_file: Path, tmp_path: Path) -> None:
    from ckssd.graph.pipeline import read_pipeline

    (tmp_path / "pipeline.config").write_text(PIPELINE)
    bare = tmp_path / "bare.json"
    content = json.loads((EXAMPLE / "configuration.json").read_text())
    content[0]["custom_attributes"] = {"keep_top_k": 50}
    content[1]["id"] = "PreprocessorReplacement"
    bare.write_text(json.dumps(content))
    graph_only = convert(Options(tiny_file, str(bare), dry_run=True)).data["settings"]
    assert graph_only["confidence_threshold"] == {
        "value": 1e-8,
        "origin": "graph, NonMaxSuppressionV3 nodes",
    }
    assert graph_only["keep_top_k"]["value"] == 50
    done = convert(
        Options(
            tiny_file,
            str(bare),
            dry_run=True,
            pipeline=read_pipeline(tmp_path / "pipeline.config"),
            overrides={"nms_threshold": 0.4},
        )
    ).data["settings"]
    assert done["confidence_threshold"] == {"value": 0.25, "origin": "pipeline.config"}
    assert done["nms_threshold"] == {"value": 0.4, "origin": "command line, --nms_threshold"}
    assert done["keep_top_k"] == {
        "value": 50,
        "origin": "configuration, ObjectDetectionAPISSDPostprocessorReplacement",
    }
    assert done["input_shape"] == {
        "value": (1, 8, 8, 3),
        "origin": "pipeline.config, fixed_shape_resizer",
    }


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    plain = converted(tiny_ssd(), tmp_path / "plain")
    done = converted(
        tiny_ssd(), tmp_path, configuration=str(EXAMPLE / "configuration.json"), extensions=EXAMPLE
    )
    image = pixels()
    np.testing.assert_allclose(run(done, image / 127.5 - 1), run(plain, image), rtol=1e-4, atol=1e-5)
    model = openvino.Core().read_model(done.data["xml"])
    assert model.get_rt_info(["ckssd", "input_range"]).astype(str) == "-1,1"


def test_a_dry_run_explains_and_writes_nothing(tiny_file: Path, tmp_path: Path) -> None:
    done = convert(Options(tiny_file, output_dir=tmp_path / "ir", dry_run=True))
    assert not (tmp_path / "ir").exists()
    text = "\n".join(done.lines)
    assert "Configuration: ssd_support_cast_1.json (chosen: all its 8 points" in text
    assert "input 1: Postprocessor/scale_logits, port 0" in text
    assert "variances: 1/10, 1/10, 1/5, 1/5 (box coder behind node Postprocessor/Decode/unstack)" in text


def test_a_dump_holds_the_edited_graph_and_drawings(tiny_file: Path, tmp_path: Path) -> None:
    done = convert(Options(tiny_file, dry_run=True, dump=tmp_path / "dump"))
    edited = read_graph(tmp_path / "dump" / "edited.pb")
    assert edited.node("DetectionOutput").op == "DetectionOutput"
    assert "Postprocessor/Shape" not in edited
    drawings = [Path(path) for path in done.data["dumped"] if path.endswith(".svg")]
    assert len(drawings) == 2
    text = drawings[0].read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "Postprocessor/scale_logits" in text
    assert "detection_boxes" in text


def test_dangling_nodes_are_cut_by_output(tiny: Graph, tmp_path: Path) -> None:
    assert any("switch_t" in name for name in tiny.sinks())
    done = converted(tiny, tmp_path, outputs=OUTPUTS)
    assert list(done.data["outputs"]) == ["detection_output"]


def test_an_inner_output_stays_beside_the_detections(tiny: Graph, tmp_path: Path) -> None:
    done = converted(tiny, tmp_path, outputs=(Output("concat_1"), *OUTPUTS))
    assert done.data["model"]["outputs"] == {
        "concat_1": [1, 5, 3],
        "detection_output": [1, 1, 200, 7],
    }


def single_class(graph: Graph) -> None:
    for level in range(2):
        name = f"BoxPredictor_{level}/Class"
        graph.node(f"{name}/weights").set_attribute("value", np.ones((1, 1, 3, 1), np.float32))
        graph.node(f"{name}/Reshape/shape/1").set_attribute("value", np.array(1, np.int32))


def renamed(name: str) -> Callable[[Graph], None]:
    return lambda graph: graph.rename("concat", name)


BAD = {
    "a graph for TFLite": (renamed("raw_outputs/box_encodings"), {}, "for TFLite already"),
    "a detector of two stages": (renamed("SecondStageBoxPredictor/concat"), {}, "two stages (Faster R-CNN)"),
    "a graph of TensorFlow 2": (renamed("StatefulPartitionedCall/x"), {}, "TensorFlow 2's exporter"),
    "a graph of TensorFlow 2, with outputs": (
        renamed("StatefulPartitionedCall/x"),
        {"outputs": (Output("Identity_1"),)},
        "TensorFlow 2's exporter",
    ),
    "no Postprocessor": (
        lambda graph: graph.remove([node.name for node in graph if node.name.startswith("Postprocessor/")]),
        {},
        "it has no Postprocessor",
    ),
    "soft NMS": (soft, {"postprocessing": DETECTION_OUTPUT}, "soft NMS, which DetectionOutput cannot do"),
    "class-agnostic NMS": (
        class_agnostic,
        {"postprocessing": DETECTION_OUTPUT},
        "DetectionOutput only those of one class",
    ),
    "soft NMS behind the IR": (
        soft,
        {"postprocessing": NONE},
        "--postprocessing nms does what the graph does",
    ),
    "an output that does not exist": (
        lambda graph: None,
        {"outputs": (Output("detection_box"),)},
        "no such node",
    ),
    "variables left": (
        lambda graph: setattr(graph.node("features_0/weights"), "op", "VariableV2"),
        {},
        "not frozen",
    ),
    "two activations": (
        lambda graph: graph.connect(
            graph.add("Softmax", "Postprocessor/again", [Output("Postprocessor/convert_scores")]),
            graph.node("Postprocessor/Slice"),
        ),
        {},
        "two activations",
    ),
    "another box coder": (
        lambda graph: setattr(graph.node("Postprocessor/Decode/truediv_2/Exp"), "op", "Tanh"),
        {},
        "Faster R-CNN box coder",
    ),
    "an unknown step before the scores": (
        lambda graph: setattr(graph.node("Postprocessor/scale_logits"), "op", "Maximum"),
        {},
        "no counterpart",
    ),
    "a single class": (single_class, {}, "confidences, from concat_1:0"),
    "anchors of another number": (
        lambda graph: graph.node("anchors").set_attribute("value", ANCHORS[:4]),
        {},
        "priors, from Concatenate/concat:0",
    ),
    "bytes that OpenVINO quotes in its complaint": (
        lambda graph: graph.node("Squeeze").set_attribute("axis", b"\x80"),
        {},
        "OpenVINO cannot convert the graph",
    ),
    "an image size that is not constant": (
        lambda graph: setattr(graph.node("Preprocessor/map/while/ResizeImage/stack"), "op", "Identity"),
        {},
        "image size is stated nowhere",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_graph_that_does_not_fit_is_one_clear_error(case: str, tiny: Graph, tmp_path: Path) -> None:
    spoil, options, said = BAD[case]
    spoil(tiny)  # type: ignore[no-untyped-call]
    with pytest.raises(InputError) as caught:
        converted(tiny, tmp_path, **options)
    assert said in str(caught.value)
    assert not (tmp_path / "ir").exists()


def fail_half_way(folder: Path) -> None:
    with staged(folder, "m") as path:
        path.write_text("half")
        raise OSError("no space left")


def test_an_older_ir_stays_when_the_new_one_fails(tmp_path: Path) -> None:
    (tmp_path / "m.xml").write_text("old")
    (tmp_path / "m.bin").write_text("old")
    with pytest.raises(EnvironmentSetupError, match="cannot be written"):
        fail_half_way(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["m.bin", "m.xml"]
    assert (tmp_path / "m.xml").read_text() == "old"

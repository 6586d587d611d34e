"""Models of other runtimes than LiteRT: which variables name them, and what is said of their detections."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from ckssd.detect.backends import Backend, Feeding, open_backend
from ckssd.detect.network_input import NetworkInput
from ckssd.errors import InputError, UsageError
from ckssd.graph.attributes import Shape
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import write_graph
from ckssd.graph.node import Node
from ckssd.json_file import plain
from ckssd.measure.settings import BenchmarkSettings, from_environment, from_mapping
from ckssd.model.description import Model
from tests.detect.test_openvino import write_ir
from tests.measure.conftest import Bench
from tests.support.sandbox import CHECKOUT

OPENVINO, TENSORFLOW = "CK_ENV_OPENVINO_MODEL_", "CK_ENV_TENSORFLOW_MODEL_"
PIPELINE = """
model { ssd {
  num_classes: 6
  image_resizer { fixed_shape_resizer { height: 4 width: 5 } }
  box_coder { faster_rcnn_box_coder { y_scale: 20.0 } }
  post_processing { batch_non_max_suppression { score_threshold: 0.25 max_total_detections: 70 } }
} }
"""


def backend_of(settings: BenchmarkSettings) -> Backend:
    """Open the model of a run as the run does."""
    return open_backend(
        settings.model, Feeding(settings.resize, kept=settings.preprocessed_cache is not None)
    )


def as_openvino(bench: Bench, **changed: str) -> dict[str, str]:
    """The variables of a run with OpenVINO; TensorFlow's model, its origin, is named beside it."""
    ir = write_ir(bench.model)
    model = {"ROOT": str(bench.model), "XML": str(ir), "LABELMAP_FILE": "labelmap.pbtxt"}
    return {
        **bench.environment,
        "CK_RUNTIME": "openvino",
        **{OPENVINO + name: value for name, value in model.items()},
        f"{TENSORFLOW}IMAGE_WIDTH": "299",
        **changed,
    }


def as_tensorflow(bench: Bench, pipeline: str | None = PIPELINE, **changed: str) -> dict[str, str]:
    graph = bench.model / "frozen_inference_graph.pb"
    graph.write_bytes(b"")
    if pipeline is not None:
        graph.with_name("pipeline.config").write_text(pipeline)
    sizes = {f"{TENSORFLOW}IMAGE_WIDTH": "", f"{TENSORFLOW}IMAGE_HEIGHT": ""}
    named = {"CK_RUNTIME": "tensorflow", f"{TENSORFLOW}FROZEN_GRAPH": str(graph)}
    return {**bench.environment, **sizes, **named, **changed}


def test_openvinos_model_has_variables_of_its_own(bench: Bench) -> None:
    settings = from_environment(as_openvino(bench))
    assert settings.model.file == bench.model / "model.xml"
    assert settings.model.image_width is None, "the variable of the TensorFlow model says nothing about it"
    backend = backend_of(settings)
    assert (backend.num_classes, backend.postprocessing.nms) == (6, "regular")
    assert backend.postprocessing.by == "DetectionOutput, scores by sigmoid"
    assert backend.postprocessing.scales_yxhw == (20, 10, 2.5, 5)


@pytest.mark.parametrize("name", ["ROOT", "XML"])
def test_a_missing_variable_has_openvinos_name(bench: Bench, name: str) -> None:
    with pytest.raises(UsageError, match=f"{OPENVINO}{name}"):
        from_environment(as_openvino(bench, **{OPENVINO + name: ""}))


@pytest.mark.parametrize(
    "setting", ["USE_NMS=fast", "USE_NMS=none", "CK_NMS=fast", "CUSTOM_MODEL_SETTINGS=yes"]
)
def test_nms_that_a_runtime_cannot_do_is_refused(bench: Bench, setting: str) -> None:
    name, _, value = setting.partition("=")
    with pytest.raises(UsageError, match=f"{name}.*the NMS of an IR is its DetectionOutput"):
        from_environment(as_openvino(bench, **{name: value}))
    with pytest.raises(UsageError, match=f"{name}.*the NMS of a frozen graph is its Postprocessor"):
        from_environment(as_tensorflow(bench, **{name: value}))


def test_settings_from_a_file_are_refused_as_well(bench: Bench) -> None:
    settings = from_environment(as_openvino(bench))
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, nms="fast"))
    with pytest.raises(UsageError, match="DetectionOutput"):
        from_mapping(plain(settings))


def test_a_frozen_graph_is_described_by_its_pipeline_configuration(bench: Bench) -> None:
    backend = backend_of(from_environment(as_tensorflow(bench)))
    assert backend.input == NetworkInput(width=5, height=4, dtype="uint8")
    done = backend.postprocessing
    assert backend.num_classes == 6
    assert (done.score_threshold, done.max_detections) == (0.25, 70)
    assert (done.iou_threshold, done.detections_per_class) == (0.6, 100), "defaults of the message"
    assert done.scales_yxhw == (20, 10, 5, 5)


def test_a_frozen_graph_that_came_alone_says_the_same_as_its_configuration(tmp_path: Path) -> None:
    package = CHECKOUT / "package" / "model-tf-ssd-mobilenet-v1-shapes" / "files"
    alone, together = (tmp_path / name / "frozen_inference_graph.pb" for name in ("alone", "together"))
    for graph in (alone, together):
        graph.parent.mkdir()
        graph.write_bytes((package / "frozen_inference_graph.pb").read_bytes())
    together.with_name("pipeline.config").write_bytes((package / "pipeline.config").read_bytes())
    one, two = (open_backend(Model("tensorflow", graph)) for graph in (alone, together))
    assert (one.input, one.num_classes) == (two.input, two.num_classes)
    assert one.postprocessing == two.postprocessing
    assert one.postprocessing.score_threshold == 1e-8


def test_a_file_that_is_no_graph_does_not_ask_for_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "frozen_inference_graph.pb"
    file.write_text("# A manual")
    with pytest.raises(InputError, match=r"The file is no graph: .*got text") as caught:
        open_backend(Model("tensorflow", file))
    assert caught.value.advice is None


def test_a_graph_that_is_no_ssd_asks_for_its_configuration(bench: Bench) -> None:
    environment = as_tensorflow(bench, None)
    other = Graph([], source="other")
    other.add("Identity", "x", ())
    write_graph(other, bench.model / "frozen_inference_graph.pb")
    with pytest.raises(InputError, match=r"pipeline\.config that it was exported with"):
        backend_of(from_environment(environment))


@pytest.mark.parametrize("pipeline", ["model { ssd { num_classes: 6 } }", "model { ssd {"])
def test_a_frozen_graph_with_a_bad_configuration_is_refused(bench: Bench, pipeline: str) -> None:
    with pytest.raises(InputError, match="pipeline configuration"):
        backend_of(from_environment(as_tensorflow(bench, pipeline)))


def test_the_frozen_graph_detector_is_imported_without_tensorflow(bench: Bench) -> None:
    backend_of(from_environment(as_tensorflow(bench)))
    assert "tensorflow" not in sys.modules
    assert Path(sys.modules["ckssd.detect.frozen"].__file__ or "").name == "frozen.py"


def graph_that_resizes(path: Path, shape: tuple[int, ...] = (-1, -1, -1, 3), **attributes: bool) -> None:
    """Write the two nodes that say how a graph resizes."""
    image = Node("image_tensor", "Placeholder")
    image.set_attribute("shape", Shape(shape))
    resize = Node("Preprocessor/ResizeBilinear", "ResizeBilinear")
    for name, value in attributes.items():
        resize.set_attribute(name, value)
    write_graph(Graph([image, resize]), path)


def test_tf1_resize_is_left_to_the_frozen_graph(bench: Bench) -> None:
    environment = as_tensorflow(bench, CK_RESIZE="tf1")
    graph_that_resizes(bench.model / "frozen_inference_graph.pb", align_corners=False)
    backend = backend_of(from_environment(environment))
    assert backend.input.any_size
    assert "the graph resizes" in backend.notes[0]


@pytest.mark.parametrize(
    ("shape", "attribute"),
    [
        ((-1, 4, 5, 3), "align_corners"),
        ((-1, -1, -1, 3), "align_corners"),
        ((-1, -1, -1, 3), "half_pixel_centers"),
    ],
)
def test_tf1_resize_is_refused_for_a_graph_that_does_not_do_it(
    bench: Bench, shape: tuple[int, ...], attribute: str
) -> None:
    environment = as_tensorflow(bench, CK_RESIZE="tf1")
    graph_that_resizes(bench.model / "frozen_inference_graph.pb", shape, **{attribute: -1 in shape[1:]})
    with pytest.raises(UsageError, match=r"CK_RESIZE.*expected pillow or opencv.*got tf1"):
        backend_of(from_environment(environment))


def test_nothing_is_kept_of_images_that_the_graph_resizes(bench: Bench, tmp_path: Path) -> None:
    environment = as_tensorflow(bench, CK_RESIZE="tf1", CK_PREPROCESSED_CACHE=str(tmp_path / "kept"))
    with pytest.raises(UsageError, match="CK_PREPROCESSED_CACHE"):
        backend_of(from_environment(environment))

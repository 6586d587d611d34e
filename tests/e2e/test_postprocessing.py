"""NMS in an IR is exactly TensorFlow's: on random boxes with many ties, and whole graphs on images."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino
import pytest
from openvino import opset8

from ckssd.detect.detections import Detections
from ckssd.detect.openvino import OpenVINODetector, from_rows, read_ir
from ckssd.graph.attributes import DataType
from ckssd.graph.emission.detection_output import build_detection_output
from ckssd.graph.emission.nms import Limits, with_nms
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import read_graph, write_graph
from ckssd.graph.mo import convert
from ckssd.graph.node import Output
from ckssd.graph.options import from_mapping, options_from
from tests.e2e.test_equality import variables
from tests.support.agreement import BOX_TOLERANCE, compare
from tests.support.frozen_graphs import freeze, noise_images, run_frozen_graphs
from tests.support.sandbox import Sandbox
from tests.support.ssd_models import SHAPES

pytestmark = [pytest.mark.slow(seconds=30)]

TENSORFLOW_NMS = Path(__file__).parent / "inside" / "tf_nms.py"
CASES, MORE_CASES, IMAGES, SIZE, SEED = 12, 300, 6, 300, 11
NMS = "Postprocessor/BatchMultiClassNonMaxSuppression/map/while/MultiClassNonMaxSuppression"


@pytest.fixture(scope="module")
def tensorflow(installed: Sandbox) -> Path:
    return Path(variables(installed, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"])


@dataclass(frozen=True)
class Case:
    """Boxes float32 [P, 4] (ymin, xmin, ymax, xmax), scores float32 [P, C], limits."""

    boxes: np.ndarray
    scores: np.ndarray
    limits: Limits


def random_case(draws: np.random.Generator) -> Case:
    """Coordinates and scores are few, so that many are equal; some boxes are outside of the image.

    Sixty-fourths, because float32 computes with them exactly: a difference is one of the algorithm.
    """
    number, classes = int(draws.integers(1, 40)), int(draws.integers(1, 5))
    corners = draws.integers(-16, 72, (number, 2))
    sides = 2 * draws.integers(1, 24, (number, 2))
    boxes = np.concatenate([corners, corners + sides], axis=1) / 64
    scores = draws.integers(0, 17, (number, classes)) / 16
    total = int(draws.integers(1, 60))
    limits = Limits(
        score_threshold=float(draws.choice([0, 0.125, 0.5])),
        iou_threshold=float(draws.choice([0, 0.25, 0.5, 0.6, 1])),
        per_class=int(draws.integers(1, 12)),
        total=total,
        soft_sigma=float(draws.choice([0, 0, 0.1, 0.5, 2])),
        class_agnostic=bool(draws.integers(0, 3) == 0),
        drops_empty=True,
    )
    return Case(boxes.astype(np.float32), scores.astype(np.float32), limits)


class Node:
    """What OpenVINO's frontend shows of the node DetectionOutput."""

    def __init__(self, inputs: list[openvino.Output]) -> None:
        self._inputs = inputs

    def get_input(self, index: int) -> openvino.Output:
        return self._inputs[index]

    def get_attribute(self, name: str) -> object:
        values = {"top_k": -1, "keep_top_k": 1, "code_type": "caffe.PriorBoxParameter.CENTER_SIZE"}
        return values.get(name, 0.5 if name.endswith("threshold") else False)


def by_openvino(case: Case) -> np.ndarray:
    """Rows class, score, box, of a graph with DetectionOutput and nothing else, whose NMS is swapped."""
    number, classes = case.scores.shape
    with_background = np.concatenate([np.zeros((number, 1), np.float32), case.scores], axis=1)
    corners = case.boxes[:, [1, 0, 3, 2]]
    priors = np.stack([corners, np.broadcast_to(np.array([0.1, 0.1, 0.2, 0.2], np.float32), corners.shape)])
    locations = opset8.parameter([1, number * 4], np.float32)
    confidences = opset8.parameter([1, number * (classes + 1)], np.float32)
    inputs = [locations.output(0), confidences.output(0), opset8.constant(priors.reshape(1, 2, -1)).output(0)]
    (output,) = build_detection_output(Node(inputs), {})
    model = openvino.Model([opset8.result(output)], [locations, confidences], "nms")
    compiled = openvino.Core().compile_model(with_nms(model, case.limits, "a case"), "CPU")
    (rows,) = compiled([np.zeros((1, number * 4), np.float32), with_background.reshape(1, -1)]).values()
    found = from_rows(rows.reshape(-1, 7))
    return np.column_stack([found.classes, found.scores, found.boxes]).astype(np.float32)


def by_tensorflow(python: Path, cases: list[Case], folder: Path) -> list[np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    for index, case in enumerate(cases):
        limits = case.limits
        numbers = [limits.per_class, limits.total, limits.iou_threshold, limits.score_threshold]
        settings = np.array([*numbers, limits.soft_sigma, limits.class_agnostic], np.float32)
        arrays |= {
            f"boxes_{index}": case.boxes,
            f"scores_{index}": case.scores,
            f"settings_{index}": settings,
        }
    np.savez(folder / "cases.npz", **arrays)
    command = [str(python), str(TENSORFLOW_NMS), str(folder / "cases.npz"), str(folder / "found.npz")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = np.load(folder / "found.npz")
    return [found[f"rows_{index}"] for index in range(len(cases))]


@pytest.mark.parametrize("count", [CASES, pytest.param(MORE_CASES, marks=pytest.mark.full)])
def test_random_boxes_give_tensorflows_detections_in_its_order(
    count: int, tensorflow: Path, tmp_path: Path
) -> None:
    draws = np.random.default_rng(count)
    cases = [random_case(draws) for _ in range(count)]
    expected = by_tensorflow(tensorflow, cases, tmp_path)
    for case, rows in zip(cases, expected, strict=True):
        np.testing.assert_allclose(by_openvino(case), rows, atol=1e-6, err_msg=str(case.limits))
    assert sum(map(len, expected)) > 5 * count


def constants_set(graph: Graph, name: str, value: float) -> None:
    """Set all constants whose name has this in it, as another pipeline.config would have."""
    found = [node for node in graph if node.op == "Const" and name in node.name]
    assert found, name
    for node in found:
        old = node.constant()
        assert old is not None
        node.set_attribute("value", np.array(value, old.dtype))


def five_of_a_class(graph: Graph) -> None:
    """The constant that each class's limit reads, not the one of all classes."""
    for node in [each for each in graph if each.op == "NonMaxSuppressionV5"]:
        limit = node.inputs[2]
        assert limit is not None
        read = [each.node for each in graph.node(limit.node).inputs if each]
        for name in read:
            if graph.node(name).constant() is not None:
                graph.node(name).set_attribute("value", np.array(5, np.int32))


def soft(graph: Graph) -> None:
    constants_set(graph, "/soft_nms_sigma", 0.5)
    constants_set(graph, "/score_threshold", 0.01)


# What of the built-in model's graph is changed, and the NMS that auto has to choose.
CHANGES: dict[str, Callable[[Graph], None]] = {"five of a class": five_of_a_class, "soft": soft}


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, made = tmp_path_factory.mktemp("graphs"), {}
    for name, change in CHANGES.items():
        graph = read_graph(SHAPES / "frozen_inference_graph.pb")
        change(graph)
        made[name] = folder / f"{name}.pb"
        write_graph(graph, made[name])
    return made


def check(name: str, graph: Path, expected: dict[str, Detections], folder: Path) -> int:
    """Convert as it is by itself, and compare all detections; how many there are."""
    pictures = noise_images(IMAGES, SIZE, SEED)
    done = convert(options_from(from_mapping({"input_model": str(graph), "output_dir": str(folder)})))
    assert done.data["settings"]["postprocessing"]["value"] == "nms"
    ir = read_ir(Path(done.data["xml"]))
    detector = OpenVINODetector(ir, threads=2)
    pairs = [
        (image, detector.detect(pixels[np.newaxis].astype(np.float32)), expected[image])
        for image, pixels in pictures.items()
    ]
    agreement = compare(pairs, threshold=max(ir.score_threshold, 1e-3), keep=ir.keep_top_k)
    assert agreement.untied == [], name
    assert agreement.box_difference <= BOX_TOLERANCE
    for _, mine, theirs in pairs:
        assert len(mine) == len(theirs)
    return agreement.compared


def test_graphs_find_what_tensorflow_finds(graphs: dict[str, Path], tensorflow: Path, tmp_path: Path) -> None:
    found = run_frozen_graphs(tensorflow, graphs, noise_images(IMAGES, SIZE, SEED), tmp_path)
    for name, graph in graphs.items():
        folder = tmp_path / name
        assert check(name, graph, found[name], folder) > 10 * IMAGES, name
        if name == "five of a class":
            assert {len(each) for each in found[name].values()} == {30}


def nms(text: str) -> str:
    return f"model {{ ssd {{ post_processing {{ batch_non_max_suppression {{ {text} }} }} }} }}"


EXPORTED = {
    "five of a class, static shapes": "use_static_shapes: true max_detections_per_class: 5",
    "class-agnostic": "use_class_agnostic_nms: true score_threshold: 0.01",
    "class-agnostic, static shapes": "use_class_agnostic_nms: true use_static_shapes: true "
    "score_threshold: 0.01",
    "class-agnostic, soft": "use_class_agnostic_nms: true soft_nms_sigma: 0.3 score_threshold: 0.05",
    "soft, twenty of a class": "soft_nms_sigma: 0.2 score_threshold: 0.05 max_detections_per_class: 20",
}


def classes_as_floats(graph: Graph) -> None:
    """Mend what the source of July 2020 exports for class-agnostic NMS: TensorFlow stops at its classes."""
    if not any(node.op == "ArgMax" for node in graph):
        return
    for node in list(graph):
        if node.op == "TensorArrayWriteV3" and node.name.endswith("TensorArrayWrite_2/TensorArrayWriteV3"):
            value = node.inputs[2]
            assert value is not None
            types = {"SrcT": DataType.INT64, "DstT": DataType.FLOAT}
            cast = graph.add("Cast", "classes_as_floats", [value], types)
            graph.connect(Output(cast.name), node, 2)
            node.set_attribute("T", DataType.FLOAT)


# Of the API of 2022; combined NMS cannot change the frame of boxes, which is that release's default.
EXPORTED_2022 = {
    "five of a class, static shapes": "use_static_shapes: true max_detections_per_class: 5",
    "class-agnostic": "use_class_agnostic_nms: true score_threshold: 0.01",
    "class-agnostic, static shapes": EXPORTED["class-agnostic, static shapes"],
    "combined": "use_combined_nms: true change_coordinate_frame: false max_detections_per_class: 5",
    "in tiles": "use_partitioned_nms: true use_static_shapes: true max_detections_per_class: 5",
    "hard": "use_hard_nms: true max_detections_per_class: 5",
}


def check_exported(
    python: Path, api: Path, settings: dict[str, str], folder: Path, mend: Callable[[Graph], None]
) -> None:
    made = {name: folder / f"{name}.pb" for name in settings}
    freeze(python, api, {made[name]: (SHAPES, nms(text)) for name, text in settings.items()})
    runnable = {}
    for name, path in made.items():
        graph = read_graph(path)
        mend(graph)
        runnable[name] = folder / f"{name}, mended.pb"
        write_graph(graph, runnable[name])
    found = run_frozen_graphs(python, runnable, noise_images(IMAGES, SIZE, SEED), folder)
    for name, graph_file in made.items():
        assert check(name, graph_file, found[name], folder / name) > 5 * IMAGES, name


@pytest.mark.full
@pytest.mark.usefixtures("object_detection_api")
def test_exported_graphs_find_what_tensorflow_finds(
    installed: Sandbox, tensorflow: Path, tmp_path: Path
) -> None:
    api = Path(variables(installed, "model,tensorflow,api")["CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"])
    check_exported(tensorflow, api, EXPORTED, tmp_path, classes_as_floats)


@pytest.mark.full
@pytest.mark.usefixtures("object_detection_api")
def test_graphs_of_2022_find_what_tensorflow_finds(shared: Sandbox, tensorflow: Path, tmp_path: Path) -> None:
    home = Sandbox(tmp_path / "a ck home", tools=shared)
    home.install("model,tensorflow,api,v2022")
    api = Path(variables(home, "model,tensorflow,api")["CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"])
    check_exported(tensorflow, api, EXPORTED_2022, tmp_path, lambda graph: None)
    home.remove()

"""A checkpoint trained with quantisation becomes uint8 throughout for TFLite, and an IR with FakeQuantize.

The stand-in for one: the built-in model with the ranges that such a training would have learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ckssd.detect.backends import open_backend
from ckssd.detect.detections import Detections
from ckssd.graph.mo import convert
from ckssd.graph.options import from_mapping, options_from
from ckssd.model.description import Model
from ckssd.tflite.process import research_directories, run_tool, tool_environment
from tests.e2e.test_equality import variables
from tests.support.frozen_graphs import freeze, noise_images, run_frozen_graphs
from tests.support.sandbox import Sandbox
from tests.support.ssd_models import SHAPES

pytestmark = [pytest.mark.full, pytest.mark.usefixtures("object_detection_api")]

SCRIPT = Path(__file__).parent / "inside" / "quantized_checkpoint.py"
SIZE, IMAGES, SEED = 300, 6, 31
SURE = 0.4
# Steps of 8 bits: where two runtimes round apart, what follows differs by steps, too.
SCORE_TOLERANCE, LEAST_IOU = 0.12, 0.7


@dataclass(frozen=True)
class Made:
    """A home with TensorFlow 1.13, 1.15 and 2, the checkpoint's folder and its frozen graph."""

    home: Sandbox
    model: Path
    graph: Path


@pytest.fixture(scope="module")
def made(installed: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("trained quantised")
    home = Sandbox(folder / "a ck home", tools=installed)
    for tags in (
        "lib,tensorflow,v1.15",
        "lib,tensorflow,v1.13,vcpu,vprebuilt",
        "lib,tensorflow,vcpu,v2",
        "model,tensorflow,api,v2020.07",
    ):
        home.install(tags)
    python = Path(variables(home, "lib,tensorflow,v1.15")["CK_ENV_LIB_TF_PYTHON_FILE"])
    api = Path(variables(home, "model,tensorflow,api")["CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"])
    np.savez(folder / "images.npz", **noise_images(4, SIZE, 21))
    environment = tool_environment(python, research_directories(api, python))
    words = [python, SCRIPT, SHAPES, folder / "images.npz", folder / "model"]
    run_tool(words, environment, name="the making of the checkpoint")
    graph = folder / "frozen_inference_graph.pb"
    freeze(python, api, {graph: (folder / "model", "")})
    yield Made(home, folder / "model", graph)
    home.remove()


@pytest.fixture(scope="module")
def by_tensorflow(made: Made, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Detections]:
    python = Path(variables(made.home, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"])
    pictures, folder = noise_images(IMAGES, SIZE, SEED), tmp_path_factory.mktemp("by TensorFlow")
    return run_frozen_graphs(python, {"graph": made.graph}, pictures, folder)["graph"]


def unmatched(one: Detections, other: Detections) -> list[tuple[int, float]]:
    """Sure detections of one that the other has not, of the same class, about there and about as sure."""
    missing = []
    for box, kind, score in zip(one.boxes, one.classes, one.scores, strict=True):
        if score < SURE:
            continue
        sides = np.clip(
            np.minimum(box[2:], other.boxes[:, 2:]) - np.maximum(box[:2], other.boxes[:, :2]), 0, None
        )
        shared = sides.prod(axis=1)
        areas = (other.boxes[:, 2:] - other.boxes[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
        near = shared / (areas - shared) >= LEAST_IOU
        if not (near & (other.classes == kind) & (np.abs(other.scores - score) <= SCORE_TOLERANCE)).any():
            missing.append((int(kind), float(score)))
    return missing


def check(model: Model, reference: dict[str, Detections]) -> None:
    backend = open_backend(model)
    detector = backend.new_detector(1)
    sure = missing = 0
    for name, pixels in noise_images(IMAGES, SIZE, SEED).items():
        found = detector.detect(backend.input.feed(pixels))
        sure += int((reference[name].scores >= SURE).sum())
        missing += len(unmatched(reference[name], found)) + len(unmatched(found, reference[name]))
    assert sure > 3 * IMAGES
    assert missing <= sure / 20, f"{missing} of {sure}"


def test_the_ir_quantises_as_tensorflow_does(
    made: Made, by_tensorflow: dict[str, Detections], tmp_path: Path
) -> None:
    done = convert(options_from(from_mapping({"input_model": str(made.graph), "output_dir": str(tmp_path)})))
    check(Model("openvino", Path(done.data["xml"])), by_tensorflow)


# What exports, from what, and what converts: today's TensorFlow does it from the frozen graph alone.
WAYS = {"frozen graph": "v2", "checkpoint": "v1.15", "checkpoint in the seed's time": "v1.13"}


@pytest.mark.parametrize("source", WAYS)
def test_tflite_is_made_of_integers_and_finds_the_same(
    source: str, made: Made, by_tensorflow: dict[str, Detections], tmp_path: Path
) -> None:
    tags = ["--tensorflow-tags", WAYS[source]]
    named = ["--frozen_graph", str(made.graph)]
    if source != "frozen graph":
        named = ["--model", str(made.model), *tags]
    done = made.home.ckssd("export", *named, "--score-threshold", "0.1", "--output", str(tmp_path / "graph"))
    assert done.code == 0, done.text
    graph = str(tmp_path / "graph" / "tflite_graph.pb")
    trained = ["--inference_type", "QUANTIZED_UINT8", "--mean_values", "127.5", "--std_dev_values", "127.5"]
    done = made.home.ckssd("convert", "--graph", graph, "--output", str(tmp_path / "lite"), *tags, *trained)
    assert done.code == 0, done.text
    model = Model("litert", tmp_path / "lite" / "detect_uint8.tflite")
    backend = open_backend(model)
    assert (backend.precision, backend.input.dtype) == ("uint8", "uint8")
    check(model, by_tensorflow)


def test_a_checkpoint_is_not_exported_without_its_quantisation(made: Made, tmp_path: Path) -> None:
    flags = ["--model", str(made.model), "--tensorflow-tags", "v2", "--output", str(tmp_path / "graph")]
    done = made.home.ckssd("export", *flags)
    assert done.code != 0
    assert "was trained with quantisation, and this TensorFlow cannot rewrite its graph" in done.text
    assert not (tmp_path / "graph").exists()

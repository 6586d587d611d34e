"""TensorFlow 2's FPNLite, full size: what its SavedModel finds, the frozen graph and the IR find, too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ckssd.detect.detections import Detections
from ckssd.detect.openvino import OpenVINODetector, read_ir
from tests.e2e.test_equality import variables
from tests.support.agreement import BOX_TOLERANCE, SCORE_TOLERANCE, Agreement, compare
from tests.support.frozen_graphs import noise_images, run_frozen_graphs, run_saved_model
from tests.support.sandbox import Sandbox

pytestmark = [
    pytest.mark.full,
    pytest.mark.slow(seconds=250),
    pytest.mark.usefixtures("object_detection_api"),
]

IMAGES, SIZE, SEED, KEPT = 16, 320, 3, 100
TAGS = "model,tensorflow,tf2,fpnlite,seeded"
THRESHOLD = 0.01  # DetectionOutput takes seconds at the model's own 1e-8


@dataclass(frozen=True)
class Fpnlite:
    """The installed model, a Python with TensorFlow, and what TensorFlow finds on the pictures."""

    home: Sandbox
    folder: Path
    python: Path
    pictures: dict[str, np.ndarray]
    by_tensorflow: dict[str, Detections]


@pytest.fixture(scope="module")
def fpnlite(shared: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fpnlite]:
    folder = tmp_path_factory.mktemp("fpnlite")
    home = Sandbox(folder / "a ck home", tools=shared)
    for tags in ("lib,tensorflow,vcpu,v2", "model,tensorflow,api,v2022", TAGS):
        home.install(tags)
    model = Path(variables(home, TAGS)["CK_ENV_TENSORFLOW_MODEL_ROOT"])
    python = Path(variables(home, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"])
    pictures = noise_images(IMAGES, SIZE, SEED)
    found = run_saved_model(python, model / "saved_model", pictures, folder)
    yield Fpnlite(home, model, python, pictures, found)
    home.remove()


def check_equal(model: Fpnlite, found: dict[str, Detections]) -> Agreement:
    """Nothing above 0.3 is unmatched; below, only what ties."""
    pairs = [(image, found[image], model.by_tensorflow[image]) for image in model.pictures]
    sure = compare(pairs, threshold=0.3, keep=KEPT)
    assert sure.compared > 3 * IMAGES
    assert sure.unmatched == []
    every = compare(pairs, threshold=THRESHOLD, keep=KEPT)
    assert every.untied == []
    assert every.score_difference <= SCORE_TOLERANCE
    assert every.box_difference <= BOX_TOLERANCE
    return every


def test_the_ir_finds_what_the_saved_model_finds(fpnlite: Fpnlite, tmp_path: Path) -> None:
    done = fpnlite.home.ckssd(
        *("mo", "--saved_model_dir", str(fpnlite.folder), "--output_dir", str(tmp_path)),
        *("--confidence_threshold", str(THRESHOLD), "--json"),
    )
    assert done.code == 0, done.text
    assert json.loads(done.out)["data"]["configuration"] == "ssd_support_api_v2.4.json"
    detector = OpenVINODetector(read_ir(tmp_path / "saved_model.xml"), threads=2)
    found = {
        image: detector.detect(pixels[np.newaxis].astype(np.float32))
        for image, pixels in fpnlite.pictures.items()
    }
    check_equal(fpnlite, found)


def test_the_program_takes_a_saved_model(fpnlite: Fpnlite, tmp_path: Path) -> None:
    fpnlite.home.install("lib,openvino")
    done = fpnlite.home.ck(
        *("run", "program:model-optimizer", f"--env.MO_SAVED_MODEL_DIR={fpnlite.folder / 'saved_model'}"),
        *(f"--env.MO_OUTPUT_DIR={tmp_path}", "--env.MO_CONFIDENCE_THRESHOLD=0.5"),
    )
    assert done.code == 0, done.text
    assert "Configuration: ssd_support_api_v2.4.json" in done.text
    assert (tmp_path / "saved_model.xml").is_file()


def test_the_frozen_graph_finds_what_the_saved_model_finds(fpnlite: Fpnlite, tmp_path: Path) -> None:
    from ckssd.tflite.saved_model import freeze_saved_model

    graph = tmp_path / "a folder" / "frozen_inference_graph.pb"
    made = freeze_saved_model(fpnlite.python, fpnlite.folder, graph)
    assert {"detection_boxes", "detection_scores", "num_detections"} <= set(made.outputs)
    check_equal(
        fpnlite, run_frozen_graphs(fpnlite.python, {"frozen": graph}, fpnlite.pictures, tmp_path)["frozen"]
    )

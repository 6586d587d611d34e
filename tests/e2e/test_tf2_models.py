"""TensorFlow 2's FPNLite, full size: what its SavedModel finds, the frozen graph and the IR find, too."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ckssd.detect.detections import Detections
from ckssd.detect.litert import LiteRTDetector, network_input
from ckssd.detect.openvino import OpenVINODetector, read_ir
from ckssd.graph.graphdef import read_graph
from ckssd.graph.select import select_configuration
from ckssd.tflite.model import read_model
from ckssd.tflite.saved_model import freeze_saved_model
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
        "--dep_add_tags.weights=seeded",  # other tests install models in this home, too
    )
    assert done.code == 0, done.text
    assert "Configuration: ssd_support_api_v2.4.json" in done.text
    assert (tmp_path / "saved_model.xml").is_file()


def test_the_frozen_graph_finds_what_the_saved_model_finds(fpnlite: Fpnlite, tmp_path: Path) -> None:
    graph = tmp_path / "a folder" / "frozen_inference_graph.pb"
    made = freeze_saved_model(fpnlite.python, fpnlite.folder, graph)
    assert {"detection_boxes", "detection_scores", "num_detections"} <= set(made.outputs)
    check_equal(
        fpnlite, run_frozen_graphs(fpnlite.python, {"frozen": graph}, fpnlite.pictures, tmp_path)["frozen"]
    )


def run_tflite(model: Fpnlite, graph: Path) -> dict[str, Detections]:
    tflite = read_model(graph)
    detector, feed = LiteRTDetector(tflite, threads=2), network_input(tflite)
    return {image: detector.detect(feed.feed(pixels)) for image, pixels in model.pictures.items()}


def test_the_three_tflite_graphs_of_the_package_find_it_too(fpnlite: Fpnlite) -> None:
    fpnlite.home.install("model,tflite,fpnlite,seeded")
    folder = Path(variables(fpnlite.home, "model,tflite,fpnlite,seeded")["CK_ENV_TENSORFLOW_MODEL_ROOT"])
    regular = run_tflite(fpnlite, folder / "detect_regular_nms.tflite")
    pairs = [(image, regular[image], found) for image, found in fpnlite.by_tensorflow.items()]
    sure = compare(pairs, threshold=0.3, keep=KEPT)
    assert sure.compared > 3 * IMAGES
    assert sure.untied == []
    # Fast NMS keeps one class of a box, so that it finds no more, and each of its detections is TensorFlow's.
    for image, found in run_tflite(fpnlite, folder / "detect_fast_nms.tflite").items():
        assert 0 < len(found) <= len(regular[image])
    network = read_model(folder / "detect_no_nms.tflite")
    assert network.options is None


def test_a_folder_of_training_and_a_saved_model_give_the_packages_graph(
    fpnlite: Fpnlite, tmp_path: Path
) -> None:
    trained = tmp_path / "a trained model"
    (trained / "checkpoint").mkdir(parents=True)
    for part in (fpnlite.folder / "checkpoint").iterdir():
        shutil.copyfile(part, trained / "checkpoint" / part.name)
    shutil.copyfile(fpnlite.folder / "pipeline.config", trained / "pipeline.config")
    ways = {
        "checkpoint": ("--model", str(trained)),
        "SavedModel": ("--saved_model_dir", str(fpnlite.folder / "saved_model")),
        "frozen graph": ("--frozen_graph", str(fpnlite.folder / "frozen_inference_graph.pb")),
    }
    limits = ("--score-threshold=0.3", "--iou-threshold=0.6", "--max-detections=100")
    graphs = {}
    for way, named in ways.items():
        done = fpnlite.home.ckssd("export", *named, *limits, "--output", str(tmp_path / way))
        assert done.code == 0, done.text
        made = read_graph(tmp_path / way / "tflite_graph.pb")
        graphs[way] = {node.name: node.constant() for node in made if node.name == "anchors"}
    for way in ways:
        np.testing.assert_array_equal(graphs[way]["anchors"], graphs["frozen graph"]["anchors"])
    for way in ("checkpoint", "SavedModel"):
        done = fpnlite.home.ckssd(
            *("convert", "--graph", str(tmp_path / way / "tflite_graph.pb"), "--output", str(tmp_path / way))
        )
        assert done.code == 0, done.text
        found = run_tflite(fpnlite, tmp_path / way / "detect.tflite")
        pairs = [(image, found[image], theirs) for image, theirs in fpnlite.by_tensorflow.items()]
        assert compare(pairs, threshold=0.3, keep=KEPT).untied == []


def test_the_zoos_archive_is_refused_unless_accepted_and_then_frozen(
    fpnlite: Fpnlite, tmp_path: Path
) -> None:
    name = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"
    with tarfile.open(tmp_path / f"{name}.tar.gz", "w:gz") as archive:
        for part in ("checkpoint", "saved_model", "pipeline.config"):
            archive.add(fpnlite.folder / part, f"{name}/{part}")
    tags = "model,tensorflow,tf2,zoo,fpnlite,320x320"
    refused = fpnlite.home.ckssd("install", f"--tags={tags}", CKSSD_MIRROR=str(tmp_path))
    assert refused.code == 5
    assert "no hash" in refused.text
    accepted = {"CKSSD_MIRROR": str(tmp_path), "CKSSD_ACCEPT_UNVERIFIED": f"{name}.tar.gz"}
    done = fpnlite.home.ckssd("install", f"--tags={tags}", **accepted)
    assert done.code == 0, done.text
    graph = Path(variables(fpnlite.home, tags)["CK_ENV_TENSORFLOW_MODEL_FROZEN_GRAPH"])
    assert select_configuration(read_graph(graph)).configuration.name == "ssd_support_api_v2.4.json"


def test_int8_by_calibration(fpnlite: Fpnlite, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for image, pixels in noise_images(8, SIZE, 7).items():
        Image.fromarray(pixels).save(photos / f"{image}.png")
    graph = tmp_path / "graph"
    done = fpnlite.home.ckssd(
        *("export", "--frozen_graph", str(fpnlite.folder / "frozen_inference_graph.pb")),
        *("--score-threshold=0.3", "--output", str(graph)),
    )
    assert done.code == 0, done.text
    done = fpnlite.home.ckssd(
        *("convert", "--graph", str(graph / "tflite_graph.pb"), "--output", str(tmp_path)),
        *("--quantize", "int8", "--calibration-images", str(photos)),
    )
    assert done.code == 0, done.text
    assert (tmp_path / "detect_cut_int8.tflite").stat().st_size < 6_000_000  # 11.5 million in float
    assert all(len(found) for found in run_tflite(fpnlite, tmp_path / "detect_int8.tflite").values())


def test_a_checkpoint_of_another_configuration_is_named_by_its_variables(
    fpnlite: Fpnlite, tmp_path: Path
) -> None:
    shutil.copytree(fpnlite.folder / "checkpoint", tmp_path / "checkpoint")
    config = (fpnlite.folder / "pipeline.config").read_text()
    (tmp_path / "pipeline.config").write_text(config.replace("num_classes: 90", "num_classes: 7"))
    done = fpnlite.home.ckssd("export", "--model", str(tmp_path), "--output", str(tmp_path / "out"))
    assert done.code != 0
    assert "the checkpoint does not fit its configuration in 2 of" in done.text
    assert "[1, 1, 128, 546], not [1, 1, 128, 48]" in done.text
    assert "Traceback" not in done.text


@pytest.mark.parametrize("seed", range(4))
def test_a_saved_model_with_changed_bytes_gives_a_model_or_one_line(
    seed: int, fpnlite: Fpnlite, tmp_path: Path
) -> None:
    changed = tmp_path / "saved_model"
    shutil.copytree(fpnlite.folder / "saved_model", changed)
    file, draws = changed / "saved_model.pb", np.random.default_rng(seed)
    content = bytearray(file.read_bytes())
    for place in draws.integers(0, len(content), 20):
        content[place] = int(draws.integers(0, 256))
    file.write_bytes(content)
    done = fpnlite.home.ckssd("mo", "--saved_model_dir", str(changed), "--output_dir", str(tmp_path))
    assert "Traceback" not in done.text
    assert done.code == 0 or "ckssd mo: " in done.err

"""IRs made by sub-graph replacement find what TensorFlow finds with the frozen graph, whoever exported it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ckssd.detect.detections import Detections
from ckssd.detect.openvino import OpenVINODetector, read_ir
from ckssd.graph.mo import convert
from ckssd.graph.options import from_mapping, options_from
from ckssd.graph.settings import DETECTION_OUTPUT, NMS, NONE
from ckssd.install import find_pythons
from ckssd.tflite.seeded import make_seeded_checkpoint
from tests.e2e.test_equality import variables
from tests.e2e.test_seeded import ENTRY, SEEDED_AND_ITS_TOOLS
from tests.support.agreement import BOX_TOLERANCE, SCORE_TOLERANCE, compare
from tests.support.frozen_graphs import (
    KEPT,
    LEGACY_IOU_THRESHOLD,
    SCORE_THRESHOLD,
    SOFTMAX,
    freeze,
    limits,
    noise_images,
    run_frozen_graphs,
)
from tests.support.old_exporter import emulate_before_1_6
from tests.support.sandbox import CHECKOUT, Sandbox

pytestmark = [pytest.mark.slow(seconds=90), pytest.mark.usefixtures("object_detection_api")]

IMAGES, SIZE, SEED = 16, 300, 3


@dataclass(frozen=True)
class Case:
    """A model, the release of the exporter, and the configuration that has to be chosen for its graph."""

    model: str
    exporter: str
    configuration: str
    override: str = limits()


CASES = {
    "shapes, July 2020": Case("shapes", "2020.07", "ssd_support_cast_1.json"),
    "shapes, May 2019": Case("shapes", "2019.05", "ssd_v2_support.json"),
    "shapes, before 1.6 (emulated)": Case(
        "shapes", "pre-1.6", "legacy_ssd_support.json", limits(LEGACY_IOU_THRESHOLD)
    ),
    "shapes, softmax": Case("shapes", "2020.07", "ssd_support_cast_1.json", f"{limits()} {SOFTMAX}"),
    "seeded, July 2020": Case("seeded", "2020.07", "ssd_support_cast_1.json"),
    "seeded, May 2019": Case("seeded", "2019.05", "ssd_v2_support.json"),
}
# Their models and their exporters are in other cases.
WIDER = ["shapes, July 2020", "seeded, May 2019"]


@pytest.fixture(scope="module")
def tensorflow(installed: Sandbox) -> Path:
    return Path(variables(installed, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"])


@pytest.fixture(scope="module")
def exporters(
    installed: Sandbox, shared: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Path]]:
    """Release to the directory ``object_detection``."""
    folder = tmp_path_factory.mktemp("exporters")
    other = Sandbox(folder / "a ck home", tools=shared)
    other.install("model,tensorflow,api,v2019.05")
    name = "CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"
    may_2019 = Path(variables(other, "model,tensorflow,api")[name])
    yield {
        "2020.07": Path(variables(installed, "model,tensorflow,api")[name]),
        "2019.05": may_2019,
        "pre-1.6": emulate_before_1_6(may_2019.parent, folder / "before 1.6"),
    }
    other.remove()


@pytest.fixture(scope="module")
def models(
    tensorflow: Path, exporters: dict[str, Path], shared: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Path]]:
    """Name to checkpoint; the seeded one is the package's, where Python 3.7 is there for it."""
    folder = tmp_path_factory.mktemp("seeded")
    home = Sandbox(folder / "a ck home", tools=shared)
    if any(python.minor == "3.7" for python in find_pythons()):
        for tags in SEEDED_AND_ITS_TOOLS:
            home.install(tags)
        seeded = Path(variables(home, "model,tensorflow,seeded")["CK_ENV_TENSORFLOW_MODEL_ROOT"])
    else:
        seeded = folder / "by TensorFlow 2"
        make_seeded_checkpoint(
            tensorflow, exporters["2020.07"], ENTRY / "pipeline.config", seeded, seed=2018, images=24
        )
    yield {"shapes": CHECKOUT / "package" / "model-tf-ssd-mobilenet-v1-shapes" / "files", "seeded": seeded}
    home.remove()


@pytest.fixture(scope="module")
def cases(request: pytest.FixtureRequest) -> dict[str, Case]:
    """The cases that this run tests: each takes ten seconds to export."""
    tests = [item for item in request.session.items if item.path == request.path]
    asked = {test.callspec.params["name"] for test in tests if isinstance(test, pytest.Function)}
    return {name: case for name, case in CASES.items() if name in asked}


@pytest.fixture(scope="module")
def graphs(
    cases: dict[str, Case],
    tensorflow: Path,
    exporters: dict[str, Path],
    models: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("frozen graphs")
    made = {name: folder / f"{name}.pb" for name in cases}
    for exporter, obj_det_dir in exporters.items():
        wanted = {
            made[name]: (models[case.model], case.override)
            for name, case in cases.items()
            if case.exporter == exporter
        }
        if wanted:
            freeze(tensorflow, obj_det_dir, wanted)
    return made


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    return noise_images(IMAGES, SIZE, SEED)


@pytest.fixture(scope="module")
def by_tensorflow(
    tensorflow: Path,
    graphs: dict[str, Path],
    pictures: dict[str, np.ndarray],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, dict[str, Detections]]:
    return run_frozen_graphs(tensorflow, graphs, pictures, tmp_path_factory.mktemp("by TensorFlow"))


@pytest.mark.parametrize("postprocessing", [DETECTION_OUTPUT, NMS, NONE])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.full if name in WIDER else []) for name in CASES]
)
def test_the_ir_finds_what_tensorflow_finds(
    name: str,
    postprocessing: str,
    graphs: dict[str, Path],
    pictures: dict[str, np.ndarray],
    by_tensorflow: dict[str, dict[str, Detections]],
    tmp_path: Path,
) -> None:
    flags = {"input_model": str(graphs[name]), "output_dir": str(tmp_path), "model_name": "ir"}
    flags["postprocessing"] = postprocessing
    done = convert(options_from(from_mapping(flags)))
    assert done.data["configuration"] == CASES[name].configuration
    detector = OpenVINODetector(read_ir(tmp_path / "ir.xml"), threads=2)
    pairs = [
        (image, detector.detect(pixels[np.newaxis].astype(np.float32)), by_tensorflow[name][image])
        for image, pixels in pictures.items()
    ]
    sure = compare(pairs, threshold=0.3, keep=KEPT)
    assert sure.compared > 3 * IMAGES
    assert sure.unmatched == []
    every = compare(pairs, threshold=SCORE_THRESHOLD, keep=KEPT)
    assert every.compared > 100 * IMAGES
    assert every.untied == [], "an unmatched detection without a tie"
    assert len(every.unmatched) < every.compared / 500
    assert every.score_difference <= SCORE_TOLERANCE
    assert every.box_difference <= BOX_TOLERANCE

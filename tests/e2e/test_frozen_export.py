"""Exports from frozen graphs give TFLite what the API's exporter gives it from checkpoints: the wide matrix.

The built-in model, byte for byte, is in tests/tflite/test_export_convert_real.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from ckssd.tflite.convert import Conversion
from ckssd.tflite.export import GRAPH, Checkpoint, export_step
from ckssd.tflite.from_frozen import export_frozen
from ckssd.tflite.frozen import freeze_step
from ckssd.tflite.process import research_directories, run_steps, run_tool, tool_environment
from ckssd.tflite.settings import ExportSettings
from tests.e2e.test_equality import variables
from tests.support.frozen_graphs import SOFTMAX, noise_images
from tests.support.old_exporter import emulate_before_1_6
from tests.support.sandbox import Sandbox
from tests.support.ssd_models import SHAPES, write_config

pytestmark = [pytest.mark.full, pytest.mark.usefixtures("object_detection_api")]

IMAGES, TOLERANCE = 16, 1e-6
CHECKPOINTS = Path(__file__).parent / "inside" / "random_checkpoints.py"
KINDS = ("regular", "fast", "none")
SETTINGS = {kind: ExportSettings(nms=kind, score_threshold=0.01) for kind in ("regular", "fast")}
JULY_2020, MAY_2019, BEFORE_1_6 = "2020.07", "2019.05", "before 1.6"
IDENTITY = "model { ssd { post_processing { score_converter: IDENTITY } } }"
LOGIT_SCALE = "model { ssd { post_processing { score_converter: SOFTMAX logit_scale: 2.0 } } }"
OTHER_SIZE = "model { ssd { image_resizer { fixed_shape_resizer { height: 240 width: 416 } } } }"


@dataclass(frozen=True)
class Case:
    """A model, a change to its configuration, and the release whose exporter makes the frozen graph.

    The model v1 is the built-in one; the others have random weights.
    """

    model: str
    override: str = ""
    exporter: str = JULY_2020

    @property
    def same_graph(self) -> bool:
        """Whether the graphs differ in nothing: an older exporter has other operations."""
        return self.exporter == JULY_2020


CASES = {
    "v1": Case("v1"),
    "v1, softmax": Case("v1", SOFTMAX),
    "v1, softmax of scaled logits": Case("v1", LOGIT_SCALE),
    "v1, identity": Case("v1", IDENTITY),
    "v1, 240x416": Case("v1", OTHER_SIZE),
    "v1, May 2019": Case("v1", exporter=MAY_2019),
    "v1, before 1.6 (emulated)": Case("v1", exporter=BEFORE_1_6),
    "v2": Case("v2"),
    "ssdlite": Case("ssdlite"),
    "v1_fpn": Case("v1_fpn"),
    "v1_ppn": Case("v1_ppn"),
}


@dataclass(frozen=True)
class Tools:
    """An interpreter with a TensorFlow, and the APIs by release."""

    python: Path
    apis: dict[str, Path]


@pytest.fixture(scope="module")
def tensorflow_2(installed: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tools]:
    folder = tmp_path_factory.mktemp("exporters")
    other = Sandbox(folder / "a ck home")
    other.install("model,tensorflow,api,v2019.05")
    name = "CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"
    may_2019 = Path(variables(other, "model,tensorflow,api")[name])
    apis = {
        JULY_2020: Path(variables(installed, "model,tensorflow,api")[name]),
        MAY_2019: may_2019,
        BEFORE_1_6: emulate_before_1_6(may_2019.parent, folder / "before 1.6"),
    }
    yield Tools(Path(variables(installed, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"]), apis)
    other.remove()


def checkpoint_of(name: str, folder: Path) -> Checkpoint:
    model = CASES[name].model
    return Checkpoint.in_directory(SHAPES if model == "v1" else folder / model)


def made_by_api(tools: Tools, names: list[str], folder: Path) -> None:
    """For each case: a checkpoint, its frozen graph, and the API's graphs for TFLite."""
    api, models = tools.apis[JULY_2020], sorted({CASES[name].model for name in names} - {"v1"})
    words = [word for name in models for word in (write_config(name, folder / f"of {name}"), folder / name)]
    environment = tool_environment(tools.python, research_directories(api, tools.python))
    run_tool([tools.python, CHECKPOINTS, *words], environment, name="the making of checkpoints")
    for release, obj_det_dir in tools.apis.items():
        steps = []
        for name in [each for each in names if CASES[each].exporter == release]:
            frozen = folder / name / "frozen_inference_graph.pb"
            steps.append(
                freeze_step(checkpoint_of(name, folder), frozen, config_override=CASES[name].override)
            )
        if steps:
            run_steps(tools.python, steps, research_directories(obj_det_dir, tools.python))
    steps = []
    for name in names:
        for kind, settings in SETTINGS.items():
            step = export_step(checkpoint_of(name, folder), folder / name / "api" / kind, settings)
            step["config_override"] += f" {CASES[name].override}"
            steps.append(step)
    run_steps(tools.python, steps, research_directories(api, tools.python))


@pytest.fixture(scope="module")
def folder(tensorflow_2: Tools, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``CASE/{api,ours}/KIND.tflite`` for every case and kind."""
    made = tmp_path_factory.mktemp("exports")
    made_by_api(tensorflow_2, list(CASES), made)
    steps = []
    for name in CASES:
        for kind in KINDS:
            frozen, ours = made / name / "frozen_inference_graph.pb", made / name / "ours" / kind
            export_frozen(frozen, ours, SETTINGS.get(kind), nms=kind)
            theirs = made / name / "api" / (kind if kind in SETTINGS else "regular")
            for by, graph in (("ours", ours / GRAPH), ("api", theirs / GRAPH)):
                conversion = Conversion(made / name / by / f"{kind}.tflite", postprocess=kind != "none")
                steps.append(conversion.as_step(graph))
    run_steps(tensorflow_2.python, steps)
    return made


def outputs(model: Path, images: np.ndarray) -> list[list[np.ndarray]]:
    """For each image all outputs; of detections only those that are valid (fast NMS leaves others behind)."""
    interpreter = Interpreter(str(model), num_threads=1)
    interpreter.allocate_tensors()
    (image,), found = interpreter.get_input_details(), []
    for pixels in images:
        interpreter.set_tensor(image["index"], pixels[np.newaxis])
        interpreter.invoke()
        tensors = [interpreter.get_tensor(each["index"]) for each in interpreter.get_output_details()]
        if len(tensors) == 4:
            tensors = [*(tensor[:, : int(tensors[3][0])] for tensor in tensors[:3]), tensors[3]]
        found.append(tensors)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CASES)
def test_outputs_are_those_of_the_apis_export(name: str, kind: str, folder: Path) -> None:
    ours, api = (folder / name / by / f"{kind}.tflite" for by in ("ours", "api"))
    if CASES[name].same_graph:
        assert ours.read_bytes() == api.read_bytes()
    height, width = Interpreter(str(api)).get_input_details()[0]["shape"][1:3]
    noise = np.stack(list(noise_images(IMAGES, max(height, width), seed=4).values()))
    images = noise[:, :height, :width].astype(np.float32) / np.float32(127.5) - 1
    valid = 0
    for mine, theirs in zip(outputs(ours, images), outputs(api, images), strict=True):
        for one, other in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE)
        valid += theirs[0].shape[1]
    assert valid > IMAGES, "nothing was detected, so nothing was compared"


def test_without_nms_the_anchors_are_the_graphs(folder: Path) -> None:
    for name in CASES:
        anchors = np.loadtxt(folder / name / "ours" / "none" / "flatanchors.txt", np.float32)
        outputs_details = Interpreter(str(folder / name / "api" / "none.tflite")).get_output_details()
        assert {each["shape"][1] for each in outputs_details} == {len(anchors)}


def test_a_package_is_made_without_the_api(shapes_tflite: Path, sandbox: Sandbox) -> None:
    for tags in ("lib,tensorflow,vcpu,v2", "model,tensorflow,ssd-mobilenet,shapes"):
        sandbox.install(tags)
    tags = "model,tflite,ssd-mobilenet,shapes,non-quantized"
    done = sandbox.ck("install", "package", f"--tags={tags}", "--env.EXPORT_FROM=frozen-graph")
    assert done.code == 0, done.text
    made = Path(variables(sandbox, tags)["CK_ENV_TENSORFLOW_MODEL_ROOT"])
    for path in shapes_tflite.glob("detect_*.tflite"):
        assert (made / path.name).read_bytes() == path.read_bytes()
    assert not sandbox.ck("search", "env", "--tags=model,tensorflow,api").out.strip()

"""Models that keep an image's aspect ratio: TFLite, IR and TensorFlow find the same boxes in the pictures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ckssd.detect.detections import Detections
from tests.e2e.test_equality import variables
from tests.support.agreement import compare
from tests.support.frozen_graphs import freeze, noise_images
from tests.support.sandbox import Sandbox
from tests.support.ssd_models import SHAPES

pytestmark = [pytest.mark.full, pytest.mark.usefixtures("object_detection_api")]

SIZES = {
    "portrait": (480, 270),
    "landscape": (240, 333),
    "wide": (100, 400),
    "square": (300, 300),
    "tiny": (37, 21),
}
RESIZER = (
    "model { ssd { image_resizer { keep_aspect_ratio_resizer { min_dimension: 200 max_dimension: 300"
    " pad_to_max_dimension: true per_channel_pad_value: 120 per_channel_pad_value: 110"
    " per_channel_pad_value: 100 } } } }"
)
# Boxes that lie in the padding take places among the best hundred outside of TensorFlow.
THRESHOLD = 0.25


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for seed, (name, (height, width)) in enumerate(SIZES.items()):
        pixels = noise_images(1, 480, seed)["0"][:height, :width]
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def found(home: Sandbox, pictures: Path, *flags: str) -> dict[str, Detections]:
    """What ``ckssd detect`` finds, boxes as fractions of the pictures."""
    done = home.ckssd("detect", *flags, "--resize", "tf1", "--min-score", "0.1", "--json", str(pictures))
    assert done.code == 0, done.text
    made = {}
    for image in json.loads(done.out)["data"]["images"]:
        sides = np.array([image["height"], image["width"]] * 2, np.float64)
        rows = image["detections"]
        boxes = np.array([each["bbox"] for each in rows], np.float64).reshape(-1, 4)
        corners = np.column_stack(
            [boxes[:, 1], boxes[:, 0], boxes[:, 1] + boxes[:, 3], boxes[:, 0] + boxes[:, 2]]
        )
        made[Path(image["file"]).name] = Detections(
            (corners / sides).astype(np.float32),
            np.array([each["class"] for each in rows], np.int64),
            np.array([each["score"] for each in rows], np.float32),
        )
    return made


def test_every_runtime_finds_the_same_boxes_in_the_pictures(
    installed: Sandbox, pictures: Path, tmp_path: Path
) -> None:
    python = Path(variables(installed, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"])
    api = Path(variables(installed, "model,tensorflow,api")["CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"])
    graph = tmp_path / "tf" / "frozen_inference_graph.pb"
    freeze(python, api, {graph: (SHAPES, RESIZER)})
    made = {name: str(tmp_path / name) for name in ("ir", "export", "lite", "export 2", "lite 2")}
    today = ("--tensorflow-tags", "v2")
    for command in (
        ("mo", "--input_model", str(graph), "--output_dir", made["ir"]),
        ("export", "--frozen_graph", str(graph), "--output", made["export"]),
        ("convert", "--graph", f"{made['export']}/tflite_graph.pb", "--output", made["lite"], *today),
        ("export", "--model", str(with_resizer(tmp_path / "model")), "--output", made["export 2"], *today),
        ("convert", "--graph", f"{made['export 2']}/tflite_graph.pb", "--output", made["lite 2"], *today),
    ):
        done = installed.ckssd(*command)
        assert done.code == 0, done.text
    reference = found(installed, pictures, "--runtime", "tensorflow", "--model", str(graph))
    others = {
        "IR": ("--model", str(tmp_path / "ir" / "frozen_inference_graph.xml")),
        "TFLite of the graph": ("--model", str(tmp_path / "lite" / "detect.tflite")),
        "TFLite of the checkpoint": ("--model", str(tmp_path / "lite 2" / "detect.tflite")),
    }
    for name, flags in others.items():
        mine = found(installed, pictures, *flags)
        pairs = [(picture, mine[picture], reference[picture]) for picture in reference]
        agreement = compare(pairs, threshold=0.3 if "checkpoint" in name else THRESHOLD, keep=100)
        assert agreement.untied == [], name
        assert agreement.compared > len(SIZES), name


def with_resizer(folder: Path) -> Path:
    """The built-in checkpoint with that resizer in its configuration."""
    folder.mkdir()
    for path in SHAPES.iterdir():
        if path.name.startswith("model.ckpt"):
            (folder / path.name).symlink_to(path)
    config = (SHAPES / "pipeline.config").read_text()
    own = RESIZER.removeprefix("model { ssd { ").removesuffix(" } }")
    made = re.sub(r"image_resizer \{.*?\n    \}", own, config, flags=re.DOTALL)
    (folder / "pipeline.config").write_text(made)
    return folder

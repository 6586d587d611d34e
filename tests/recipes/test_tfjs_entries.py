"""The packages of the COCO detector: chosen by tags alone, and true to its configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ckssd.graph.pipeline import read_pipeline

PACKAGES = Path(__file__).parents[2] / "package"
NAME = "ssdlite-mobilenet-v2-coco"
ALIASES = [f"model-{kind}-{NAME}{end}" for kind in ("tf", "tflite", "openvino") for end in ("", "-int8")]


def meta_of(alias: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((PACKAGES / alias / ".cm" / "meta.json").read_text())
    return content


@pytest.mark.parametrize(
    ("tags", "alias"),
    [
        ("model,tensorflow,ssdlite,coco,tfjs", f"model-tf-{NAME}"),
        ("model,tflite,ssdlite,coco,tfjs", f"model-tflite-{NAME}"),
        ("model,openvino,ssdlite,coco,tfjs", f"model-openvino-{NAME}"),
        ("model,tflite,ssdlite-int8", f"model-tflite-{NAME}-int8"),
        ("model,openvino,ssdlite-int8", f"model-openvino-{NAME}-int8"),
        ("model,tensorflow,ssdlite,pedestrian", "model-tf-ssdlite-pedestrian"),
    ],
)
def test_tags_choose_one_package(tags: str, alias: str) -> None:
    wanted = {*tags.split(",")}
    entries = [path.parents[1].name for path in PACKAGES.glob("*/.cm/meta.json")]
    assert [name for name in entries if wanted <= {*meta_of(name).get("tags", [])}] == [alias]


@pytest.mark.parametrize("alias", [alias for alias in ALIASES if (PACKAGES / alias).is_dir()])
def test_the_environment_says_of_the_model_what_its_configuration_says(alias: str) -> None:
    pipeline = read_pipeline(PACKAGES / f"model-tf-{NAME}" / "pipeline.config")
    stated = {
        name.removeprefix("CK_ENV_TENSORFLOW_MODEL_"): value for name, value in meta_of(alias)["env"].items()
    }
    if "NUM_CLASSES" not in stated:
        assert alias.startswith("model-openvino-")
        return
    assert pipeline.number("model", "ssd", "num_classes") == int(stated["NUM_CLASSES"])
    assert pipeline.image_size() == (int(stated["IMAGE_HEIGHT"]), int(stated["IMAGE_WIDTH"]))
    assert pipeline.nms("iou_threshold") == float(stated["NMS_IOU_THRESHOLD"])
    assert pipeline.nms("max_total_detections") == int(stated["MAX_DETECTIONS"])
    assert stated["DATASET_TYPE"] == "coco"

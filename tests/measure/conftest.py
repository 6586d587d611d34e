"""A small benchmark, complete and real: tiny models, eight images, annotations; in a path with a space."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.detect.tiny_model import tiny_model, tiny_model_without_nms
from tests.support.fixtures import folder

__all__ = ["folder"]

NAMES = ("circle", "square", "triangle", "star", "ring", "cross")
IMAGES = 8
MODEL = "CK_ENV_TENSORFLOW_MODEL_"


@dataclass(frozen=True)
class Bench:
    """The folder of a benchmark and the variables that CK would set for it."""

    folder: Path
    environment: dict[str, str]

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def images(self) -> Path:
        return self.folder / "images"

    @property
    def annotations(self) -> Path:
        return self.folder / "instances.json"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return make_bench(tmp_path)


def make_bench(folder: Path) -> Bench:
    """The benchmark in a folder below this one."""
    made = Bench(folder / "ein Maß", {})
    made.model.mkdir(parents=True)
    made.images.mkdir()
    (made.model / "detect_regular_nms.tflite").write_bytes(tiny_model())
    (made.model / "detect_fast_nms.tflite").write_bytes(tiny_model(use_regular_nms=False))
    (made.model / "detect_no_nms.tflite").write_bytes(tiny_model_without_nms())
    items = [f"item {{ id: {number} name: '{name}' }}\n" for number, name in enumerate(NAMES, start=1)]
    (made.model / "labelmap.pbtxt").write_text("".join(items))
    (made.model / "flatlabels.txt").write_text("\n".join(["???", *NAMES]))
    made.annotations.write_text(json.dumps(write_images(made.images)))
    made.environment.update(
        {
            f"{MODEL}ROOT": str(made.model),
            f"{MODEL}TFLITE_GRAPH_REGULAR_NMS": "detect_regular_nms.tflite",
            f"{MODEL}TFLITE_GRAPH_FAST_NMS": "detect_fast_nms.tflite",
            f"{MODEL}LABELMAP_FILE": "labelmap.pbtxt",
            f"{MODEL}IMAGE_WIDTH": "8",
            f"{MODEL}IMAGE_HEIGHT": "8",
            f"{MODEL}IMAGE_CHANNELS": "3",
            f"{MODEL}NORMALIZE_DATA": "YES",
            f"{MODEL}SUBTRACT_MEAN": "0",
            f"{MODEL}NEED_BACKGROUND_CORRECTION": "YES",
            "CK_ENV_DATASET_IMAGE_DIR": str(made.images),
            "CK_ENV_DATASET_ANNOTATIONS": str(made.annotations),
            "CK_ENV_TOOL_COCO_PYTHON_FILE": sys.executable,
            "CK_HOST_CPU_NUMBER_OF_PROCESSORS": "2",
            "CK_SILENT_MODE": "yes",
        }
    )
    return made


def write_images(folder: Path) -> dict[str, object]:
    """Eight noisy images, and annotations whose ids do not follow the files' names."""
    random = np.random.default_rng(5)
    images, annotations = [], []
    for index in range(IMAGES):
        width, height = (int(size) for size in random.integers(40, 90, 2))
        blocks = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(blocks).resize((width, height), Image.Resampling.NEAREST).save(
            folder / f"b{index}.png"
        )
        images.append({"id": 100 - index, "file_name": f"b{index}.png", "width": width, "height": height})
        for category in range(1, 7):
            x, y = float(random.uniform(0, width / 2)), float(random.uniform(0, height / 2))
            box = [x, y, width / 2.5, height / 2.5]
            entry = {
                "id": len(annotations) + 1,
                "image_id": 100 - index,
                "category_id": category,
                "bbox": box,
            }
            annotations.append({**entry, "area": box[2] * box[3], "iscrowd": 0})
    categories = [{"id": number, "name": name} for number, name in enumerate(NAMES, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}

"""The seeded checkpoint made without its package, once per run: to compare with, and to start from."""

from __future__ import annotations

import json
from pathlib import Path

from ckssd.tflite.seeded import make_seeded_checkpoint
from tests.support.run import made_once
from tests.support.sandbox import CHECKOUT

ENTRY = CHECKOUT / "package" / "model-tf-ssd-mobilenet-v1-seeded"


def seeded_once_more(python: Path, obj_det_dir: Path) -> Path:
    """The folder that the entry's own seed gives with this TensorFlow, without a package."""
    section = json.loads((ENTRY / ".cm" / "meta.json").read_text())["ckssd"]
    numbers = {"seed": section["seed"], "images": section["images"]}

    def make(folder: Path) -> None:
        make_seeded_checkpoint(python, obj_det_dir, ENTRY / "pipeline.config", folder, **numbers)

    return made_once(f"seeded by {python.parents[1].name}", make)

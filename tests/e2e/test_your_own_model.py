"""The page docs/your-own-model.md: its ``sh`` blocks are run as they stand.

What its reader brings is made here: a model of circles and squares with a frozen graph, and 60 pictures
annotated as CVAT exports them.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ckssd.coco.shapes import write_shapes_dataset
from ckssd.tflite.export import Checkpoint
from ckssd.tflite.frozen import export_frozen_graph
from tests.support.sandbox import CHECKOUT, Sandbox

pytestmark = [pytest.mark.slow(seconds=90), pytest.mark.usefixtures("object_detection_api")]
PAGE = CHECKOUT / "docs" / "your-own-model.md"
BUILT_IN = CHECKOUT / "package" / "model-tf-ssd-mobilenet-v1-shapes" / "files"
INSIDE = CHECKOUT / "tests" / "e2e" / "inside"
NAMES = ("circle", "square")


def blocks() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def variable(home: Sandbox, tags: str, name: str) -> Path:
    told = home.in_environment(tags, f"printf '%s' \"${name}\"")
    return Path(told.out.strip().splitlines()[-1])


def make_model(home: Sandbox, folder: Path) -> None:
    """``frozen_inference_graph.pb``, ``pipeline.config`` and ``labels.txt`` of two classes."""
    folder.mkdir()
    config = (BUILT_IN / "pipeline.config").read_text()
    (folder / "pipeline.config").write_text(config.replace("num_classes: 6", "num_classes: 2"))
    (folder / "labels.txt").write_text("\n".join(NAMES) + "\n")
    python = variable(home, "lib,tensorflow,v2", "CK_ENV_LIB_TF_PYTHON_FILE")
    api = variable(home, "model,tensorflow,api", "CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR")
    prefix = folder / "model.ckpt"
    script = [str(INSIDE / "two_classes.py"), str(BUILT_IN / "model.ckpt"), str(prefix)]
    subprocess.run([str(python), *script], check=True)
    checkpoint = Checkpoint(folder / "pipeline.config", prefix)
    export_frozen_graph(python, api, checkpoint, folder / "frozen_inference_graph.pb")


def make_data(folder: Path) -> None:
    """60 pictures with circles and squares, and the annotations as CVAT's COCO export has them."""
    source = folder.with_name("source")
    file = write_shapes_dataset(source, images=60, seed=77, quiet=True, workers=1)
    content: dict[str, Any] = json.loads(file.read_text())
    ids = {one["id"] for one in content["categories"] if one["name"] in NAMES}
    kept = [one for one in content["annotations"] if one["category_id"] in ids]
    content = {
        "licenses": [{"name": "", "id": 0, "url": ""}],
        "info": {
            "contributor": "",
            "date_created": "",
            "description": "",
            "url": "",
            "version": "",
            "year": "",
        },
        "categories": [
            {"id": one["id"], "name": one["name"], "supercategory": ""}
            for one in content["categories"]
            if one["id"] in ids
        ],
        "images": [
            {**one, "license": 0, "flickr_url": "", "coco_url": "", "date_captured": 0}
            for one in content["images"]
        ],
        "annotations": [{**one, "attributes": {"occluded": False}} for one in kept],
    }
    (folder / "annotations").mkdir(parents=True)
    (folder / "annotations" / "instances_default.json").write_text(json.dumps(content))
    shutil.move(source / "images", folder / "images")


@pytest.fixture(scope="module")
def outputs(installed: Sandbox, shared: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each block of the page printed, by its last line."""
    place = tmp_path_factory.mktemp("what I have")
    make_model(installed, place / "mine")
    make_data(place / "cvat")
    write_shapes_dataset(place / "others", images=40, seed=78, quiet=True, workers=1)
    home = Sandbox(tmp_path_factory.mktemp("home") / "a home", tools=shared)
    printed = {}
    for block in blocks():
        done = home.run("bash", "-e", "-o", "pipefail", "-c", f"cd '{place}'\n{block}")
        assert done.code == 0, f"{block}\n{done.text[-3000:]}"
        assert "Traceback" not in done.text, block
        printed[block] = done.text
    home.remove()
    return printed


def test_every_command_of_the_page_works(outputs: dict[str, str]) -> None:
    assert len(outputs) >= 7
    text = "\n".join(outputs.values())
    assert "labels.txt: list of 2 names for 2 classes: one for each class" in text
    assert "circle" in text
    assert re.search(r"^mAP: 0\.[4-9]", text, re.MULTILINE)


def test_every_way_to_run_the_model_gives_the_same_accuracy(outputs: dict[str, str]) -> None:
    """But int8, which gives nearly the same."""
    found = [
        float(one) for text in outputs.values() for one in re.findall(r"^mAP: (\S+)", text, re.MULTILINE)
    ]
    assert len(found) >= 3
    assert len(set(found)) == 1
    table = next(text for text in outputs.values() if "median ms" in text)
    rows = re.findall(r"^(litert|openvino) (\S+) .*?(0\.\d{4})", table, re.MULTILINE)
    accuracy = {f"{runtime} {name}": float(number) for runtime, name, number in rows}
    assert len(accuracy) == 3
    assert max(accuracy.values()) - min(accuracy.values()) < 0.03

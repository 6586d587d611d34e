"""A data set of one's own, as CVAT exports it: registered by file or folder, measured by ckssd and by ck."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.sandbox import Sandbox


@pytest.fixture
def own(installed: Sandbox, tmp_path: Path) -> Path:
    """Four images of the built-in data set in CVAT's layout, its areas and flags left out."""
    told = installed.in_environment("dataset,shapes,val", "printf '%s' \"$CK_ENV_DATASET_ROOT\"")
    source = Path(told.out.strip().splitlines()[-1])
    content = json.loads((source / "annotations" / "instances_val.json").read_text())
    content["images"] = content["images"][:4]
    ids = {image["id"] for image in content["images"]}
    content["annotations"] = [one for one in content["annotations"] if one["image_id"] in ids]
    for one in content["annotations"]:
        del one["area"], one["iscrowd"]
    folder = tmp_path / "my data"
    (folder / "annotations").mkdir(parents=True)
    (folder / "annotations" / "instances_default.json").write_text(json.dumps(content))
    (folder / "images" / "default").mkdir(parents=True)
    for image in content["images"]:
        shutil.copy(source / "images" / image["file_name"], folder / "images" / "default")
    return folder


def remove(sandbox: Sandbox, tags: str) -> None:
    for entry in sandbox.ck("search", "env", f"--tags={tags}").out.split():
        sandbox.ck("rm", entry, "--force")


def test_a_data_set_registered_by_its_folder_works_for_ckssd_and_for_ck(
    installed: Sandbox, own: Path
) -> None:
    try:
        named = ["detect", "soft:dataset.object-detection", f"--full_path={own}", "--extra_tags=brought-own"]
        done = installed.ck(*named)
        assert done.code == 0, done.text
        assert f"found: 4 images in {own}/images/default, annotations {own}/annotations/inst" in done.text
        assert "Note: " in done.text
        chosen = ["--tags=model,tflite,shapes,non-quantized", "--dataset-tags=brought-own", "--json"]
        measured = json.loads(installed.ckssd("benchmark", *chosen).out)["data"]
        assert any("without area" in note for note in measured["notes"])
        done = installed.ck(
            *("benchmark", "program:object-detection-tflite", "--repetitions=1", "--sleep=0"),
            *("--dep_add_tags.weights=shapes,non-quantized", "--dep_add_tags.dataset=brought-own"),
        )
        assert f"mAP: {measured['mAP']!r}" in done.out, done.text
        assert "EOFError" not in done.text
    finally:
        remove(installed, "brought-own")


@pytest.mark.parametrize("soft", ["dataset.object-detection", "dataset.coco.2017.val"])
def test_a_file_gives_its_paths_and_a_wrong_folder_leaves_no_entry(
    sandbox: Sandbox, tmp_path: Path, soft: str
) -> None:
    folder = tmp_path / "set"
    (folder / "annotations").mkdir(parents=True)
    (folder / "images").mkdir()
    (folder / "images" / "1.jpg").touch()
    content = {
        "images": [{"id": 1, "file_name": "1.jpg"}],
        "categories": [{"id": 1, "name": "only"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2]}],
    }
    file = folder / "annotations" / "instances_val2017.json"
    file.write_text(json.dumps(content))
    done = sandbox.ck("detect", f"soft:{soft}", f"--full_path={file}", "--extra_tags=right")
    assert done.code == 0, done.text
    told = sandbox.ck("cat", "env", "--tags=right").out
    assert f"CK_ENV_DATASET_ANNOTATIONS={file}" in told
    assert f"CK_ENV_DATASET_IMAGE_DIR={folder / 'images'}" in told
    done = sandbox.ck("detect", f"soft:{soft}", f"--full_path={tmp_path}", "--extra_tags=wrong")
    assert done.code != 0
    assert "The folder has no annotations" in done.text
    assert "Traceback" not in done.text
    assert sandbox.ck("search", "env", "--tags=wrong").out.split() == []

"""A person's own models, registered or by path: the named file runs, is read right, or refused in a line."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.detect.tiny_model import tiny_model
from tests.support.sandbox import Done, Sandbox

NAMES = ("circle", "square", "triangle", "star", "ring", "cross")


def root_of(installed: Sandbox, tags: str, prefix: str) -> Path:
    told = installed.in_environment(tags, f"printf '%s' \"${prefix}_ROOT\"")
    return Path(told.out.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def shapes(installed: Sandbox) -> Path:
    """The built-in data set's folder."""
    return root_of(installed, "dataset,shapes,val", "CK_ENV_DATASET")


@pytest.fixture
def data(shapes: Path) -> list[str]:
    """Four of its images, by their paths."""
    annotations = shapes / "annotations" / "instances_val.json"
    return [f"--images={shapes / 'images'}", f"--annotations={annotations}", "--count=4"]


@pytest.fixture
def mine(shapes_tflite: Path, tmp_path: Path) -> Path:
    """A fast graph under a name of one's own, a regular one under the usual name beside it."""
    folder = tmp_path / "my model"
    folder.mkdir()
    shutil.copy(shapes_tflite / "detect_fast_nms.tflite", folder / "detect_mine.tflite")
    shutil.copy(shapes_tflite / "detect_regular_nms.tflite", folder)
    shutil.copy(shapes_tflite / "labelmap.pbtxt", folder)
    return folder / "detect_mine.tflite"


@pytest.fixture
def registered(installed: Sandbox) -> Iterator[Any]:
    """Registers a file under tags, which go again."""
    made: list[str] = []

    def register(soft: str, file: Path, *more: str) -> str:
        tags = f"brought-{len(made)}"
        made.append(tags)
        named = [f"--full_path={file}", f"--extra_tags=object-detection,{tags}", "--force_version=1.0"]
        done = installed.ck("detect", f"soft:{soft}", *named, "--quiet", *more)
        assert done.code == 0, done.text
        return tags

    yield register
    for tags in made:
        for entry in installed.ck("search", "env", f"--tags={tags}").out.split():
            installed.ck("rm", entry, "--force")


def measured(done: Done) -> dict[str, Any]:
    assert done.code == 0, done.text
    result: dict[str, Any] = json.loads(done.out)["data"]
    return result


def test_the_registered_file_is_the_one_that_ckssd_and_ck_measure(
    installed: Sandbox, mine: Path, data: list[str], registered: Any
) -> None:
    tags = registered("model.tensorflow.py", mine)
    run = measured(installed.ckssd("benchmark", f"--tags={tags}", *data, "--json"))
    by_path = measured(installed.ckssd("benchmark", "--model", str(mine), *data, "--json"))
    assert run["settings"]["model_file"] == by_path["settings"]["model_file"] == "detect_mine.tflite"
    assert run["settings"]["nms"] == "fast"
    assert run["detections_sha256"] == by_path["detections_sha256"]
    done = installed.ck(
        *("benchmark", "program:object-detection-tflite", "--repetitions=1", "--sleep=0", "--quiet"),
        *(f"--dep_add_tags.weights={tags}", "--dep_add_tags.dataset=shapes", "--env.CK_BATCH_COUNT=4"),
    )
    assert "Model: detect_mine.tflite" in done.out, done.text
    refused = installed.ckssd("benchmark", f"--tags={tags}", *data, "--nms=regular")
    assert refused.code == 2
    assert "detect_mine.tflite (expected fast" in refused.err


def test_an_ir_beside_another_is_the_one_that_is_measured(
    installed: Sandbox, data: list[str], tmp_path: Path, registered: Any
) -> None:
    source = root_of(installed, "model,openvino,shapes,non-quantized", "CK_ENV_OPENVINO_MODEL")
    for suffix in (".xml", ".bin"):
        for name in ("openvino_model", "openvino_model_int8"):
            shutil.copy(source / f"openvino_model{suffix}", tmp_path / f"{name}{suffix}")
    shutil.copy(source / "labelmap.pbtxt", tmp_path)
    tags = registered("model.openvino", tmp_path / "openvino_model_int8.xml")
    run = measured(installed.ckssd("benchmark", "--runtime=openvino", f"--tags={tags}", *data, "--json"))
    assert [file["name"] for file in run["settings"]["model_files"]] == [
        "openvino_model_int8.xml",
        "openvino_model_int8.bin",
    ]


@pytest.mark.parametrize(
    ("name", "text", "more"),
    [
        ("flatlabels.txt", "background\n" + "\n".join(NAMES), []),
        ("labels.txt", "\n".join(NAMES), []),
        ("labelmap.txt", "".join(f"{index}  {name}\n" for index, name in enumerate(NAMES)), []),
        (
            "labelmap.pbtxt",
            "".join(f"item {{ id: {index} name: '{name}' }}\n" for index, name in enumerate(NAMES)),
            ["--env.CK_ENV_TENSORFLOW_MODEL_NEED_BACKGROUND_CORRECTION=NO"],
        ),
    ],
)
def test_labels_of_every_kind_name_the_same_objects_to_detect_and_benchmark(
    installed: Sandbox,
    mine: Path,
    shapes: Path,
    data: list[str],
    registered: Any,
    name: str,
    text: str,
    more: list[str],
) -> None:
    image = str(sorted((shapes / "images").glob("*.jpg"))[0])
    expected = measured(installed.ckssd("detect", "--model", str(mine), image, "--json"))["images"]
    right = measured(installed.ckssd("benchmark", "--model", str(mine), *data, "--json"))
    (mine.parent / "labelmap.pbtxt").unlink()
    (mine.parent / name).write_text(text)
    tags = registered("model.tensorflow.py", mine, *more)
    found = measured(installed.ckssd("detect", f"--tags={tags}", image, "--json"))
    assert [one["name"] for one in found["images"][0]["detections"]] == [
        one["name"] for one in expected[0]["detections"]
    ]
    run = measured(installed.ckssd("benchmark", f"--tags={tags}", *data, "--json"))
    assert run["mAP"] == right["mAP"]
    assert run["settings"]["labels"] == found["labels"]
    assert found["labels"].startswith(f"{name}: ")


def test_a_list_that_does_not_fit_is_an_error_for_both(
    installed: Sandbox, mine: Path, shapes: Path, data: list[str]
) -> None:
    short = mine.with_name("short.txt")
    short.write_text("\n".join(NAMES[:4]))
    image = str(next((shapes / "images").glob("*.jpg")))
    own = ["--model", str(mine), "--labels", str(short)]
    for done in (installed.ckssd("detect", *own, image), installed.ckssd("benchmark", *own, *data)):
        assert done.code == 3
        assert "expected 6 names" in done.err.splitlines()[-1]
        assert "got 4 names" in done.err.splitlines()[-1]


def test_logits_are_no_scores_until_somebody_says_how(installed: Sandbox, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    Image.new("RGB", (64, 48), (200, 30, 90)).save(picture)
    found = {}
    for name, logits in (("whole", False), ("logits", True)):
        model = tmp_path / f"{name}.tflite"
        model.write_bytes(tiny_model(logits=logits))
        found[name] = ["detect", "--model", str(model), str(picture), "--json"]
    refused = installed.ckssd(*found["logits"])
    assert refused.code == 3
    assert "CK_SCORE_ACTIVATION=sigmoid or softmax" in refused.err.splitlines()[-1]
    stated = measured(installed.ckssd(*found["logits"], "--score-activation=sigmoid"))["images"][0]
    right = measured(installed.ckssd(*found["whole"]))["images"][0]
    assert [one["class"] for one in stated["detections"]] == [one["class"] for one in right["detections"]]
    assert [one["score"] for one in stated["detections"]] == pytest.approx(
        [one["score"] for one in right["detections"]], abs=1e-6
    )
    twice = installed.ckssd(*found["whole"], "--score-activation=sigmoid")
    assert twice.code == 2
    assert "the graph itself ends in a sigmoid" in twice.err


def test_results_by_path_are_files_that_others_read(
    installed: Sandbox, mine: Path, shapes: Path, data: list[str], tmp_path: Path
) -> None:
    table, results = tmp_path / "found.csv", tmp_path / "found.json"
    run = measured(installed.ckssd("benchmark", "--model", str(mine), *data, f"--output={table}", "--json"))
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == run["detections"] > 0
    assert {row["category"] for row in rows} <= set(NAMES)
    done = installed.ckssd("detect", "--model", str(mine), str(shapes / "images"), f"--output={results}")
    assert done.code == 0
    assert len({row["image_id"] for row in json.loads(results.read_text())}) > 200
    assert f"Written: {results}" in done.out


@pytest.mark.parametrize("kind", ["detect", "benchmark", "compare"])
def test_a_home_without_anything_is_told_the_command_that_installs_it(
    sandbox: Sandbox, mine: Path, shapes: Path, data: list[str], kind: str
) -> None:
    what = [str(shapes / "images")] if kind == "detect" else data
    done = sandbox.ckssd(kind, "--model", str(mine), *what)
    assert done.code == 4
    assert "ckssd install --tags=lib,litert" in done.err
    assert ("ckssd install --tags=tool,coco" in done.err) == (kind != "detect")

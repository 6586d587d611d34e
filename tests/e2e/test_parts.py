"""`ckssd benchmark --shard` and `ckssd merge` as a batch queue calls them, and CK's program likewise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.sandbox import Done, Sandbox

COUNT = 24
RUN = ("benchmark", "--nms=regular", f"--count={COUNT}")


def data_of(done: Done) -> dict[str, Any]:
    assert done.code == 0, done.text
    found: dict[str, Any] = json.loads(done.out)["data"]
    return found


@pytest.fixture(scope="module")
def parts(installed: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two by `ckssd`, one by CK's program."""
    folder = tmp_path_factory.mktemp("the parts")
    found = [folder / f"{number}.part" for number in (1, 2, 3)]
    for number in (3, 1):
        done = installed.ckssd(*RUN, f"--shard={number}/3", "--part", str(found[number - 1]))
        assert done.code == 0, done.text
        assert f"8 images, part {number}/3 of {COUNT}" in done.out
        assert "mAP" not in done.out
    done = installed.ck(
        *("benchmark", "program:object-detection-tflite", "--repetitions=1", "--sleep=0"),
        *("--env.USE_NMS=regular", f"--env.CK_BATCH_COUNT={COUNT}"),
        *("--env.CK_SHARD=2/3", f"--env.CK_PART={found[1]}", "--skip_print_timers"),
    )
    assert done.code == 0, done.text
    return found


def test_merged_parts_give_the_numbers_of_one_run(installed: Sandbox, parts: list[Path]) -> None:
    whole = data_of(installed.ckssd(*RUN, "--json"))
    files = [str(path) for path in reversed(parts)]
    detections = parts[0].parent / "detections.json"
    data = data_of(installed.ckssd("merge", *files, "--detections", str(detections), "--json"))
    for name in ("detections_sha256", "mAP", "recall", "metrics", "per_class", "detections", "images"):
        assert data[name] == whole[name], name
    assert len(json.loads(detections.read_text())) == data["detections"]
    assert data["settings"]["model_sha256"] == whole["settings"]["model_sha256"]
    assert "3 parts were merged: times are sums of theirs" in data["notes"]


def test_a_merged_run_is_reported_as_any_other(installed: Sandbox, parts: list[Path]) -> None:
    files, folder = [str(path) for path in parts], parts[0].parent / "merged run"
    (data_set,) = data_of(installed.ckssd("info", "--tags=dataset,shapes", "--json"))["installed"]
    pictures = data_set["variables"]["CK_ENV_DATASET_IMAGE_DIR"]
    data = data_of(installed.ckssd("merge", *files, "--results", str(folder), "--images", pictures, "--json"))
    page = folder.with_suffix(".html")
    shown = data_of(installed.ckssd("report", str(folder), "-o", str(page), "--json"))
    assert repr(data["mAP"]) in json.dumps(shown)
    assert "are not there" not in page.read_text()
    refused = installed.ckssd("merge", *files, "--images", pictures)
    assert (refused.code, refused.err.count("\n")) == (2, 1)


def test_what_is_no_whole_run_is_refused(installed: Sandbox, parts: list[Path]) -> None:
    first, second, third = (str(path) for path in parts)
    gap = installed.ckssd("merge", first, third)
    assert (gap.code, gap.err.count("\n")) == (3, 1)
    assert "1 of 3 parts are missing (got no 2/3); run them: --shard 2/3 --part FILE" in gap.err
    assert "A part is there twice" in installed.ckssd("merge", first, second, third, first).err
    alone = installed.ckssd(*RUN, "--shard=1/3")
    assert (alone.code, alone.err.count("\n")) == (2, 1)
    assert "A part of a run has no metrics of its own" in alone.err


def test_commands_without_parts_say_so(installed: Sandbox, tmp_path: Path) -> None:
    variables = {"CK_PART": str(tmp_path / "x.part")}
    for command in (("compare", "--rounds=1"), ("sweep",)):
        done = installed.ckssd(*command, **variables)
        assert done.code == 2, done.text
        assert "has no parts: CK_PART=" in done.err
    both = installed.ckssd(*RUN, "--part", variables["CK_PART"], "--detections", str(tmp_path / "d.json"))
    assert "--detections is of a whole run" in both.err
    assert not list(tmp_path.iterdir())

"""Options that decide a package's content, by real commands: beside the entry's own, locked, synchronised."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ckssd.detect.openvino import read_ir
from tests.ck.test_downloads import STEM, TAGS, archive
from tests.ck.test_upkeep import data_of
from tests.support.http_server import LocalServer, Page
from tests.support.sandbox import Done, Sandbox

MODEL = "model,openvino,ssd-mobilenet,shapes,non-quantized"
OPTIONS = {"NMS_SCORE_THRESHOLD": "0.02", "INPUT_SHAPE": "[1,320,320,3]"}
OWN_TAGS = {"NMS_SCORE_THRESHOLD=0.02", "INPUT_SHAPE=1-320-320-3"}
DEFAULT_TAG = "default-options"
CHECKPOINT = (
    *("frozen_inference_graph.pb", "model.ckpt.data-00000-of-00001", "model.ckpt.index", "model.ckpt.meta"),
    "pipeline.config",
)


@dataclass(frozen=True)
class Home:
    """A CK home, and the folders of the OpenVINO model in it: with options, and as its entry has it."""

    sandbox: Sandbox
    own: Path
    default: Path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = Sandbox(tmp_path_factory.mktemp("a home") / "with options")
    for tags in ("lib,openvino", "model,tensorflow,ssd-mobilenet,shapes"):
        made.install(tags)
    for options in (OPTIONS, {}):
        install(made, MODEL, options)
    by_default = {DEFAULT_TAG in item["tags"]: item for item in models(made, MODEL)}
    assert set(by_default[False]["tags"]) >= OWN_TAGS
    yield Home(made, Path(by_default[False]["location"]), Path(by_default[True]["location"]))
    made.remove()


def install(sandbox: Sandbox, tags: str, options: dict[str, str]) -> Done:
    words = [f"--env.{name}={value}" for name, value in options.items()]
    done = sandbox.ck("install", "package", f"--tags={tags}", *words)
    assert done.code == 0, done.text
    return done


def models(sandbox: Sandbox, tags: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = data_of(sandbox, "info", f"--tags={tags}")["installed"]
    return found


def settings(folder: Path) -> tuple[float, int]:
    """The score threshold and the width of an IR."""
    model = read_ir(folder / "openvino_model.xml")
    return model.score_threshold, model.input.width


def test_options_give_what_they_say_beside_the_entrys_own(home: Home) -> None:
    assert (settings(home.own), settings(home.default)) == ((0.02, 320), (0.3, 300))
    recorded = [
        json.loads((folder / "provenance.json").read_text())["entry"]["options"]
        for folder in (home.own, home.default)
    ]
    assert recorded == [OPTIONS, {}]


@pytest.mark.parametrize(
    ("options", "own"),
    [(OPTIONS, True), ({"DATA_TYPE": "FP32", "CKSSD_ANYTHING": "x"}, False)],
    ids=["the same options", "the default by name"],
)
def test_the_same_content_is_found_whole(home: Home, options: dict[str, str], own: bool) -> None:
    done = install(home.sandbox, MODEL, options)
    assert f"Already installed and whole: {home.own if own else home.default} " in done.text
    assert len(models(home.sandbox, MODEL)) == 2


@pytest.mark.parametrize(("tags", "own"), [((), False), (OWN_TAGS, True)], ids=["no tags of it", "its tags"])
def test_ck_takes_the_entrys_own_unless_told_by_tags(home: Home, tags: Iterable[str], own: bool) -> None:
    show = "--shell_cmd=printf '%s' \"$CK_ENV_OPENVINO_MODEL_ROOT\""
    done = home.sandbox.ck("virtual", "env", f"--tags={','.join([MODEL, *tags])}", "--quiet", show)
    assert done.out.strip().splitlines()[-1] == str(home.own if own else home.default)


@pytest.mark.parametrize(("threshold", "there"), [("0.02", True), ("0.1", False)])
def test_a_dry_run_tells_options_apart(home: Home, threshold: str, there: bool) -> None:
    options = {**OPTIONS, "NMS_SCORE_THRESHOLD": threshold}
    words = [f"--env={name}={value}" for name, value in options.items()]
    step = data_of(home.sandbox, "install", f"--tags={MODEL}", *words, "--dry-run")["steps"][-1]
    assert (step["installed"], step["options"]) == (there, options)


def test_two_files_are_two_installations_here_and_in_a_synchronised_home(
    sandbox: Sandbox, server: LocalServer, tmp_path: Path
) -> None:
    wanted = []
    for content in ("one", "two"):
        packed = archive(STEM, dict.fromkeys(CHECKPOINT, content.encode()))
        url = server.serve(f"{content}.tar.gz", Page(packed))
        wanted.append({"PACKAGE_URL": url, "PACKAGE_SHA256": hashlib.sha256(packed).hexdigest()})
        install(sandbox, TAGS, wanted[-1])
    assert "Already installed and whole" in install(sandbox, TAGS, wanted[0]).text
    lock = tmp_path / "lock.json"
    data_of(sandbox, "lock", str(lock))
    other = Sandbox(tmp_path / "another home")
    try:
        for state in ("installed", "there"):
            synced = data_of(other, "sync", str(lock))["packages"]
            assert [item["state"] for item in synced] == [state, state]
            assert all(item["options"] in wanted for item in synced)
        for each in (sandbox, other):
            files = [Path(item["location"]) / "pipeline.config" for item in models(each, TAGS)]
            assert sorted(file.read_text() for file in files) == ["one", "two"]
    finally:
        other.remove()

"""Looking after what is installed by real commands: verify, uninstall, clean, lock, sync, doctor, dry run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ckssd.ck.home import register
from tests.support.sandbox import CHECKOUT, Sandbox

MODEL = "model,tensorflow,ssd-mobilenet,shapes"
IR = "model,openvino,ssd-mobilenet,shapes,non-quantized"


def data_of(sandbox: Sandbox, *words: str, code: int = 0, **variables: str) -> dict[str, Any]:
    """The data of a ``ckssd`` command's JSON envelope."""
    done = sandbox.ckssd(*words, "--json", **variables)
    assert done.code == code, done.text
    found: dict[str, Any] = json.loads(done.out)["data"]
    return found


def location_of(sandbox: Sandbox, tags: str) -> Path:
    (item,) = data_of(sandbox, "info", f"--tags={tags}")["installed"]
    return Path(item["location"])


def test_verify_names_what_changed(sandbox: Sandbox) -> None:
    sandbox.install(MODEL)
    folder = location_of(sandbox, MODEL)
    (whole,) = data_of(sandbox, "verify")["installed"]
    assert (whole["state"], whole["changes"]) == ("whole", [])
    pipeline = folder / "pipeline.config"
    pipeline.chmod(0o644)
    pipeline.write_text(pipeline.read_text() + " ")
    (folder / "stranger").write_text("x")
    (changed,) = data_of(sandbox, "verify", code=5)["installed"]
    assert changed["state"] == "changed"
    assert changed["changes"] == [
        {"path": "pipeline.config", "what": "changed"},
        {"path": "stranger", "what": "added"},
    ]
    done = sandbox.ck("verify", "ssd", f"--tags={MODEL}")
    assert done.code == 5
    assert "changed: pipeline.config" in done.out
    (folder / "provenance.json").unlink()
    (changed,) = data_of(sandbox, "verify", code=5)["installed"]
    assert changed["reason"] == "provenance.json is gone"


def test_uninstall_takes_folder_and_entry_away(sandbox: Sandbox) -> None:
    sandbox.install(MODEL)
    folder = location_of(sandbox, MODEL)
    data = data_of(sandbox, "uninstall", f"--tags={MODEL}")
    assert Path(data["location"]) == folder
    assert not folder.exists()
    assert data_of(sandbox, "info", f"--tags={MODEL}")["installed"] == []
    again = sandbox.ckssd("uninstall", f"--tags={MODEL}")
    assert again.code == 4
    assert "Nothing with these tags is installed" in again.err


@pytest.mark.usefixtures("object_detection_api")
def test_what_others_were_made_with_is_not_uninstalled(installed: Sandbox) -> None:
    done = installed.ckssd("uninstall", "--tags=model,tensorflow,api")
    assert done.code == 2
    assert "model-tflite" in done.err or "TFLite" in done.err, done.err
    assert location_of(installed, "model,tensorflow,api").is_dir()


def test_what_was_made_with_what_is_gone_is_registered_again(sandbox: Sandbox) -> None:
    sandbox.install(IR)
    folder = location_of(sandbox, IR)

    def made_again() -> bool:
        done = sandbox.ckssd("install", f"--tags={IR}")
        assert done.code == 0, done.text
        return f"Already installed and whole: {folder}" not in done.text or location_of(sandbox, IR) != folder

    assert len(data_of(sandbox, "uninstall", f"--tags={MODEL}", "--force")["unregistered"]) == 1
    assert data_of(sandbox, "info", f"--tags={IR}")["installed"] == []
    assert folder.is_dir()
    assert not made_again()
    (checkpoint,) = data_of(sandbox, "info", f"--tags={MODEL}")["installed"]
    assert sandbox.ck("rm", f"env:{checkpoint['uid']}", "--force").code == 0
    assert not made_again()


def test_clean_after_ck_rm_takes_the_folder_away(sandbox: Sandbox) -> None:
    sandbox.install(MODEL)
    folder = location_of(sandbox, MODEL)
    (item,) = data_of(sandbox, "info", f"--tags={MODEL}")["installed"]
    assert sandbox.ck("rm", f"env:{item['uid']}", "--force").code == 0
    assert data_of(sandbox, "clean")["folders"] == [str(folder.resolve())]
    assert not folder.exists()
    assert data_of(sandbox, "clean") == {"stale": [], "entries": [], "folders": []}


def test_clean_takes_entries_without_their_folder_away(sandbox: Sandbox) -> None:
    sandbox.install(MODEL)
    folder = location_of(sandbox, MODEL)
    folder.rename(folder.with_name("elsewhere"))
    done = sandbox.ckssd("doctor", CKSSD_OFFLINE="1")
    assert "without their folder" in done.out
    assert [entry["location"] for entry in data_of(sandbox, "clean")["entries"]] == [str(folder)]
    assert sandbox.ck("clean", "ssd").out.strip() == "Nothing to clean."


def test_clean_leaves_the_folders_of_another_ck_home_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.install(MODEL)
    folder = location_of(sandbox, MODEL)
    other = Sandbox(tmp_path / "other")
    tools = sandbox.environment["CK_TOOLS"]
    try:
        cleaned = data_of(other, "clean", CK_TOOLS=tools)
    finally:
        other.remove()
    assert cleaned["folders"] == []
    assert folder.is_dir()


def test_a_dry_run_lists_downloads_with_sizes_and_changes_nothing(sandbox: Sandbox) -> None:
    data = data_of(sandbox, "install", "--tags=model,tflite,mlperf", "--dry-run")
    steps = {step["package"]: step for step in data["steps"]}
    assert list(steps)[-1] == "model-tflite-mlperf-ssd-mobilenet"
    (checkpoint,) = steps["model-tf-mlperf-ssd-mobilenet"]["downloads"]
    assert checkpoint["size"] == 76_541_073
    assert checkpoint["digest"].startswith("sha256:8788f891")
    assert steps["tensorflowmodel-api"]["variations"] == ["fixes", "v2020.07"]
    wheels = [file["file_name"] for file in steps["lib-tensorflow-2.21.0-cpu"]["downloads"]]
    assert any(name.startswith("tensorflow_cpu-2.21.0") for name in wheels)
    assert data["bytes"] >= 76_541_073
    assert not any(step["installed"] for step in data["steps"])
    assert data_of(sandbox, "info")["installed"] == data_of(sandbox, "info", "--tags=preset")["installed"]


def test_a_dry_run_knows_what_is_installed(installed: Sandbox) -> None:
    data = data_of(installed, "install", "--tags=model,tflite,ssd-mobilenet,shapes", "--dry-run")
    assert [step["installed"] for step in data["steps"]] == [True]
    assert data["bytes"] == 0


@pytest.mark.parametrize(
    ("words", "variations"),
    [
        (["--tags=model,tensorflow,api"], ["fixes", "v2020.07"]),
        (["--tags=model,tensorflow,api,v2019.05,no-fixes"], ["no-fixes", "v2019.05"]),
        (["--tags=model,tensorflow,api", "--env=CK_APPLY_FIXES=no"], ["no-fixes", "v2020.07"]),
    ],
)
def test_a_dry_run_chooses_variations_as_ck_does(
    sandbox: Sandbox, words: list[str], variations: list[str]
) -> None:
    (step,) = data_of(sandbox, "install", *words, "--dry-run")["steps"]
    assert step["variations"] == variations


def test_a_lock_makes_another_home_the_same(sandbox: Sandbox, tmp_path: Path) -> None:
    for tags in ("lib,litert", MODEL):
        sandbox.install(tags)
    lock = tmp_path / "a lock.json"
    names = data_of(sandbox, "lock", str(lock))["packages"]
    assert len(names) == 2
    other = Sandbox(tmp_path / "another home")
    try:
        planned = data_of(other, "sync", str(lock), "--dry-run")
        assert {item["state"] for item in planned["packages"]} == {"planned"}
        assert planned["bytes"] > 1_000_000
        made = data_of(other, "sync", str(lock))
        assert [(item["name"], item["state"]) for item in made["packages"]] == [
            (name, "installed") for name in names
        ]
        again = data_of(other, "sync", str(lock))
        assert {item["state"] for item in again["packages"]} == {"there"}
        assert data_of(other, "verify")
    finally:
        other.remove()


def test_sync_says_exactly_what_differs(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.install(MODEL)
    lock = tmp_path / "lock.json"
    data_of(sandbox, "lock", str(lock))
    content = json.loads(lock.read_text())
    (package,) = content["packages"]
    package["files"]["pipeline.config"] = "0" * 64
    stranger = {
        **package,
        "name": "stranger",
        "entry": {**package["entry"], "uid": "f" * 16, "alias": "stranger"},
    }
    newer = {**package, "name": "newer", "entry": {**package["entry"], "version": "99.0"}}
    lock.write_text(json.dumps({**content, "packages": [package, stranger, newer]}))
    items = {item["name"]: item for item in data_of(sandbox, "sync", str(lock), code=5)["packages"]}
    (different,) = items[package["name"]]["differences"]
    assert different["what"] == "file pipeline.config"
    assert different["locked"] == "0" * 64
    assert items["stranger"]["state"] == "unknown"
    (version,) = items["newer"]["differences"]
    assert (version["locked"], version["here"]) == ("99.0", "1.0")


@pytest.mark.usefixtures("object_detection_api")
def test_a_lock_has_everything_with_its_dependencies(installed: Sandbox, tmp_path: Path) -> None:
    lock = tmp_path / "lock.json"
    data_of(installed, "lock", "--tags=model,tflite,shapes", str(lock))
    packages = {package["entry"]["alias"]: package for package in json.loads(lock.read_text())["packages"]}
    model = packages["model-tflite-ssd-mobilenet-v1-shapes"]
    assert set(model["dependencies"]) == {"lib-tensorflow", "model-source", "models-api"}
    assert set(model["dependencies"].values()) < {package["name"] for package in packages.values()}
    states = {item["state"] for item in data_of(installed, "sync", str(lock))["packages"]}
    assert states == {"there"}


def test_doctor_checks_what_an_install_needs(sandbox: Sandbox) -> None:
    register(CHECKOUT, sandbox.home)
    findings = data_of(sandbox, "doctor", CKSSD_OFFLINE="1")["findings"]
    states = {finding["check"]: finding["state"] for finding in findings}
    for check in ("machine", "uv", "Python", "download cache", "installed packages", "ck", "repository"):
        assert states[check] == "ok", findings
    assert states["val2017.zip"] == "warn"
    without_hash = [
        one for one in findings if one["check"] == "ssd_mobilenet_v1_fpn_640x640_coco17_tpu-8.tar.gz"
    ]
    assert "CKSSD_ACCEPT_UNVERIFIED=" in without_hash[0]["advice"]
    done = sandbox.ck("doctor", "ssd", CKSSD_OFFLINE="1")
    assert done.code == 0
    assert "0 failures" in done.out


def test_doctor_names_a_path_that_breaks_ck(sandbox: Sandbox, tmp_path: Path) -> None:
    done = sandbox.ckssd("doctor", CK_TOOLS=str(tmp_path / "it's a place"), CKSSD_OFFLINE="1")
    assert done.code == 7
    assert "fail: CK_TOOLS" in done.out


def test_doctor_says_which_downloads_cannot_be_reached(sandbox: Sandbox, tmp_path: Path) -> None:
    mirror = tmp_path / "a mirror"
    mirror.mkdir()
    (mirror / "val2017.zip").write_bytes(b"")
    done = sandbox.ckssd(
        "doctor", CKSSD_MIRROR=str(mirror), HTTP_PROXY="http://127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:9"
    )
    assert "ok:   val2017.zip: in the mirror" in done.out
    assert "warn: ssd_mobilenet_v1_coco_2018_01_28.tar.gz" in done.out
    assert "CKSSD_MIRROR as ssd_mobilenet_v1_coco_2018_01_28.tar.gz (sha256 8788f891" in done.out

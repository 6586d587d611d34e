"""Real ``ck`` commands in a CK home of their own, with everything that the demo needs installed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.support.sandbox import Sandbox

ENVIRONMENT = "CK_ENV_COMPILER_PYTHON_FILE"


@pytest.mark.usefixtures("object_detection_api")
def test_a_python_library_is_an_environment_whose_own_interpreter_is_exported(installed: Sandbox) -> None:
    command = f'"${{{ENVIRONMENT}}}" -c "import tensorflow, sys; print(tensorflow.__version__, sys.prefix)"'
    done = installed.in_environment("lib,tensorflow,v2", command)
    assert done.code == 0, done.text
    version, prefix = done.out.strip().splitlines()[-1].split(maxsplit=1)
    assert version == "2.21.0"
    assert Path(prefix).resolve().parent == (installed.folder / "tools").resolve()


def test_the_exit_code_of_a_command_in_an_environment_comes_through(installed: Sandbox) -> None:
    assert installed.in_environment("lib,litert", "exit 7").code == 7


def test_several_environments_can_be_entered_at_once(installed: Sandbox) -> None:
    done = installed.ck(
        "virtual",
        "env",
        "--tag_groups=lib,tensorflow,v2 model,tensorflow,api",
        '--shell_cmd="$CK_ENV_COMPILER_PYTHON_FILE" -c "import object_detection as o; print(o.__file__)"',
    )
    assert done.code == 0, done.text
    assert "tensorflowmodel-api" in done.out


def test_environments_can_be_nested_as_the_seed_does(installed: Sandbox) -> None:
    innermost = 'echo "$CK_ENV_LIB_TF_BIN|$CK_ENV_TENSORFLOW_MODELS_SLIM|$CK_ENV_TENSORFLOW_MODEL_ROOT"'
    model = f"ck virtual env --tags=model,tensorflow,tf,shapes --shell_cmd={shlex.quote(innermost)}"
    api = f"ck virtual env --tags=model,tensorflow,api --shell_cmd={shlex.quote(model)}"
    done = installed.in_environment("lib,tensorflow,v2", api)
    assert done.code == 0, done.text
    tensorflow, slim, root = done.out.strip().splitlines()[-1].split("|")
    assert "lib-tensorflow" in tensorflow
    assert (Path(slim) / "nets").is_dir()
    assert Path(root, "pipeline.config").is_file()


def test_installing_again_changes_nothing_and_says_so(installed: Sandbox) -> None:
    tags = "lib,litert"
    before = json.loads(installed.ckssd("info", f"--tags={tags}", "--json").out)["data"]["installed"]
    done = installed.install(tags)
    assert "Already installed and whole" in done.text
    after = json.loads(installed.ckssd("info", f"--tags={tags}", "--json").out)["data"]["installed"]
    assert [item["uid"] for item in after] == [item["uid"] for item in before]
    assert len(after) == 1


def test_provenance_names_the_entry_and_the_locked_packages(installed: Sandbox) -> None:
    (item,) = json.loads(installed.ckssd("info", "--tags=lib,litert", "--json").out)["data"]["installed"]
    provenance = json.loads((Path(item["location"]) / "provenance.json").read_text())
    assert provenance["entry"]["alias"] == "lib-litert-2.3.0"
    assert any(pin.startswith("ai-edge-litert==") for pin in provenance["environment"])


def test_presets_export_their_variables(installed: Sandbox) -> None:
    assert installed.in_environment("preset,offline", "echo offline=$CKSSD_OFFLINE").out.endswith(
        "offline=1\n"
    )
    done = installed.in_environment("preset,reference-accuracy", "echo $USE_NMS $CK_BATCH_COUNT")
    assert done.out.endswith("regular 5000\n")


@pytest.mark.usefixtures("object_detection_api")
def test_info_lists_versions_sizes_and_variables(installed: Sandbox) -> None:
    done = installed.ck("info", "ssd")
    assert done.code == 0, done.text
    assert "TensorFlow library 2.21.0" in done.out
    assert "CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR=" in done.out
    assert " MB)" in done.out


def test_detecting_python_finds_the_interpreter_of_these_tests(sandbox: Sandbox) -> None:
    import sys

    version = ".".join(map(str, sys.version_info[:3]))
    done = sandbox.ck("detect", "soft:compiler.python", "--quiet")
    assert done.code == 0, done.text
    assert f"(Version {version})" in done.out
    assert "no such" not in done.text


def test_offline_installs_from_nothing_end_with_one_line(sandbox: Sandbox) -> None:
    empty = str(sandbox.folder / "empty cache")
    done = sandbox.ck("install", "package", "--tags=lib,litert", CKSSD_OFFLINE="1", UV_CACHE_DIR=empty)
    assert done.code != 0
    assert "CK error: [package]" in done.text
    assert "Traceback" not in done.text
    assert json.loads(sandbox.ckssd("info", "--tags=lib", "--json").out)["data"]["installed"] == []
    assert not list((sandbox.folder / "tools").glob("lib-litert*"))


def test_unknown_tags_are_one_clear_line(sandbox: Sandbox) -> None:
    done = sandbox.ckssd("install", "--tags=lib,tensorfow")
    assert done.code == 4
    assert "No package has all of these tags: lib,tensorfow" in done.err
    assert "lib-litert-2.3.0" in done.err


def test_several_matches_are_listed_and_never_asked_about(sandbox: Sandbox) -> None:
    done = sandbox.ckssd("install", "--tags=shapes", "--json")
    assert done.code == 4
    (error,) = json.loads(done.out)["errors"]
    assert error["code"] == "not-installed"
    assert "dataset-shapes-val" in error["got"]
    assert "model-tflite-ssd-mobilenet-v1-shapes (model,tflite," in error["got"]

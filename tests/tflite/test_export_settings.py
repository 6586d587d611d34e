"""Settings of Step 1: defaults, limits, the exporter's flags, and the variables that give them."""

import shlex
import sys
from pathlib import Path

import pytest

from ckssd.errors import InputError, NotInstalledError, RunError, UsageError
from ckssd.tflite.export import Checkpoint, export_tflite_graph, exporter_arguments
from ckssd.tflite.process import run_tool, tool_environment
from ckssd.tflite.program import (
    checkpoint_from_environment,
    export_from_environment,
    python_from_environment,
    settings_from_environment,
)
from ckssd.tflite.settings import ExportSettings


def test_defaults_are_those_of_the_published_model():
    settings = settings_from_environment({})
    assert settings == ExportSettings("regular", 100, 1, None, 0.3, 0.6)


def test_flags_name_every_limit():
    """The exporter's own default is 10 detections; leaving the flag out is the trap."""
    arguments = exporter_arguments(
        Checkpoint(Path("p q/pipeline.config"), Path("p q/model.ckpt")),
        Path("out"),
        ExportSettings("fast", 50, 1, 20, 0.25, 0.5),
    )
    assert "--max_detections=50" in arguments
    assert "--detections_per_class=20" in arguments
    assert "--max_classes_per_detection=1" in arguments
    assert "--use_regular_nms=false" in arguments
    assert "--trained_checkpoint_prefix=p q/model.ckpt" in arguments
    override = next(argument for argument in arguments if argument.startswith("--config_override="))
    assert "score_threshold: 0.25 iou_threshold: 0.5" in override
    assert "max_detections_per_class: 20 max_total_detections: 50" in override


def test_variables_beat_the_model_and_the_model_beats_defaults():
    settings = settings_from_environment(
        {
            "MAX_DETECTIONS": "7",
            "CK_ENV_TENSORFLOW_MODEL_MAX_DETECTIONS": "8",
            "CK_ENV_TENSORFLOW_MODEL_NMS_SCORE_THRESHOLD": "0.00001",
            "NMS_IOU_THRESHOLD": "",
            "CK_ENV_TENSORFLOW_MODEL_NMS_IOU_THRESHOLD": "0.45",
            "USE_NMS": "Fast",
        }
    )
    assert settings == ExportSettings("fast", 7, 1, None, 0.00001, 0.45)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("USE_NMS", "slow"),
        ("MAX_DETECTIONS", "0"),
        ("MAX_DETECTIONS", "-1"),
        ("MAX_DETECTIONS", "1_0"),
        ("MAX_DETECTIONS", "ten"),
        ("DETECTIONS_PER_CLASS", "1.5"),
        ("NMS_SCORE_THRESHOLD", "-0.1"),
        ("NMS_SCORE_THRESHOLD", "nan"),
        ("NMS_IOU_THRESHOLD", "1.01"),
        ("NMS_IOU_THRESHOLD", "half"),
        ("CK_ENV_TENSORFLOW_MODEL_MAX_DETECTIONS", "none"),
        ("CK_ENV_TENSORFLOW_MODEL_NMS_IOU_THRESHOLD", "7"),
    ],
)
def test_bad_values_name_the_variable(variable, text):
    with pytest.raises(UsageError) as caught:
        settings_from_environment({variable: text})
    assert caught.value.where == variable
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fast_nms_with_two_classes_per_detection_is_refused():
    with pytest.raises(UsageError) as caught:
        settings_from_environment({"USE_NMS": "fast", "MAX_CLASSES_PER_DETECTION": "2"})
    assert caught.value.where == "MAX_CLASSES_PER_DETECTION"


def test_interpreter_of_tensorflow_comes_before_the_compiler_variable():
    env = {"CK_ENV_COMPILER_PYTHON_FILE": "/nowhere/python", "CK_ENV_LIB_TF_PYTHON_FILE": sys.executable}
    assert python_from_environment(env) == Path(sys.executable)
    assert python_from_environment({"CK_ENV_COMPILER_PYTHON_FILE": sys.executable}) == Path(sys.executable)


def test_missing_packages_say_how_to_install_them():
    with pytest.raises(NotInstalledError, match=r"CK_ENV_LIB_TF_PYTHON_FILE is not set.*tags=lib,tensorflow"):
        python_from_environment({})
    with pytest.raises(NotInstalledError, match=r"OBJ_DET_DIR is not set.*tags=model,tensorflow,api"):
        export_from_environment({"CK_ENV_LIB_TF_PYTHON_FILE": sys.executable}, Path())
    with pytest.raises(NotInstalledError, match="CK_ENV_TENSORFLOW_MODEL_ROOT is not set"):
        checkpoint_from_environment({})


def test_checkpoint_is_found_by_directory_or_by_weights():
    model = "CK_ENV_TENSORFLOW_MODEL_"
    usual = Checkpoint(Path("/m/pipeline.config"), Path("/m/model.ckpt"))
    assert checkpoint_from_environment({model + "ROOT": "/m"}) == usual
    assert checkpoint_from_environment({model + "WEIGHTS_FILE": "/m/model.ckpt"}) == usual
    other = checkpoint_from_environment({model + "ROOT": "/m", model + "PIPELINE_CONFIG": "/c/p.config"})
    assert other.pipeline_config == Path("/c/p.config")


@pytest.mark.parametrize("missing", ["pipeline.config", "model.ckpt.index", "model.ckpt.data-00000-of-00001"])
def test_incomplete_checkpoint_is_named_before_tensorflow_starts(tmp_path, missing):
    for name in ("pipeline.config", "model.ckpt.index", "model.ckpt.data-00000-of-00001"):
        if name != missing:
            (tmp_path / name).touch()
    with pytest.raises(InputError) as caught:
        export_tflite_graph(Path("/none"), Path("/none"), Checkpoint.in_directory(tmp_path), tmp_path / "out")
    assert caught.value.where == str(tmp_path / missing)
    assert not (tmp_path / "out").exists()


LOGGING = "print('I0000 00:00:17 7 port.cc:153] oneDNN is on', flush=True)"


def failed(code, about=None):
    steps = []
    with pytest.raises(RunError) as caught:
        run_tool(
            [sys.executable, "-c", f"{LOGGING}; print('ckssd-step: one', flush=True); {code}"],
            tool_environment(Path(sys.executable)),
            name="A tool",
            about=about,
            on_step=steps.append,
        )
    assert steps == ["one"]
    return caught.value


def test_a_failing_tools_reason_comes_first_and_its_log_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("CKSSD_CACHE", str(tmp_path / "cache"))
    error = failed("raise ValueError('seven, from https://me:word@host/x')", Path("graph.pb"))
    log = tmp_path / "cache/logs/tensorflow.log"
    assert str(error) == (
        f"A tool failed: graph.pb (got ValueError: seven, from https://host/x); its log: {log}"
    )
    lines = log.read_text().splitlines()
    assert lines[0].endswith("oneDNN is on")
    assert "Traceback (most recent call last):" in lines
    assert "word" not in log.read_text()
    assert "got two," not in str(failed("raise SystemExit('two')"))
    assert log.read_text().splitlines()[-1] == "two"
    assert [path.name for path in log.parent.iterdir()] == ["tensorflow.log"]


def test_a_tool_that_dies_without_a_word_ends_by_its_code_or_signal(monkeypatch, tmp_path):
    nowhere = tmp_path / "a file"
    nowhere.touch()
    monkeypatch.setenv("CKSSD_CACHE", str(nowhere))
    assert str(failed("raise SystemExit(3)")) == "A tool failed (got exit code 3)"
    killed = failed("import os; os.kill(os.getpid(), 9)")
    assert str(killed) == "A tool failed (got signal 9, Killed)"


def test_tool_gets_arguments_as_they_are(tmp_path):
    out = tmp_path / "a b'$(x)\n.txt"
    code = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
    text = "model {\n ' \" $HOME `x` ; }"
    run_tool([sys.executable, "-c", code, out, text], tool_environment(Path(sys.executable)), name="a tool")
    assert out.read_text() == text
    assert shlex.quote(text) != text


def test_tool_sees_nothing_of_the_callers_python(tmp_path):
    base = {"PYTHONPATH": "/theirs", "PYTHONHOME": "/theirs", "PATH": "/usr/bin", "HOME": str(tmp_path)}
    env = tool_environment(Path("/env/bin/python"), [Path("/api"), Path("/api/slim")], base)
    assert env["PYTHONPATH"] == "/api:/api/slim"
    assert "PYTHONHOME" not in env
    assert env["PATH"] == "/env/bin:/usr/bin"


def test_missing_interpreter_is_named():
    with pytest.raises(NotInstalledError, match="cannot start the interpreter: /nowhere/python"):
        run_tool(["/nowhere/python", "x.py"], {}, name="a tool")


@pytest.mark.parametrize(("total", "expected"), [(10, 10), (100, 100), (300, 100)])
def test_detections_of_a_class_are_no_more_than_in_all(total, expected):
    settings = settings_from_environment({"MAX_DETECTIONS": str(total)})
    assert settings.per_class == expected
    assert f"max_detections_per_class: {expected} max_total_detections: {total}" in settings.config_override()


def test_more_detections_of_a_class_than_in_all_are_refused_before_tensorflow_starts():
    with pytest.raises(UsageError, match=r"DETECTIONS_PER_CLASS \(expected at most 10.*got 200"):
        settings_from_environment({"MAX_DETECTIONS": "10", "DETECTIONS_PER_CLASS": "200"})

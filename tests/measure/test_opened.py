"""What can be wrong with a run is found before its first image, also without running any."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ckssd.detect import resize
from ckssd.errors import EnvironmentSetupError, UsageError
from ckssd.json_file import plain
from ckssd.measure.__main__ import main
from ckssd.measure.opened import check_run
from ckssd.measure.settings import from_environment
from tests.measure.conftest import Bench


def test_a_check_reads_no_image_and_writes_no_result(bench: Bench, tmp_path: Path) -> None:
    for image in bench.images.iterdir():
        image.write_bytes(b"no image")
    settings, output = tmp_path / "settings.json", tmp_path / "output.json"
    settings.write_text(json.dumps(plain(from_environment(bench.environment))))
    assert main(["--settings", str(settings), "--output", str(output), "--check"]) == 0
    assert json.loads(output.read_text()) == {}


def test_a_check_finds_a_library_that_is_missing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.setattr(resize, "_opencv", resize._opencv.__wrapped__)  # what it found before is kept
    check_run(from_environment(bench.environment))
    with pytest.raises(EnvironmentSetupError, match="OpenCV"):
        check_run(from_environment({**bench.environment, "CK_RESIZE": "tf1"}))


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CK_ENV_TENSORFLOW_MODEL_IMAGE_WIDTH", "9", "image size"),
        ("CK_SKIP_IMAGES", "8", "CK_SKIP_IMAGES leaves no image"),
    ],
)
def test_a_check_finds_settings_that_do_not_fit(bench: Bench, variable: str, value: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_run(from_environment({**bench.environment, variable: value}))


def test_a_check_loads_the_model(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ckssd.detect.litert.Interpreter", _refuse)
    with pytest.raises(Exception, match="LiteRT refuses the model"):
        check_run(from_environment(bench.environment))


def _refuse(**_: object) -> None:
    raise RuntimeError("an operator is missing")

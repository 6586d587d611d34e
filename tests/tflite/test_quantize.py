"""Which images calibrate a quantisation, and what is refused before TensorFlow starts."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ckssd.errors import InputError, UsageError
from ckssd.tflite.quantize import calibration_from_environment, calibration_images

STEPS = Path(__file__).resolve().parents[2] / "src/ckssd/tflite/inside/tflite_steps.py"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "meine Fotos"
    folder.mkdir()
    for index in range(10):
        (folder / f"{index}.{'jpg' if index % 2 else 'PNG'}").touch()
    (folder / "notes.txt").touch()
    return folder


def names(images: tuple[Path, ...]) -> list[str]:
    return [image.stem for image in images]


def test_images_are_spread_evenly_over_the_names(photos: Path) -> None:
    assert names(calibration_images(photos, 4)) == ["0", "2", "5", "7"]
    assert names(calibration_images(photos, 10)) == [str(index) for index in range(10)]
    assert len(calibration_images(photos, 100)) == 10


def test_without_the_variable_nothing_is_quantised(photos: Path) -> None:
    assert calibration_from_environment({"CK_CALIBRATION_IMAGES": str(photos)}, photos) == ()


def test_the_variables_choose_folder_and_number(photos: Path) -> None:
    env = {"CK_QUANTIZE": "INT8", "CK_ENV_DATASET_IMAGE_DIR": "/no/such", "CK_CALIBRATION_COUNT": "3"}
    found = calibration_from_environment({**env, "CK_CALIBRATION_IMAGES": photos.name}, photos.parent)
    assert names(found) == ["0", "3", "6"]
    dataset = {**env, "CK_ENV_DATASET_IMAGE_DIR": str(photos)}
    assert calibration_from_environment(dataset, Path("/")) == found


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"CK_QUANTIZE": "int4"}, "unknown precision: CK_QUANTIZE .*expected int8, got int4"),
        ({"CK_QUANTIZE": "int8"}, "CK_CALIBRATION_IMAGES is not set"),
        ({"CK_QUANTIZE": "int8", "CK_CALIBRATION_IMAGES": ".", "CK_CALIBRATION_COUNT": "0"}, "at least 1"),
        ({"CK_QUANTIZE": "int8", "CK_CALIBRATION_IMAGES": ".", "CK_CALIBRATION_COUNT": "ten"}, "got ten"),
    ],
)
def test_bad_variables_are_named(env: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        calibration_from_environment(env, tmp_path)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no calibration images"):
        calibration_images(tmp_path, 5)
    with pytest.raises(InputError, match="cannot be read"):
        calibration_images(tmp_path / "gone", 5)


def test_tensorflow_1_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(__version__="1.13.1"))
    convert = runpy.run_path(str(STEPS))["convert"]
    with pytest.raises(SystemExit, match=r"quantising needs TensorFlow 2, this is 1\.13\.1"):
        convert({"calibration": ["a.jpg"], "graph": "not read"}, {})

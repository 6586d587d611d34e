"""Which images calibrate a quantisation, what is recorded of them, and what is refused before it starts."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from ckssd.coco.shapes import write_shapes_dataset
from ckssd.errors import InputError, UsageError
from ckssd.install import Identity, Provenance
from ckssd.install.provenance import write_provenance
from ckssd.recipes.calibration import DRAWN_SEED, Calibration, calibration_from_environment, images_of

QUANTIZE = {"CK_QUANTIZE": "int8"}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "meine Fotos"
    folder.mkdir()
    for index in range(10):
        Image.new("RGB", (4, 3), (index, 0, 0)).save(folder / f"{index}.{'jpg' if index % 2 else 'PNG'}")
    (folder / "notes.txt").touch()
    return folder


def names(images: tuple[Path, ...]) -> list[str]:
    return [image.stem for image in images]


def calibration(directory: Path, **env: str) -> Calibration:
    with calibration_from_environment({**QUANTIZE, **env}, directory) as found:
        assert found is not None
        assert found.record  # while drawn images are there
        return found


def test_images_are_spread_evenly_over_the_names(photos: Path) -> None:
    assert names(images_of(photos, 4)) == ["0", "2", "5", "7"]
    assert names(images_of(photos, 10)) == [str(index) for index in range(10)]
    assert len(images_of(photos, 100)) == 10


def test_without_the_variable_nothing_is_quantised(photos: Path) -> None:
    with calibration_from_environment({"CK_CALIBRATION_IMAGES": str(photos)}, photos) as found:
        assert found is None


def test_the_variables_choose_folder_and_number(photos: Path) -> None:
    env = {"CK_ENV_DATASET_IMAGE_DIR": "/no/such", "CK_ENV_DATASET_TYPE": "shapes"}
    found = calibration(
        photos.parent, CK_CALIBRATION_IMAGES=photos.name, CK_CALIBRATION_COUNT="3", CK_QUANTIZE="INT8", **env
    )
    assert names(found.images) == ["0", "3", "6"]
    assert found.notes == ()


def test_images_of_the_evaluated_data_set_are_noted(photos: Path) -> None:
    of_the_dataset = {"CK_ENV_DATASET_IMAGE_DIR": str(photos), "CK_ENV_DATASET_TYPE": "coco"}
    for given in ("", f"{photos}/../{photos.name}"):
        found = calibration(Path("/"), CK_CALIBRATION_IMAGES=given, **of_the_dataset)
        assert len(found.images) == 10
        assert "MLPerf forbids" in found.lines[-1]
        assert found.lines[-1].startswith("Note: ")
        assert found.record["notes"] == list(found.notes)


def test_images_of_any_installed_data_set_are_noted(photos: Path) -> None:
    for alias, noted in (("dataset-coco-2017-val", True), ("model-of-somebody", False)):
        write_provenance(photos.parent, Provenance(Identity(alias, "0123456789abcdef")))
        assert bool(calibration(photos, CK_CALIBRATION_IMAGES=".").notes) is noted
    (photos.parent / "provenance.json").write_text("{}")
    assert calibration(photos, CK_CALIBRATION_IMAGES=".").notes == ()


def test_for_the_built_in_data_set_images_are_drawn_that_it_does_not_have(tmp_path: Path) -> None:
    env = {"CK_ENV_DATASET_IMAGE_DIR": "/no/such", "CK_ENV_DATASET_TYPE": "shapes"}
    found = calibration(tmp_path, CK_CALIBRATION_COUNT="2", **env)
    write_shapes_dataset(tmp_path / "again", images=2, seed=DRAWN_SEED, quiet=True)
    digests = [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in images_of(tmp_path / "again/images", 2)
    ]
    assert list(found.record["images"].values()) == digests
    assert f"seed {DRAWN_SEED}" in found.origin
    assert found.notes == ()
    assert not found.images[0].exists(), "they are only drawn for it"


def test_the_record_can_be_checked_by_sha256sum(photos: Path, tmp_path: Path) -> None:
    found = calibration(tmp_path, CK_CALIBRATION_IMAGES=str(photos))
    written = json.loads(found.write_record(tmp_path / "calibration.json").read_text())
    listed = subprocess.run(["sha256sum", *written["images"]], cwd=photos, capture_output=True, check=True)
    assert hashlib.sha256(listed.stdout).hexdigest() == written["sha256"]
    assert written["sha256"] in found.lines[0]


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"CK_QUANTIZE": "int4"}, "unknown precision: CK_QUANTIZE .*expected int8, got int4"),
        ({}, "CK_CALIBRATION_IMAGES is not set"),
        ({"CK_CALIBRATION_IMAGES": ".", "CK_CALIBRATION_COUNT": "0"}, "at least 1"),
        ({"CK_CALIBRATION_IMAGES": ".", "CK_CALIBRATION_COUNT": "ten"}, "got ten"),
    ],
)
def test_bad_variables_are_named(env: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        calibration(tmp_path, **env)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no calibration images"):
        calibration(tmp_path, CK_CALIBRATION_IMAGES=".")
    with pytest.raises(InputError, match="cannot be read"):
        calibration(tmp_path, CK_CALIBRATION_IMAGES="gone")


def test_an_image_that_cannot_be_decoded_is_named(photos: Path) -> None:
    whole = (photos / "4.PNG").read_bytes()
    (photos / "4.PNG").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"A calibration image cannot be used: .*/4\.PNG \(got "):
        calibration(photos, CK_CALIBRATION_IMAGES=".")

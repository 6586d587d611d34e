"""Which images calibrate a quantisation, what is recorded of them, and what is refused before it starts."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ckssd.coco.shapes import write_shapes_dataset
from ckssd.detect.images import read_image
from ckssd.errors import InputError, UsageError
from ckssd.install import Identity, Provenance
from ckssd.install.provenance import write_provenance
from ckssd.recipes.calibration import DRAWN_SEED, calibration_from_environment
from ckssd.recipes.calibration_record import Calibration
from ckssd.recipes.calibration_sources import spread
from tests.detect.tiny_video import write_video

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
    with calibration_from_environment({**QUANTIZE, **env}, directory, this_python) as found:
        assert found is not None
        assert found.record  # while drawn images are there
        assert all(read_image(image).size for image in found.images)
        return found


def this_python() -> Path:
    return Path(sys.executable)


def test_images_are_spread_evenly() -> None:
    assert spread(range(10), 4) == [0, 2, 5, 7]
    assert spread(range(10), 10) == spread(range(10), 100) == list(range(10))


def test_without_the_variable_nothing_is_quantised(photos: Path) -> None:
    with calibration_from_environment({"CK_CALIBRATION_IMAGES": str(photos)}, photos, this_python) as found:
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
    drawn = sorted((tmp_path / "again" / "images").iterdir())
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in drawn]
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
    for given, said in ((".", "has no pictures"), ("gone", "is missing"), ("*.jpg", "fits no pictures")):
        with pytest.raises(InputError, match=said):
            calibration(tmp_path, CK_CALIBRATION_IMAGES=given)


def test_a_pattern_and_a_file_are_doors_as_well(photos: Path, tmp_path: Path) -> None:
    odd = photos.rename(tmp_path / "[1] Fotos")
    found = calibration(odd, CK_CALIBRATION_IMAGES="*.jpg")
    assert names(found.images) == ["1", "3", "5", "7", "9"]
    assert names(calibration(Path("/"), CK_CALIBRATION_IMAGES=f"{tmp_path}/*/[34].*").images) == ["3", "4"]
    assert names(calibration(odd, CK_CALIBRATION_IMAGES="2.PNG").images) == ["2"]
    (odd / "mehr").mkdir()
    Image.new("RGB", (4, 3)).save(odd / "mehr" / "1.jpg")
    nested = calibration(odd, CK_CALIBRATION_IMAGES="**/1.jpg")
    assert list(nested.record["images"]) == ["1.jpg", "mehr/1.jpg"], "files of one name are told apart"


def test_pictures_that_others_decode_otherwise_are_fed_as_we_decode_them(tmp_path: Path) -> None:
    deep = np.full((3, 4), 40_000, np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    Image.new("CMYK", (4, 3), (10, 20, 30, 40)).save(tmp_path / "print.jpg")
    Image.new("RGB", (4, 3), (1, 2, 3)).save(tmp_path / "plain.png")
    Image.new("RGB", (4, 3), (1, 2, 3)).save(tmp_path / "other.webp", lossless=True)
    originals = {path.name: read_image(path) for path in tmp_path.iterdir()}
    with calibration_from_environment(
        {**QUANTIZE, "CK_CALIBRATION_IMAGES": str(tmp_path)}, tmp_path, this_python
    ) as found:
        assert found is not None
        for fed, source in zip(found.images, found.sources, strict=True):
            with Image.open(fed) as image:
                assert np.array_equal(np.asarray(image.convert("RGB")), originals[source.name])
            assert (fed == source) is (source.name == "plain.png")
        assert set(found.record["images"]) == set(originals)


def test_a_video_gives_frames_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    video = write_video(tmp_path / "Clip 1.mp4", frames=40)
    with calibration_from_environment(
        {**QUANTIZE, "CK_CALIBRATION_IMAGES": video.name, "CK_CALIBRATION_COUNT": "5"}, tmp_path, this_python
    ) as found:
        assert found is not None
        assert names(found.images) == [f"Clip 1-{number:06}" for number in (0, 8, 16, 24, 32)]
        lightness = [int(read_image(image)[0, -1, 0]) for image in found.images]
        assert lightness == sorted(set(lightness))
        assert hashlib.sha256(video.read_bytes()).hexdigest() in found.lines[0]
    assert not found.images[0].exists()


def test_several_videos_share_the_number_and_a_short_one_is_noted(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", frames=20)
    write_video(tmp_path / "b.mp4", frames=2)
    found = calibration(tmp_path, CK_CALIBRATION_IMAGES="*.mp4", CK_CALIBRATION_COUNT="9")
    assert [name.split("-")[0] for name in names(found.images)] == ["a"] * 4 + ["b"] * 2
    assert any("it has 2 frames, where 5 were wanted" in note for note in found.notes)


def test_videos_that_cannot_be_used_are_one_line(photos: Path) -> None:
    whole = write_video(photos / "cut.avi", frames=20)
    with pytest.raises(UsageError, match="Pictures and videos calibrate separately"):
        calibration(photos, CK_CALIBRATION_IMAGES="*")
    whole.write_bytes(b"no video")
    with pytest.raises(InputError, match="no video that can be read"):
        calibration(photos, CK_CALIBRATION_IMAGES="cut.avi")


@pytest.fixture
def data_set(photos: Path, tmp_path: Path) -> Path:
    """Annotations of five of the photographs, the ids falling."""
    images = [
        {"id": 10 - index, "file_name": f"{index}.{'jpg' if index % 2 else 'PNG'}", "width": 4, "height": 3}
        for index in range(5)
    ]
    path = tmp_path / "instances.json"
    path.write_text(json.dumps({"images": images, "categories": [], "annotations": []}))
    return path


def test_a_data_set_s_images_are_those_that_its_annotations_name(photos: Path, data_set: Path) -> None:
    by_path = {"CK_CALIBRATION_IMAGES": photos.name, "CK_CALIBRATION_ANNOTATIONS": data_set.name}
    found = calibration(data_set.parent, **by_path)
    assert names(found.images) == ["4", "3", "2", "1", "0"], "in order of id"
    assert found.notes == ()
    chosen = {"CK_ENV_DATASET_IMAGE_DIR": str(photos), "CK_ENV_DATASET_ANNOTATIONS": str(data_set)}
    by_tags = calibration(data_set.parent, CK_CALIBRATION_COUNT="2", **chosen)
    assert names(by_tags.images) == ["4", "2"]
    assert "MLPerf forbids" in by_tags.notes[-1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"file_name": "gone.jpg"}, "The image is missing"),
        ({"width": 5}, "The annotations do not fit the images: .*expected 5x3 pixels, got 4x3"),
        ({"id": "x"}, "break COCO's format"),
    ],
)
def test_a_data_set_has_the_checks_of_a_benchmark(
    photos: Path, data_set: Path, change: dict[str, object], said: str
) -> None:
    content = json.loads(data_set.read_text())
    content["images"][0].update(change)
    data_set.write_text(json.dumps(content))
    with pytest.raises(InputError, match=said):
        calibration(photos, CK_CALIBRATION_IMAGES=".", CK_CALIBRATION_ANNOTATIONS=str(data_set))


def test_annotations_alone_are_refused(data_set: Path) -> None:
    with pytest.raises(UsageError, match="CK_CALIBRATION_ANNOTATIONS goes with CK_CALIBRATION_IMAGES"):
        calibration(data_set.parent, CK_CALIBRATION_ANNOTATIONS=data_set.name)


def test_an_image_that_cannot_be_decoded_is_named(photos: Path) -> None:
    whole = (photos / "4.PNG").read_bytes()
    (photos / "4.PNG").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"A calibration image cannot be used: .*/4\.PNG \(got "):
        calibration(photos, CK_CALIBRATION_IMAGES=".")

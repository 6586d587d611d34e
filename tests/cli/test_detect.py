"""What `ckssd detect` is given: pictures, videos or a camera, and what makes no sense as one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckssd.cli.detect import _unreadable
from ckssd.cli.main import main
from ckssd.detect.named_files import pictures
from ckssd.errors import InputError


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in ("one.jpg", "two.png", "clip.MP4", "other.mkv", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Nothing is named to detect in (expected pictures, videos or --camera N)"),
        (["one.jpg", "clip.MP4"], "Pictures and videos are detected in by separate commands"),
        (["--camera", "0"], "A camera has no end (expected --frames N"),
        (["--camera", "0", "--frames", "3", "one.jpg"], "--camera goes without files"),
        (["--every", "2", "one.jpg"], "--every and --frames go with videos and cameras"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(files)
    assert main(["detect", *words]) == 2
    err = capfd.readouterr().err
    assert err.startswith(f"ckssd detect: {said}")
    assert err.count("\n") == 1


def test_a_folder_gives_its_pictures_and_a_pattern_its_videos_too(files: Path) -> None:
    assert [path.name for path in pictures([str(files)])] == ["one.jpg", "two.png"]
    assert [path.name for path in pictures([f"{files}/o*"])] == ["one.jpg", "other.mkv"]


def test_a_name_that_no_file_can_have_is_one_error() -> None:
    with pytest.raises(InputError, match="The image cannot be read"):
        pictures(["a" * 300])


def test_what_could_not_be_read_is_named_and_decides_the_exit_code() -> None:
    errors = [InputError("The image is missing", where=f"{name}.jpg").as_dict() for name in "abcd"]
    assert _unreadable({"images": [{}]}) is None
    one = _unreadable({"images": [{}], "unreadable": errors[:1]})
    assert str(one) == "The image is missing: a.jpg"
    several = _unreadable({"images": [{}], "unreadable": errors})
    assert several is not None
    assert several.exit_code == 3
    assert str(several).startswith("4 of 5 pictures cannot be read: a.jpg, b.jpg, c.jpg (got The image")

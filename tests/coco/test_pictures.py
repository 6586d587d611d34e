"""Each image's file is found under the names that tools write, and never outside the image folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckssd.coco.annotations import ImageEntry
from ckssd.coco.pictures import find_pictures, picture
from ckssd.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "images"
    (made / "sub").mkdir(parents=True)
    for name in ("a.jpg", "b c.jpg", "sub/d.jpg", "back\\slash.jpg"):
        (made / name).touch()
    (tmp_path / "secret").touch()
    return made


def entries(*names: str) -> list[ImageEntry]:
    return [ImageEntry(number, name, 1, 1) for number, name in enumerate(names)]


@pytest.mark.parametrize("name", ["a.jpg", "b c.jpg", "sub/d.jpg", "back\\slash.jpg"])
def test_a_name_as_it_is_needs_no_note(folder: Path, name: str) -> None:
    assert find_pictures(folder, entries(name)) == (tuple(entries(name)), ())


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("images/a.jpg", "a.jpg"),
        ("/home/somebody/images/sub/d.jpg", "sub/d.jpg"),
        ("C:\\data\\sub\\d.jpg", "sub/d.jpg"),
        ("sub\\d.jpg", "sub/d.jpg"),
        ("b%20c.jpg", "b c.jpg"),
        ("http://host/val/b%20c.jpg", "b c.jpg"),
        ("../images/a.jpg", "a.jpg"),
        ("./a.jpg", "a.jpg"),
    ],
)
def test_a_name_written_otherwise_is_found_with_one_note(folder: Path, name: str, file: str) -> None:
    (found,), notes = find_pictures(folder, entries(name))
    assert found.file_name == file or (folder / found.file_name).samefile(folder / file)
    assert len(notes) == (found.file_name != name)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "no.jpg", "..", "/", "sub", "x" * 5000])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"image is missing: .*images"):
        find_pictures(folder, entries("a.jpg", name))


def test_two_names_do_not_become_one_file(folder: Path) -> None:
    with pytest.raises(InputError, match=r"would be one file: .*a\.jpg \(got x/a\.jpg and y/a\.jpg\)"):
        find_pictures(folder, entries("x/a.jpg", "y/a.jpg"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["..", ".", "", "a.jpg", "secret", "images", "%2e%2e", "\\", "sub"])))
def test_no_name_leads_out_of_the_folder(folder: Path, parts: list[str]) -> None:
    for name in ("/".join(parts), "\\".join(parts)):
        found = picture(folder, name)
        assert found is None or (folder / found).resolve().is_relative_to(folder.resolve())

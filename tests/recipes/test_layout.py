"""Where downloaded files go: as the entry says, never out of the installation."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from ckssd.errors import InputError, UsageError
from ckssd.fetch import Source
from ckssd.recipes.layout import Layout

SOURCE = Source("file.zip", ("http://example.org/file.zip",), 1, "ab" * 32)


def laid_out(tmp_path: Path, members: tuple[str, ...], **meta: Any) -> list[str]:
    archive = tmp_path / "file.zip"
    with zipfile.ZipFile(archive, "w") as container:
        for name in members:
            container.writestr(name, "content")
    staging = tmp_path / "staging"
    staging.mkdir()
    Layout.from_meta(meta, "x").lay_out(archive, SOURCE, staging)
    return sorted(str(path.relative_to(staging)) for path in staging.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({}, ["file.zip"]),
        ({"place": "deep/name.zip"}, ["deep/name.zip"]),
        ({"unpack": "."}, ["top/a", "top/b"]),
        ({"unpack": "in"}, ["in/top/a", "in/top/b"]),
        ({"unpack": ".", "strip": True}, ["a", "b"]),
        ({"unpack": ".", "strip": "top"}, ["a", "b"]),
        ({"unpack": ".", "only": ["top/b"]}, ["top/b"]),
    ],
)
def test_files_go_where_the_entry_says(tmp_path: Path, meta: dict[str, Any], expected: list[str]) -> None:
    assert laid_out(tmp_path, ("top/a", "top/b"), **meta) == expected


@pytest.mark.parametrize("strip", [True, "other"])
def test_an_archive_without_the_leading_folder_is_refused(tmp_path: Path, strip: bool | str) -> None:
    with pytest.raises(InputError, match="has not the folder"):
        laid_out(tmp_path, ("top/a", "second/b"), unpack=".", strip=strip)


@pytest.mark.parametrize("key", ["unpack", "place", "strip"])
@pytest.mark.parametrize("path", ["..", "a/../../b", "/etc", "a\0b", 3, ["a"]])
def test_a_path_out_of_the_installation_is_named_by_its_key(key: str, path: object) -> None:
    with pytest.raises(UsageError) as caught:
        Layout.from_meta({key: path}, "package:x")
    assert caught.value.where == f"package:x: {key}"


@pytest.mark.parametrize("only", ["a", [1], {"a": 1}])
def test_wanted_members_are_a_list_of_names(only: object) -> None:
    with pytest.raises(UsageError, match="names of members"):
        Layout.from_meta({"only": only}, "package:x")

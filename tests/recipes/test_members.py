"""Single files of an archive: each is what the entry says of it, or the install stops."""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import CkssdError, InputError, UsageError, VerificationError
from ckssd.fetch import Source
from ckssd.recipes.layout import Layout
from ckssd.recipes.members import KEYS

SOURCE = Source("file.whl", ("http://example.org/file.whl",), 1, "ab" * 32)
FILES = {"pkg/data/cat.png": b"a cat", "pkg/data/cup.png": b"a cup", "pkg/code.py": b"print()"}


def stated(name: str, **changed: Any) -> dict[str, Any]:
    data = FILES[name]
    meta = {"member": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return {**meta, **changed}


def laid_out(tmp_path: Path, *files: dict[str, Any]) -> dict[str, bytes]:
    archive = tmp_path / "file.whl"
    with zipfile.ZipFile(archive, "w") as container:
        for name, data in FILES.items():
            container.writestr(name, data)
    staging = tmp_path / "staging"
    Layout.from_meta({"files": [*files]}, "x").lay_out(archive, SOURCE, staging)
    return {
        str(path.relative_to(staging)): path.read_bytes() for path in staging.rglob("*") if path.is_file()
    }


def test_only_the_stated_files_come_out_each_in_its_place(tmp_path: Path) -> None:
    cat, cup = stated("pkg/data/cat.png", place="images/1.png"), stated("pkg/data/cup.png")
    assert laid_out(tmp_path, cat, cup) == {"images/1.png": b"a cat", "cup.png": b"a cup"}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    dog = {**stated("pkg/data/cat.png"), "member": "pkg/data/dog.png"}
    with pytest.raises(InputError, match=r"lacks a file: file\.whl \(expected pkg/data/dog\.png\)"):
        laid_out(tmp_path, dog)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lacks a file"):
        laid_out(tmp_path, {**stated("pkg/data/cat.png"), "member": "pkg/data"})


@pytest.mark.parametrize("changed", [{"sha256": "0" * 64}, {"size": 4}])
def test_another_file_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(VerificationError, match=r"file\.whl: pkg/data/cat\.png"):
        laid_out(tmp_path, stated("pkg/data/cat.png", **changed))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"member": None}, "member"),
        ({"member": "../x"}, "member"),
        ({"place": "/x"}, "place"),
        ({"size": "3"}, "size"),
        ({"size": True}, "size"),
        ({"sha256": "AB" * 32}, "sha256"),
        ({"sha1": "ab"}, "sha1"),
    ],
)
def test_a_fault_in_the_entry_is_named_by_its_key(change: dict[str, Any], key: str) -> None:
    with pytest.raises(UsageError) as caught:
        Layout.from_meta({"files": [stated("pkg/data/cat.png", **change)]}, "package:x")
    assert caught.value.where == f"package:x: files[0]: {key}"


@pytest.mark.parametrize("key", ["unpack", "strip", "only", "place"])
def test_files_stand_alone(key: str) -> None:
    with pytest.raises(UsageError, match=f"x: {key}"):
        Layout.from_meta({"files": [stated("pkg/data/cat.png")], key: "."}, "x")


def test_two_files_in_one_place_are_refused() -> None:
    same = {"place": "x.png"}
    with pytest.raises(UsageError, match="place"):
        Layout.from_meta(
            {"files": [stated("pkg/data/cat.png", **same), stated("pkg/data/cup.png", **same)]}, "x"
        )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(KEYS)), inner),
    max_leaves=8,
)


@given(JSON)
def test_any_files_are_read_or_an_error_of_ours(files: object) -> None:
    with contextlib.suppress(CkssdError):
        layout = Layout.from_meta({"files": files}, "x")
        assert all(not member.place.startswith("/") for member in layout.files)

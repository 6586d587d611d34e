"""Lock files: what was written comes back, what differs is named, what is no lock is refused."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import InputError
from ckssd.install import Identity, Provenance, SourceRecord
from ckssd.install.lockfile import LockedPackage, differences, in_order, locked, read_lock, write_lock

WORDS = st.text(max_size=8)
MAPPINGS = st.dictionaries(WORDS, WORDS, max_size=3)
PACKAGES = st.builds(
    LockedPackage,
    name=WORDS,
    entry=st.builds(Identity, WORDS, WORDS, WORDS, WORDS, MAPPINGS),
    dependencies=st.just({}),
    python=st.none() | WORDS,
    sources=MAPPINGS,
    environment=st.lists(WORDS, max_size=3).map(tuple),
    patches=st.lists(WORDS, max_size=3).map(tuple),
    files=MAPPINGS,
)

PROVENANCE = Provenance(
    entry=Identity("lib-x", "0123456789abcdef", "1.0", "", {"PACKAGE_URL": "http://x.example/a.zip"}),
    sources=(SourceRecord("a.zip", "a" * 64, 10, "http://x.example/a.zip"),),
    tools={"python": "3.11.7", "uv": "0.9"},
    patches=("one",),
    environment=("numpy==2.0", "six==1.17"),
    files={"pyvenv.cfg": "1", "bin/activate": "2", "lib/x/site-packages/six.dist-info/RECORD": "3"},
)
PACKAGE = locked("lib-x-1.0", PROVENANCE, {})


@given(st.lists(PACKAGES, max_size=3, unique_by=lambda package: package.name))
def test_what_was_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, packages: list[LockedPackage]
) -> None:
    path = tmp_path_factory.mktemp("a lock") / "lock.json"
    write_lock(path, packages)
    assert read_lock(path) == packages
    assert list(path.parent.iterdir()) == [path]


def test_the_same_installation_has_no_differences() -> None:
    assert differences(PACKAGE, PROVENANCE) == []


def test_what_names_paths_of_one_machine_is_not_compared() -> None:
    files = {**PROVENANCE.files, "pyvenv.cfg": "other", "bin/activate": "other"}
    tools = {"python": "3.11.7", "uv": "1.0"}
    other = replace(PROVENANCE, files=files, tools=tools, created="2030-01-01T00:00:00Z")
    assert differences(PACKAGE, other) == []


@pytest.mark.parametrize(
    ("changes", "what", "here"),
    [
        ({"tools": {"python": "3.12.1"}}, "Python", "3.12.1"),
        ({"environment": ("numpy==2.1", "six==1.17")}, "package numpy", "2.1"),
        ({"environment": ("numpy==2.0",)}, "package six", None),
        ({"sources": ()}, "source a.zip", None),
        ({"patches": ()}, "patch", None),
        ({"entry": replace(PROVENANCE.entry, version="1.1")}, "version", "1.1"),
        ({"entry": replace(PROVENANCE.entry, options={})}, "option PACKAGE_URL", None),
        (
            {"files": {**PROVENANCE.files, "lib/x/site-packages/six.dist-info/RECORD": "4"}},
            "file lib/x/site-packages/six.dist-info/RECORD",
            "4",
        ),
    ],
)
def test_a_difference_is_named(changes: dict[str, Any], what: str, here: str | None) -> None:
    (found,) = differences(PACKAGE, replace(PROVENANCE, **changes))
    assert (found.what, found.here) == (what, here)
    assert "locked" in found.describe()


def test_every_file_of_a_folder_that_is_no_environment_is_compared() -> None:
    plain = Provenance(entry=PROVENANCE.entry, files={"a": "1", "b": "2"})
    changed = replace(plain, files={"a": "1", "b": "3"})
    assert [found.what for found in differences(locked("x", plain, {}), changed)] == ["file b"]


def test_dependencies_come_first() -> None:
    first = replace(PACKAGE, name="first")
    second = replace(PACKAGE, name="second", dependencies={"lib": "first"})
    assert in_order([second, first], "here") == [first, second]


def test_a_lock_from_before_options_were_part_of_an_entry_is_read(tmp_path: Path) -> None:
    path = tmp_path / "lock.json"
    write_lock(path, [PACKAGE])
    content = json.loads(path.read_text())
    (package,) = content["packages"]
    assert package["options"] == dict(PACKAGE.entry.options)
    commit = "0" * 40
    package["entry"] = {**package["entry"], "variation": f"fixes,commit={commit}"}
    package["options"] = {"PACKAGE_COMMIT": commit}
    path.write_text(json.dumps(content))
    (old,) = read_lock(path)
    assert (old.entry.variation, old.entry.options) == ("fixes", {"PACKAGE_COMMIT": commit})


@pytest.mark.parametrize("needed", ["second", "nothing"])
def test_dependencies_that_cannot_be_satisfied_are_an_error(needed: str) -> None:
    broken = replace(PACKAGE, name="second", dependencies={"lib": needed})
    with pytest.raises(InputError, match="cannot be satisfied"):
        in_order([broken], "here")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"ckssd_lock": 2, "packages": []}',
        '{"ckssd_lock": 1}',
        '{"ckssd_lock": 1, "packages": {}}',
        '{"ckssd_lock": 1, "packages": [1]}',
        '{"ckssd_lock": 1, "packages": [{"name": "x"}]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_lock_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lock.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"lock\.json"):
        read_lock(path)


@given(st.data())
def test_a_damaged_lock_never_ends_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("lock") / "lock.json"
    write_lock(path, [PACKAGE])
    content = json.loads(path.read_text())
    place: Any = content["packages"][0]
    key = data.draw(st.sampled_from(sorted(place)))
    place[key] = data.draw(st.none() | st.integers() | WORDS | st.lists(WORDS) | MAPPINGS | st.just({"a": 1}))
    path.write_text(json.dumps(content))
    with contextlib.suppress(InputError):
        read_lock(path)


def test_a_lock_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_lock(tmp_path / "missing" / "lock.json", [])

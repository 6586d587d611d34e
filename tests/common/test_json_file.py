"""A JSON file that is not what it should be is one error that names it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ckssd.errors import InputError
from ckssd.json_file import read_list, read_object

WRONG: dict[str, tuple[bytes, Callable[[Path, str], object], str]] = {
    "no JSON": (b"{'a': 1}", read_object, r"settings are no JSON: .*given\.json"),
    "no UTF-8": (b'"\xff"', read_object, r"settings are no JSON: .*given\.json"),
    "nested too deeply": (b"[" * 100_000, read_list, r"settings are no JSON: .*given\.json"),
    "a list for an object": (b"[]", read_object, r"settings are no JSON object: .*given\.json \(got list\)"),
    "an object for a list": (b"{}", read_list, r"settings are no list: .*given\.json \(got dict\)"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_with_the_file(case: str, tmp_path: Path) -> None:
    content, read, message = WRONG[case]
    path = tmp_path / "given.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read(path, "settings")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"settings cannot be read: .*gone\.json \(got No such file"):
        read_object(tmp_path / "gone.json", "settings")


def test_the_content_comes_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "given.json"
    path.write_text('{"é": [1, null]}', encoding="utf-8")
    assert read_object(path, "settings") == {"é": [1, None]}
    path.write_text('[1, {"a": 2}]', encoding="utf-8")
    assert read_list(path, "settings") == [1, {"a": 2}]

"""YAML that is well formed and harms all the same is refused in one line; what is plain is read as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import InputError
from ckssd.yaml_text import load_yaml

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=20,
)


@given(PLAIN)
def test_plain_data_is_read_as_it_is(content: Any) -> None:
    assert load_yaml(yaml.safe_dump(content, allow_unicode=True), Path("a.yaml")) == content


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "nested more than 100 deep"),
        ("".join(" " * depth + "a:\n" for depth in range(200)), "nested more than 100 deep"),
        ("nc: 1\nnames: [a]\nnc: 2\n", "the key nc is there twice"),
        ("- {a: 1, b: {c: 1}, a: 2}\n", "the key a is there twice"),
        (LAUGHS, "aliases make more than"),
        ("names: [a\n", "expected"),
        ("a: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
    ],
)
def test_what_would_harm_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        load_yaml(text, Path("data.yaml"))
    assert "\n" not in str(caught.value)
    assert "data.yaml" in str(caught.value)


def test_one_alias_is_what_it_stands_for() -> None:
    assert load_yaml("a: &a [1, 2]\nb: *a\n", Path("a.yaml")) == {"a": [1, 2], "b": [1, 2]}

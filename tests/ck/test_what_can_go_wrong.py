"""The table of what can go wrong in docs/downloads.md: behind each row stands a test of the row's name."""

from __future__ import annotations

import ast
import re

from tests.support.sandbox import CHECKOUT

HEADING = "What can go wrong"


def test_each_row_of_what_can_go_wrong_has_a_test_of_its_name() -> None:
    rows = rows_below(HEADING, (CHECKOUT / "docs" / "downloads.md").read_text(encoding="utf-8"))
    assert len(rows) > 25
    names = {situation: cells[-1] for situation, *cells in rows}
    assert names == {situation: f"`{name_for(situation)}`" for situation in names}
    assert {name.strip("`") for name in names.values()} <= names_of_all_tests()


def rows_below(heading: str, text: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its own heading and rule."""
    table = re.search(rf"^#+ {re.escape(heading)}$(?:\n(?!\||#).*)*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table is not None, f"docs/downloads.md has no table below a heading {heading!r}"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()[2:]]


def name_for(situation: str) -> str:
    return "test_" + re.sub(r"[^a-z0-9]+", "_", situation.lower()).strip("_")


def names_of_all_tests() -> set[str]:
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in (CHECKOUT / "tests").rglob("test_*.py"))
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

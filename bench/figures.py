"""What `make figures` puts into the docs: tables and sentences of bench/results, so that they cannot differ.

A page says where by cog's marks: ``<!-- [[[cog cog.outl(results("peers")) ]]] -->`` … ``<!-- [[[end]]] -->``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "bench" / "results"


def results(name: str, *, only: str = "", head: bool = True) -> str:
    """Give the Markdown that a benchmark wrote.

    Parameters
    ----------
    name
        Of its file in bench/results.
    only
        A regular expression of the table rows that are shown; the others are in the file.
    head
        Whether its first line, which says when, where and how, is shown.
    """
    lines = (RESULTS / f"{name}.md").read_text(encoding="utf-8").rstrip("\n").split("\n")
    first, rest = lines[0], lines[2:]
    if only:
        heads = 2  # the table's names, and the line below
        tables = [line for line in rest if line.startswith("|")]
        rest = [*tables[:heads], *(line for line in tables[heads:] if re.search(only, line))]
        assert len(rest) > heads, f"no row of {name} is of {only}"
    # Markdown wants an empty line between a table and what is around it.
    return "\n".join(["", *([first, ""] if head else []), *rest, ""])


def data(name: str) -> Any:
    """Give all that a benchmark measured, for a sentence."""
    return json.loads((RESULTS / f"{name}.json").read_bytes())


def measured(name: str, row: str) -> str:
    """Give what a benchmark of rows measured: the cell of the row with that name."""
    (cell,) = [one["measured"] for one in data(name)["rows"] if one["name"] == row]
    return str(cell)

"""Results of a benchmark as files: NAME.json with all samples, NAME.md with the table that the docs show."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.context import ROOT, Row
from ckssd.measure.machine import describe_machine
from ckssd.report import say

RESULTS = ROOT / "bench" / "results"
ROWS = ("| | target | measured | |", "|---|---|---|---|")


def write_results(
    folder: Path, name: str, content: dict[str, Any], lines: Sequence[str], *, command: str, how: str
) -> None:
    """Write both files.

    Parameters
    ----------
    folder
        Made if it is not there.
    content
        For the JSON, beside the date and the machine.
    lines
        Of the Markdown, below one that says when, where and how it was measured.
    command
        That measures it again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    machine = describe_machine()
    date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    text = json.dumps({"date": date, "machine": machine, **content}, indent=1)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    where = f"{machine['cpu']}, {machine['processors']} processors"
    head = f"Measured on {date} by `{command}`: {where}; {how}."
    (folder / f"{name}.md").write_text("\n".join([head, "", *lines]) + "\n", encoding="utf-8")
    say(f"results: {folder / name}.md")


def row_lines(rows: Sequence[Row]) -> list[str]:
    """A table of what was promised and measured."""
    said = [(row, "met" if row.met else "**not met**") for row in rows]
    return [*ROWS, *(f"| {row.name} | {row.target} | {row.measured} | {met} |" for row, met in said)]


def load_before() -> str:
    """How busy the machine is, for the first line; call it before anything is measured."""
    return f"load average before it began: {os.getloadavg()[0]:.1f}"

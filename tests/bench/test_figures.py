"""The docs' figures are those of bench/results: a page that says another one is found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import figures
from bench.context import ROOT, Row
from bench.written import row_lines, write_results


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    rows = [Row("speed", "2 times", "2.1 times", True, {}), Row("memory", "1 MB", "2 MB", False, {})]
    content = {"rows": [{"name": row.name, "measured": row.measured} for row in rows]}
    write_results(tmp_path, "one", content, row_lines(rows), command="make it", how="once")
    return tmp_path


def test_a_page_gets_what_was_measured(folder: Path) -> None:
    head, table = figures.results("one").strip().split("\n\n")
    assert "by `make it`: " in head
    assert table.splitlines()[2:] == [
        "| speed | 2 times | 2.1 times | met |",
        "| memory | 1 MB | 2 MB | **not met** |",
    ]
    assert len(figures.results("one", only=r"\| speed", head=False).strip().splitlines()) == 3
    assert figures.measured("one", "memory") == "2 MB"
    with pytest.raises(AssertionError, match="no row of one"):
        figures.results("one", only="of another bench")


def test_a_figure_that_somebody_changed_by_hand_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('<!-- [[[cog cog.outl(results("bench")) ]]] -->\n<!-- [[[end]]] -->\n')
    words = [sys.executable, "-m", "cogapp", "-p", "from bench.figures import results"]

    def cog(*flags: str) -> int:
        return subprocess.run([*words, *flags, str(page)], cwd=ROOT, capture_output=True).returncode

    assert cog("-r") == 0
    assert cog("--check") == 0
    page.write_text(page.read_text().replace("not met", "met"))
    assert cog("--check") != 0

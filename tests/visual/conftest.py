"""A result folder of a real run of a tiny model, made once for a process; tests change copies of it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ckssd.measure.program import main
from ckssd.visual.make import Places, Report, make_report
from tests.measure.conftest import Bench, make_bench


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, Path]:
    bench = make_bench(tmp_path_factory.mktemp("report"))
    results = bench.folder / "result"
    results.mkdir()
    assert main({**bench.environment, "CK_MODE": "latency"}, results) == 0
    return bench, results


@pytest.fixture
def results(made_once: tuple[Bench, Path], tmp_path: Path) -> Path:
    """A copy of the folder that may be changed."""
    return Path(shutil.copytree(made_once[1], tmp_path / "a result"))


@pytest.fixture
def bench(made_once: tuple[Bench, Path]) -> Bench:
    return made_once[0]


def whole_report(*results: Path, pictures: Path | None = None, annotations: Path | None = None) -> Report:
    """The report, by the metric tools of the tests' own environment."""
    return make_report(results, lambda: Path(sys.executable), Places(pictures, annotations))


def report(results: Path, pictures: Path | None = None, annotations: Path | None = None) -> dict[str, Any]:
    """Its data."""
    return whole_report(results, pictures=pictures, annotations=annotations).data


def edited(file: Path, change: Callable[[Any], object]) -> None:
    """Change a JSON file in place."""
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


@pytest.fixture(scope="session")
def whole(made_once: tuple[Bench, Path]) -> Report:
    """The report of the unchanged folder; not to be changed."""
    return whole_report(made_once[1])


@pytest.fixture
def data(whole: Report) -> dict[str, Any]:
    return whole.data

"""The small benchmark of tests.measure under the real LoadGen, in processes of its own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ckssd.loadgen.conduct import conduct
from ckssd.loadgen.settings import LoadGenSettings, from_environment
from tests.measure.conftest import Bench, make_bench
from tests.support.fixtures import folder
from tests.support.sandbox import CHECKOUT

__all__ = ["folder"]

ROUNDS = CHECKOUT / "package" / "config-loadgen" / "files" / "rounds.json"
# Long enough for a verdict, short enough for a test.
SHORT = {"CK_LOADGEN_MIN_DURATION_S": "0.3", "CK_LOADGEN_MIN_QUERY_COUNT": "64"}


@dataclass(frozen=True)
class Run:
    """A small benchmark, and how it is run under LoadGen."""

    bench: Bench

    def settings(self, **variables: str) -> LoadGenSettings:
        return from_environment(
            {**self.bench.environment, "CK_ENV_LOADGEN_CONFIG_FILE": str(ROUNDS), **SHORT, **variables}
        )

    @property
    def output(self) -> Path:
        return self.bench.folder / "out"

    def run(self, python: Path | None = None, **variables: str) -> tuple[dict[str, Any], str]:
        return conduct(python or Path(sys.executable), self.settings(**variables), self.output)


@pytest.fixture
def loadgen(tmp_path: Path) -> Run:
    pytest.importorskip("mlperf_loadgen", reason="LoadGen has no wheel for this Python or machine")
    return Run(make_bench(tmp_path))

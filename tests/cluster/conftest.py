"""Real runs over a real Ray: its package from the home of all tests, the small benchmark of tests.measure."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ckssd.json_file import plain
from ckssd.measure.run import run_benchmark
from ckssd.measure.settings import BenchmarkSettings, from_environment
from ckssd.own_files import source_folder
from tests.measure.conftest import Bench, make_bench
from tests.support.run import install_once
from tests.support.sandbox import Sandbox

RAY = "lib,ray"
TIME_LIMIT_S = 300


@pytest.fixture(scope="session")
def ray_python(shared: Sandbox) -> Path:
    """The interpreter that has Ray."""
    install_once(shared, [[RAY]])
    done = shared.in_environment(RAY, "printf '%s' \"$CK_ENV_LIB_RAY_PYTHON_FILE\"")
    return Path(done.out.strip().splitlines()[-1])


@dataclass
class Runs:
    """Runs of one small benchmark over clusters."""

    bench: Bench
    ray: Path

    @property
    def settings(self) -> BenchmarkSettings:
        return from_environment(self.bench.environment)

    @property
    def output(self) -> Path:
        return self.bench.folder / "result.json"

    def begin(self, address: str, runtime: Path | None = None, **variables: str) -> subprocess.Popen[str]:
        """Start a driver; its errors are JSON in ``error.json``."""
        described = self.bench.folder / "settings.json"
        described.write_text(json.dumps(plain(self.settings)))
        environment = {**os.environ, "PYTHONPATH": str(source_folder()), "CK_CLUSTER": address, **variables}
        words = ["--settings", str(described), "--python", str(runtime or sys.executable)]
        words += ["--output", str(self.output), "--error", str(self.bench.folder / "error.json")]
        return subprocess.Popen(
            [str(self.ray), "-m", "ckssd.cluster", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ended(self, driver: subprocess.Popen[str]) -> dict[str, Any]:
        """The result of a driver that ends well."""
        out, err = driver.communicate(timeout=TIME_LIMIT_S)
        failure = self.bench.folder / "error.json"
        assert driver.returncode == 0, out + err + (failure.read_text() if failure.exists() else "")
        found: dict[str, Any] = json.loads(self.output.read_text())
        return found

    def failed(self, driver: subprocess.Popen[str]) -> dict[str, Any]:
        """The error of one that does not."""
        out, err = driver.communicate(timeout=TIME_LIMIT_S)
        assert driver.returncode != 0, out + err
        assert "Traceback" not in err
        found: dict[str, Any] = json.loads((self.bench.folder / "error.json").read_text())
        return found

    def check(self, result: dict[str, Any]) -> None:
        """It is what one machine gives."""
        alone = run_benchmark(self.settings)
        assert result["detections_sha256"] == alone.detections.sha256()
        assert (result["mAP"], result["recall"]) == (alone.mean_average_precision, alone.recall)
        assert result["metrics"] == alone.metrics["metrics"]
        assert result["images"] == alone.settings.images


def crashing(folder: Path, image: str, *, once: bool) -> Path:
    """A Python in which reading an image ends the process as a crash of the runtime does."""
    python, script, flag = folder / "python", folder / "crashing.py", folder / "has crashed"
    # No #! line: it takes neither a space nor a long path.
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(script))} "$@"\n')
    script.write_text(
        f"""import os, runpy, signal, sys
from pathlib import Path
sys.argv = sys.argv[2:]
from ckssd.detect.preprocessed import ImageReader
read = ImageReader.read
def dies(self, path):
    flag = Path({str(flag)!r})
    if path.name == {image!r} and not ({once} and flag.exists()):
        flag.touch()
        os.kill(os.getpid(), signal.SIGSEGV)
    return read(self, path)
ImageReader.read = dies
runpy.run_module("ckssd.measure.serve", run_name="__main__")
"""
    )
    python.chmod(0o755)
    return python


@pytest.fixture
def runs(tmp_path: Path, ray_python: Path) -> Runs:
    return Runs(make_bench(tmp_path), ray_python)

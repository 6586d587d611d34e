"""Peak memory is that of the process itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ckssd.memory import peak_memory_mb


def test_a_small_process_of_a_large_one_is_small() -> None:
    ballast = bytearray(b"x") * (200 << 20)
    code = "from ckssd.memory import peak_memory_mb; print(peak_memory_mb())"
    small = float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert small < 100
    assert peak_memory_mb() > len(ballast) / (1 << 20)


def test_memory_that_is_given_back_still_counts() -> None:
    before = peak_memory_mb()
    ballast = bytearray(b"x") * (int(before + 64) << 20)
    size = len(ballast) / (1 << 20)
    del ballast
    assert size <= peak_memory_mb() < size + before + 64


def test_where_there_is_no_proc_the_system_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = peak_memory_mb()

    def missing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert exact / 2 < peak_memory_mb()
    kib = peak_memory_mb() * 1024
    monkeypatch.setattr(sys, "platform", "darwin")  # which counts bytes
    assert peak_memory_mb() == pytest.approx(kib / 1024**2, rel=0.1)


def test_it_is_in_units_of_1024_squared_bytes() -> None:
    status = Path("/proc/self/status").read_text()
    kib = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    assert peak_memory_mb() == pytest.approx(kib / 1024, rel=0.01)

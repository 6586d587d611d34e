"""The machine's description where Linux's /proc is missing or says less, as on macOS and on Arm."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import pytest

from ckssd.measure import machine
from ckssd.measure.machine import describe_machine, seconds_since_start

ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"


@pytest.fixture
def proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder in place of /proc, empty at first; what system commands say is in ``said``."""

    def moved(text: str) -> Path:
        return tmp_path / text.lstrip("/") if text.startswith("/proc/") else Path(text)

    monkeypatch.setattr(machine, "Path", moved)
    (tmp_path / "proc").mkdir()
    return tmp_path / "proc"


def test_on_arm_the_parts_of_the_processor_stand_for_its_name(
    monkeypatch: pytest.MonkeyPatch, proc: Path
) -> None:
    (proc / "cpuinfo").write_text(ARM)
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert describe_machine()["cpu"] == "aarch64 (implementer 0x41, part 0xd0c)"
    (proc / "cpuinfo").write_text("processor: 0\n")
    assert describe_machine()["cpu"] == "aarch64"


def test_without_proc_sysctl_names_the_processor(
    monkeypatch: pytest.MonkeyPatch, proc: Path, tmp_path: Path
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "sysctl").write_text('#!/bin/sh\n[ "$*" = "-n machdep.cpu.brand_string" ] && echo Apple M9\n')
    (tools / "sysctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    assert describe_machine()["cpu"] == "Apple M9"
    (tools / "sysctl").write_text("#!/bin/sh\nexit 1\n")
    assert describe_machine()["cpu"] == platform.machine()


def test_without_proc_ps_tells_when_the_process_began(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(*command: str) -> str:
        assert command == ("ps", "-o", "etime=", "-p", str(os.getpid()))
        return "1-02:03:04"

    monkeypatch.setattr(machine, "_said_by", said)
    assert seconds_since_start() == ((24 + 2) * 60 + 3) * 60 + 4
    for text, seconds in (("00:07", 7.0), ("01:00:00", 3600.0), ("", 0.0), ("never", 0.0)):
        monkeypatch.setattr(machine, "_said_by", lambda *_, text=text: text)
        assert seconds_since_start() == seconds


def test_a_command_that_is_missing_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", missing)
    assert machine._said_by("sysctl", "-n", "hw.ncpu") == ""

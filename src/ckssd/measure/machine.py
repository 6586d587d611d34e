"""Where a measurement was taken: processor, operating system, versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ckssd.processors import usable_processors

ALWAYS = ("numpy", "pillow")


def describe_machine() -> dict[str, Any]:
    """Processor, processors that this process may use, and operating system."""
    return {
        "cpu": _cpu_name(),
        "processors": usable_processors(),
        "system": platform.platform(),
    }


def library_versions(libraries: Sequence[str]) -> dict[str, str]:
    """Versions of Python and of the distributions that decide the detections."""
    versions = {"python": platform.python_version()}
    for name in dict.fromkeys((*libraries, *ALWAYS)):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "unknown"
    return versions


def seconds_since_start() -> float:
    """Seconds since this process was created, within 0.01 (Linux counts in such ticks).

    Elsewhere `ps` tells it, in whole seconds.
    """
    try:
        after_name = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        created = int(after_name[19]) / os.sysconf("SC_CLK_TCK")  # field 22 of proc_pid_stat(5)
        return time.clock_gettime(time.CLOCK_BOOTTIME) - created
    except OSError:
        return _elapsed(_said_by("ps", "-o", "etime=", "-p", str(os.getpid())))


def _elapsed(text: str) -> float:
    """Seconds of ``[[days-]hours:]minutes:seconds``; 0 of anything else."""
    found = re.fullmatch(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)", text)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _cpu_name() -> str:
    """The processor's name: Linux's on x86-64, macOS's, or what Linux on Arm says of it; else its kind."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return _said_by("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    pairs = (line.partition(":") for line in text.splitlines())
    said = {name.strip(): value.strip() for name, _, value in pairs}
    if said.get("model name"):
        return said["model name"]
    parts = [f"{name} {said[f'CPU {name}']}" for name in ("implementer", "part") if f"CPU {name}" in said]
    return f"{platform.machine()} ({', '.join(parts)})" if parts else platform.machine()


def _said_by(*command: str) -> str:
    """What a system's command prints; nothing where there is no such command or it fails."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()

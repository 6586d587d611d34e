"""Where a measurement was taken: processor, operating system, versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ALWAYS = ("numpy", "pillow")


def describe_machine() -> dict[str, Any]:
    """Processor, processors that this process may use, and operating system."""
    return {
        "cpu": _cpu_name(),
        "processors": len(os.sched_getaffinity(0)),
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
    """Seconds since this process was created, within 0.01 (Linux counts in such ticks)."""
    after_name = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    created = int(after_name[19]) / os.sysconf("SC_CLK_TCK")  # field 22 of proc_pid_stat(5)
    return time.clock_gettime(time.CLOCK_BOOTTIME) - created


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

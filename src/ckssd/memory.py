"""Memory that this process has needed."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in MiB.

    Linux's own high-water mark. ru_maxrss, which stands in where there is no /proc, is carried over vfork and
    exec: with it a small process that a large one has started seems to be as large.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        status = ""
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    if found:
        return int(found[1]) / 1024
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / (1024**2 if sys.platform == "darwin" else 1024)  # macOS counts bytes, others KiB

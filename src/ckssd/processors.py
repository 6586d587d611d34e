"""How many processors this process may use."""

from __future__ import annotations

import os


def usable_processors() -> int:
    """Return how many this process may run on; where the system has no such limit, all of the machine's."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

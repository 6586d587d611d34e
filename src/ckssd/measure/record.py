"""Result files of a run, by name; none is left behind by a run that fails."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

TIMER_FILE = "tmp-ck-timer.json"
DETECTIONS_FILE = "detections.json"
IMAGE_TIMES_FILE = "image-times.json"
DATA_SET_FILE = "data-set.json"  # where the pictures and annotations were, for a report
REPORT_FILE = "report.html"
REPORT_VARIABLE = "CK_REPORT"
FAILURE_FILE = "tmp-ck-failure.txt"


def discard(paths: Iterable[Path]) -> None:
    """Remove the results of an earlier run, so that a failed one cannot be taken for it."""
    for path in paths:
        path.unlink(missing_ok=True)

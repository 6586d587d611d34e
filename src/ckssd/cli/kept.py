"""``--results DIR``: the folder of a result that `ckssd report` reads."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ckssd.cli.outputs import refuse_overwriting_inputs
from ckssd.errors import UsageError
from ckssd.measure.record import DATA_SET_FILE, DETECTIONS_FILE, IMAGE_TIMES_FILE, TIMER_FILE, discard
from ckssd.values import made_folder


def begin_results(options: argparse.Namespace, read: Sequence[Path | None]) -> dict[str, Path]:
    """Make the folder of --results, without the results of an earlier run, and name the files in it.

    ``read``: files of the command line that are read, and so never overwritten.

    Raises
    ------
    UsageError
        Another option names a place, too, or a file would be one of those read.
    """
    for flag, given in (("--detections", options.detections), ("--image-times", options.image_times)):
        if given is not None:
            raise UsageError(f"--results and {flag} both name a place", got=given, advice="take one of them")
    folder = made_folder("--results", options.results)
    files = {name: folder / name for name in (TIMER_FILE, DETECTIONS_FILE, IMAGE_TIMES_FILE, DATA_SET_FILE)}
    for place in files.values():
        refuse_overwriting_inputs("--results", place, read)
    discard(files.values())
    options.detections, options.image_times = files[DETECTIONS_FILE], files[IMAGE_TIMES_FILE]
    return files

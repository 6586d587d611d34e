"""The demo's reports: one HTML file for each data set, with its runs side by side."""

from __future__ import annotations

import shutil
from pathlib import Path

from ckssd.cli.report import metric_tools
from ckssd.errors import CkssdError
from ckssd.measure.record import DATA_SET_FILE, DETECTIONS_FILE, IMAGE_TIMES_FILE, TIMER_FILE
from ckssd.report import say, step
from ckssd.visual.make import make_report
from ckssd.visual.page import page, write_page

FIRST = "shapes"  # has the plain name


def keep(folder: Path, results: Path, data_set: str) -> None:
    """Copy a run's results before the next run takes its folder; they are kept by data set and number."""
    own = results / data_set
    own.mkdir(parents=True, exist_ok=True)
    place = own / str(sum(1 for _ in own.iterdir()) + 1)
    place.mkdir()
    for name in (TIMER_FILE, DETECTIONS_FILE, IMAGE_TIMES_FILE, DATA_SET_FILE):
        shutil.copyfile(folder / name, place / name)


def reports(results: Path, target: Path) -> list[Path]:
    """Write a report for each data set; one that cannot be made is said, and the demo goes on."""
    made = []
    for own in sorted(results.iterdir()):
        place = target / ("report.html" if own.name == FIRST else f"report-{own.name}.html")
        step(f"ckssd report … -o {place.name}")
        try:
            report = make_report(sorted(own.iterdir()), metric_tools)
            made.append(write_page(place, page(report.data, report.pictures)))
        except CkssdError as error:
            say(f"The report is left out: {error}")
    return sorted(made, key=lambda place: len(place.name))

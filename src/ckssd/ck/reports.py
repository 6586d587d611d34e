"""Reports that CK asks for: of the run that a program has just made, and of those that it has recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ckssd.ck.environments import the_environment
from ckssd.ck.records import recorded
from ckssd.errors import CkssdError
from ckssd.measure.record import REPORT_FILE, REPORT_VARIABLE
from ckssd.report import say, step
from ckssd.values import refuse_address, switch
from ckssd.visual.make import Report, make_report, report_of_records
from ckssd.visual.page import page, write_page

MOST_RECORDED = 30
TOOLS = ("tool,coco", "CK_ENV_TOOL_COCO_PYTHON_FILE")


def report_if_asked(i: dict[str, Any], folder: Path) -> None:
    """Write ``report.html`` beside a run's results where CK_REPORT says so.

    The run was made and stays what it is: a report that cannot be made is said in one line.
    """
    try:
        if switch(REPORT_VARIABLE, i["env"][REPORT_VARIABLE]):
            step("report")
            report = make_report([folder], lambda: _tools(i))
            say(f"Report: {write_page(folder / REPORT_FILE, page(report.data, report.pictures))}")
    except CkssdError as error:
        say(f"The report was not made: {error}")


def recorded_report(tags: str = "", name: str = "") -> Report:
    """A report of the runs that CK has recorded, see ckssd.ck.records; of many, the newest."""
    found = recorded(tags, name)
    left_out = len(found) - MOST_RECORDED
    notes = [f"{left_out} older recorded runs are left out"] if left_out > 0 else []
    shown = found[:MOST_RECORDED]
    return report_of_records([point.date for point in shown], [point.record for point in shown], notes)


def write_recorded(tags: str, output: str) -> Path:
    """Write the report of recorded runs; return its place (default: ``report.html`` here).

    Raises
    ------
    NotInstalledError
        Nothing is recorded with these tags.
    EnvironmentSetupError
        It cannot be written there.
    """
    refuse_address("--output", output)
    made = recorded_report(tags)
    return write_page(Path(output or REPORT_FILE).absolute(), page(made.data, made.pictures))


def _tools(i: dict[str, Any]) -> Path:
    """The interpreter of the COCO tools that the run used, or of those that are installed."""
    tags, variable = TOOLS
    for one in i.get("deps", {}).values():
        given = one.get("dict", {}).get("env", {}).get(variable)
        if given:
            return Path(given)
    return Path(the_environment(tags).variables[variable])

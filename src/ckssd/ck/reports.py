"""Reports that CK asks for: of the run that a program has just made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ckssd.ck.environments import the_environment
from ckssd.errors import CkssdError
from ckssd.json_file import write_whole
from ckssd.measure.record import REPORT_FILE, REPORT_VARIABLE
from ckssd.report import say, step
from ckssd.values import switch
from ckssd.visual.make import make_report
from ckssd.visual.page import page

TOOLS = ("tool,coco", "CK_ENV_TOOL_COCO_PYTHON_FILE")


def report_if_asked(i: dict[str, Any], folder: Path) -> None:
    """Write ``report.html`` beside a run's results where CK_REPORT says so.

    The run was made and stays what it is: a report that cannot be made is said in one line.
    """
    try:
        if switch(REPORT_VARIABLE, i["env"][REPORT_VARIABLE]):
            step("report")
            report = make_report([folder], lambda: _tools(i))
            place = folder / REPORT_FILE
            text = page(report.data, report.pictures)
            write_whole(place, lambda file: print(text, end="", file=file))
            say(f"Report: {place}")
    except CkssdError as error:
        say(f"The report was not made: {error}")


def _tools(i: dict[str, Any]) -> Path:
    """The interpreter of the COCO tools that the run used, or of those that are installed."""
    tags, variable = TOOLS
    for one in i.get("deps", {}).values():
        given = one.get("dict", {}).get("env", {}).get(variable)
        if given:
            return Path(given)
    return Path(the_environment(tags).variables[variable])

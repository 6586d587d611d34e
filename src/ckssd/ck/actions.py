"""The actions of CK's module ``ssd``: each prints what the function of the same job returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckssd.ck import inventory, upkeep
from ckssd.ck.kernel import Answer, hook
from ckssd.errors import CkssdError
from ckssd.values import switch


@hook
def info(i: dict[str, Any]) -> Answer:
    """``ck info ssd``: what is installed, with versions, sizes and the variables each thing gives."""
    items = inventory.inventory(i.get("tags", ""))
    return _told(i, inventory.describe(items), {"installed": [item.as_dict() for item in items]})


@hook
def verify(i: dict[str, Any]) -> Answer:
    """``ck verify ssd``: hash again what is installed; an error when anything changed."""
    verdicts = upkeep.verify(i.get("tags", ""))
    data = {"installed": [verdict.as_dict() for verdict in verdicts]}
    return _told(i, upkeep.describe(verdicts), data, upkeep.fault(verdicts))


@hook
def clean(i: dict[str, Any]) -> Answer:
    """``ck clean ssd``: remove what killed installs and removed entries left behind."""
    cleaned = upkeep.clean()
    return _told(i, cleaned.describe(), {"removed": cleaned.as_dict()})


@hook
def doctor(i: dict[str, Any]) -> Answer:
    """``ck doctor ssd``: check the machine and the CK home; an error when no install can work."""
    from ckssd.ck import doctor as examination  # brings requests, which the others need not wait for

    findings = examination.examine()
    data = {"findings": [finding.as_dict() for finding in findings]}
    return _told(i, examination.describe(findings), data, examination.fault(findings))


IMPORTED = ("format", "source", "name", "split", "first_pixel", "image_address")


@hook
def import_data_set(i: dict[str, Any]) -> Answer:
    """``ck import ssd --format=voc --source=FOLDER --name=NAME``: install a data set of one's own."""
    from ckssd.ck import datasets  # brings NumPy and Pillow

    asked = datasets.Asked(
        **{name: str(i.get(name, "")) for name in IMPORTED},
        leave_out_missing=switch("--leave_out_missing", i.get("leave_out_missing", "")),
        reinstall=switch("--reinstall", i.get("reinstall", "")),
    )
    imported = datasets.import_data_set(asked)
    return _told(i, imported.describe(), imported.as_dict())


@hook
def show_data_set(i: dict[str, Any]) -> Answer:
    """``ck show ssd --tags=NAME`` (or ``--format=voc --source=FOLDER``): what is in a data set.

    Without them: the recorded experiments, as ``ck list ssd``.
    """
    if not any(i.get(name) for name in ("tags", "source", "format")):
        return _recorded(i)
    from ckssd.ck import datasets

    named = datasets.Named(
        **{name: str(i.get(name, "")) for name in ("source", "format", "split", "first_pixel", "tags")},
        headers_only=switch("--headers_only", i.get("headers_only", "")),
    )
    summary = datasets.show(named)
    return _told(i, summary.describe(), summary.as_dict())


@hook
def export_data_set(i: dict[str, Any]) -> Answer:
    """``ck export ssd --format=yolo --tags=NAME --target=FOLDER``: write a data set in a format."""
    from ckssd.ck import datasets

    named = datasets.Named(tags=str(i.get("tags", "")))
    exported = datasets.export(named, str(i.get("format", "")), str(i.get("target", "")))
    return _told(i, exported.describe(), exported.as_dict())


@hook
def list_records(i: dict[str, Any]) -> Answer:
    """``ck list ssd --tags=TAGS``: the benchmarks that CK has recorded, the newest first."""
    return _recorded(i)


@hook
def report(i: dict[str, Any]) -> Answer:
    """``ck report ssd --tags=TAGS --output=FILE``: one HTML file of recorded benchmarks, side by side."""
    from ckssd.ck.reports import write_recorded

    place = write_recorded(str(i.get("tags", "")), str(i.get("output", "")))
    return _told(i, f"Report: {place}", {"report": str(place)})


def _recorded(i: dict[str, Any]) -> Answer:
    from ckssd.ck import records

    found = records.points(str(i.get("tags", "")))
    return _told(i, records.describe(found), {"recorded": [point.as_dict() for point in found]})


def _told(i: dict[str, Any], text: str, data: Mapping[str, Any], fault: CkssdError | None = None) -> Answer:
    """Print the text when CK runs on a console; raise the fault, if any, for CK to print last."""
    if i.get("out") == "con":
        print(text, flush=True)
    if fault is not None:
        raise fault
    return dict(data)

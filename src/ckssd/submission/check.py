"""A submission folder against all rules: stricter than MLPerf's own checker, which only logs some of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ckssd.errors import InputError, UsageError, VerificationError
from ckssd.json_file import read_list
from ckssd.loadgen.rounds import Round, read_round
from ckssd.own_files import own_root
from ckssd.submission import rules
from ckssd.submission.accuracy import check_accuracy, stated_accuracy
from ckssd.submission.compliance_folders import check_compliance
from ckssd.submission.layout import (
    ACCURACY_TXT,
    DEPARTURES,
    DIVISIONS,
    MEASUREMENTS,
    RESULTS,
    Entry,
    Owner,
    entries,
    folders_in,
    models,
    owners,
)
from ckssd.submission.measurements import check_measurements
from ckssd.submission.performance import check_performance, figure
from ckssd.submission.rules import Finding
from ckssd.submission.run_logs import RunLogs, read_run
from ckssd.submission.systems import check_system
from ckssd.submission.tree import check_divisions, check_entry_name, check_names, check_owner

ROUNDS = ("v1.1", "v2.0")


@dataclass(frozen=True)
class Submitted:
    """A result as the folder has it: its figure and unit, mAP from 0 to 100, and how many rules it breaks."""

    where: str
    scenario: str
    figure: float | None
    unit: str
    accuracy: float | None
    broken: int

    def __str__(self) -> str:
        """One line for people."""
        shown = "no figure" if self.figure is None else f"{self.figure:.6g} {self.unit}"
        accuracy = "no mAP" if self.accuracy is None else f"mAP {self.accuracy:g}"
        return f"{self.where}: {shown}, {accuracy}"


@dataclass(frozen=True)
class Report:
    """All that a check found."""

    round: str
    results: list[Submitted] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)  # results of MLPerf's other benchmarks

    @property
    def undeclared(self) -> list[Finding]:
        """Broken rules that the folder itself does not name."""
        return [one for one in self.findings if not one.declared]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "round": self.round,
            "results": [dataclasses.asdict(one) for one in self.results],
            "findings": [one.as_dict() for one in self.findings],
            "skipped": self.skipped,
        }


def rules_of(name: str) -> Round:
    """The rules of a round that this project lays out submissions of.

    Raises
    ------
    UsageError
        For another round.
    """
    if name not in ROUNDS:
        raise UsageError("There is no submission of this round here", expected=" or ".join(ROUNDS), got=name)
    return read_round(own_root() / "package" / "config-loadgen" / "files" / "rounds.json", name)


def check(root: Path, round_: Round) -> Report:
    """Check all of a submission.

    Raises
    ------
    InputError
        The folder has neither a closed nor an open division.
    """
    if not any((root / name).is_dir() for name in DIVISIONS):
        raise InputError("No submission", where=root, expected="a folder closed or open in it", got="none")
    report = Report(round_.name)
    report.findings.extend([*check_names(root), *check_divisions(root)])
    for owner in owners(root):
        report.findings.extend(check_owner(owner))
        for system in owner.systems():
            _check_system(report, owner, system, round_)
    return report


def _check_system(report: Report, owner: Owner, system: str, round_: Round) -> None:
    found = [*check_system(owner, system)]
    known = models(owner, system)
    place = owner.folder / RESULTS / system
    report.skipped.extend(owner.show(place / name) for name in folders_in(place) if name not in known)
    if not known:
        return
    for entry in entries(owner, system):
        of_entry = [*_check_entry(entry, round_)]
        found += of_entry
        report.results.append(_submitted(entry, round_, len(of_entry)))
    found += _scenario_sets(owner, system, round_)
    declared = declared_in(owner, system)
    report.findings.extend(
        dataclasses.replace(one, declared=(one.rule.name, one.where) in declared) for one in found
    )


def _check_entry(entry: Entry, round_: Round) -> Iterator[Finding]:
    yield from check_entry_name(entry)
    yield from check_measurements(entry, round_)
    yield from check_performance(entry, round_)
    yield from check_accuracy(entry, round_)
    yield from check_compliance(entry, round_)


def _submitted(entry: Entry, round_: Round, broken: int) -> Submitted:
    logs = read_run(entry.owner, entry.performance)
    value, unit = figure(logs, entry.scenario, round_) if isinstance(logs, RunLogs) else (None, "")
    accuracy = stated_accuracy(entry.accuracy / ACCURACY_TXT)
    where = entry.show(entry.part(RESULTS))
    return Submitted(where, entry.scenario, value or None, unit, accuracy, broken)


def _scenario_sets(owner: Owner, system: str, round_: Round) -> Iterator[Finding]:
    for model in models(owner, system) if owner.closed else ():
        place = owner.folder / RESULTS / system / model
        there = [Entry(owner, system, model, name) for name in folders_in(place)]
        for name in round_.required:
            if name not in [entry.scenario for entry in there]:
                yield Finding(rules.SCENARIO_SET, owner.show(place), name, "no such scenario")
        for entry in there:
            if entry.scenario not in (*round_.required, *round_.optional):
                expected = f"{', '.join(round_.required)} in {round_.name}"
                yield Finding(rules.SCENARIO_SET, owner.show(place / entry.place), expected, entry.scenario)


def declared_in(owner: Owner, system: str) -> set[tuple[str, str]]:
    """Rule and place of what a folder itself says is not by the rules.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    path = owner.folder / MEASUREMENTS / system / DEPARTURES
    listed = read_list(path, "departures of a submission") if path.is_file() else []
    return {(str(one.get("rule")), str(one.get("where"))) for one in listed if isinstance(one, dict)}


def report_text(report: Report) -> str:
    """What a check prints."""
    lines = [f"Held against {len(rules.RULES)} rules of {report.round}", ""]
    lines += [str(one) for one in report.results] or ["No results."]
    if report.skipped:
        lines.append(f"Not looked at: {len(report.skipped)} results of other benchmarks")
    for title, found in (
        ("Broken rules", report.undeclared),
        ("Broken rules that the folder itself names", [one for one in report.findings if one.declared]),
    ):
        lines += ["", f"{title}:", *_by_rule(found)] if found else []
    lines += ["", "The submission is by the rules." if not report.findings else "This is no submission yet."]
    return "\n".join(lines)


def _by_rule(found: list[Finding]) -> list[str]:
    lines = []
    for rule in dict.fromkeys(one.rule for one in found):
        lines.append(f"  {rule.name}: {rule.says} [{rule.source}]")
        alike: dict[tuple[str, str], list[Finding]] = {}
        for one in found:
            if one.rule == rule:
                alike.setdefault((str(one.expected), str(one.got)), []).append(one)
        for first, *more in alike.values():
            lines.append(f"    {first}" + (f", and {len(more)} more like this" if more else ""))
    return lines


def fault(report: Report, *, accept_declared: bool) -> VerificationError | None:
    """The error that a check ends with; None if no rule is broken that counts."""
    counting = report.undeclared if accept_declared else report.findings
    if not counting:
        return None
    names = dict.fromkeys(one.rule.name for one in counting)
    return VerificationError(
        "The submission breaks rules", expected="none", got=f"{len(counting)}: {', '.join(names)}"
    )

"""Makes a submission folder: runs LoadGen in every scenario, lays the files out, checks what came of it.

What is not by the rules here is never hidden: ``departures.json`` and each README name it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ckssd.errors import InputError, UsageError
from ckssd.json_file import write_json
from ckssd.loadgen.conf import MODEL, SCENARIOS
from ckssd.loadgen.logs import MLPERF_CONF, USER_CONF
from ckssd.loadgen.rounds import Round
from ckssd.measure.machine import describe_machine
from ckssd.own_files import own_root, source_folder
from ckssd.staging import staging_folder
from ckssd.submission import rules, texts
from ckssd.submission.check import Report, check, report_text
from ckssd.submission.compliance_folders import tests_of
from ckssd.submission.compliance_runs import lay_out_compliance
from ckssd.submission.layout import (
    ACCURACY_FILES,
    ACCURACY_TXT,
    CHECKER_LOG,
    CLOSED,
    CODE,
    DEPARTURES,
    DIVISIONS,
    MEASUREMENTS,
    PERFORMANCE_FILES,
    README,
    RESULTS,
    SYSTEMS,
    Entry,
    Owner,
    owners,
)
from ckssd.submission.machine import describe_system
from ckssd.submission.runs import ACCURACY, PERFORMANCE, Ran, Runner, copy_files
from ckssd.submission.truncate import truncate

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
# What a machine or a data set may make impossible; what a person can state is never declared.
DECLARED = (
    rules.DURATION,
    rules.PERFORMANCE_SAMPLES,
    rules.OFFLINE_SAMPLES,
    rules.ACCURACY_SAMPLES,
    rules.ACCURACY_TARGET,
    rules.LOADGEN,
)


@dataclass(frozen=True)
class Wanted:
    """What a submission is to be: see ``ckssd submission create --help``.

    ``command``: what a README says the results come from. ``stated``: fields of the system's description;
    ``implementation``: of the implementation's. ``compliance``: run the compliance tests, which the closed
    division always does. ``originals``: where whole accuracy logs are kept.
    """

    root: Path
    submitter: str
    originals: Path
    command: str
    division: str = "open"
    compliance: bool = False
    system: str = ""
    scenarios: Sequence[str] = ()
    stated: Mapping[str, str] = field(default_factory=dict)
    implementation: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.division not in DIVISIONS:
            raise UsageError("No such division", expected=" or ".join(DIVISIONS), got=self.division)
        for name in self.scenarios:
            if name not in SCENARIOS:
                raise UsageError("No such scenario", expected=", ".join(SCENARIOS), got=name)
        for name in filter(None, (self.submitter, self.system)):
            if not _NAME.fullmatch(name):
                raise UsageError(
                    "A name cannot be a folder's", expected="letters, digits, - _ . +, no space", got=name
                )


def create(wanted: Wanted, runner: Runner, round_: Round) -> Report:
    """Run what is missing and lay out the submission of one system; other systems in the folder stay.

    Raises
    ------
    CkssdError
        A run fails; the submission folder is as it was, and what has been run is taken the next time.
    """
    scenarios = tuple(wanted.scenarios) or round_.required
    benchmark = runner.settings(scenarios[0], PERFORMANCE).benchmark
    runtime = benchmark.model.runtime
    system = wanted.system or _system_name(runtime)
    _refuse_existing(Owner(wanted.root, wanted.division, wanted.submitter), system)
    kinds = {scenario: _kinds(wanted, scenario, round_) for scenario in scenarios}
    ran = {(scenario, kind): runner.run(scenario, kind) for scenario in scenarios for kind in kinds[scenario]}
    with staging_folder(wanted.root.absolute(), "submission") as staging:
        owner = Owner(staging, wanted.division, wanted.submitter)
        _system(owner, system, ran[scenarios[0], PERFORMANCE], wanted)
        implementation = f"ckssd-{runtime}-{_code_hash()}"
        for scenario in scenarios:
            entry = Entry(owner, system, MODEL, scenario)
            of_scenario = {kind: ran[scenario, kind] for kind in kinds[scenario]}
            _lay_out(entry, implementation, of_scenario, wanted)
            lay_out_compliance(entry, of_scenario, benchmark)
        _code(owner, implementation, runtime)
        truncate(staging, wanted.originals)
        _declare(owner, system, round_)
        _move(owner, Owner(wanted.root, wanted.division, wanted.submitter), system)
    return write_log(wanted.root, round_)


def _kinds(wanted: Wanted, scenario: str, round_: Round) -> tuple[str, ...]:
    # The performance run first: the others have its user.conf.
    tests = tests_of(scenario, round_) if wanted.compliance or wanted.division == CLOSED else ()
    return (PERFORMANCE, ACCURACY, *tests)


def _system_name(runtime: str) -> str:
    machine = describe_machine()
    text = f"{machine['cpu']}-{machine['processors']}p-{runtime}"
    return re.sub(r"[^A-Za-z0-9_.+]+", "-", text).strip("-._+")


def _refuse_existing(owner: Owner, system: str) -> None:
    for place in (owner.folder / RESULTS / system, owner.folder / MEASUREMENTS / system):
        if place.exists():
            raise InputError(
                "The submission has this system already",
                where=place,
                advice="take it away, or give another name: --system",
            )


def _system(owner: Owner, system: str, ran: Ran, wanted: Wanted) -> None:
    names = {"submitter": owner.name, "division": owner.division}
    path = owner.system_file(system)
    path.parent.mkdir(parents=True)
    write_json(path, describe_system(names, ran.record["settings"], wanted.stated))


def _lay_out(entry: Entry, implementation: str, ran: Mapping[str, Ran], wanted: Wanted) -> None:
    performance, accuracy = ran[PERFORMANCE], ran[ACCURACY]
    measured = entry.part(MEASUREMENTS)
    copy_files(performance.folder, measured, (MLPERF_CONF, USER_CONF))
    described = texts.implementation(performance.record, wanted.implementation)
    write_json(entry.implementation_file(implementation), described)
    (measured / README).write_text(texts.readme(entry, performance.record, wanted.command), encoding="utf-8")
    copy_files(performance.folder, entry.performance, PERFORMANCE_FILES)
    copy_files(accuracy.folder, entry.accuracy, [name for name in ACCURACY_FILES if name != ACCURACY_TXT])
    (entry.accuracy / ACCURACY_TXT).write_text(texts.accuracy(accuracy.record), encoding="utf-8")


def _code(owner: Owner, implementation: str, runtime: str) -> None:
    """Copy this library: all that is between LoadGen and the runtime."""
    place = Entry(owner, "", MODEL, "").code(implementation)
    shutil.copytree(
        source_folder() / "ckssd", place / "src" / "ckssd", ignore=shutil.ignore_patterns("__pycache__", ".*")
    )
    shutil.copyfile(own_root() / "LICENSE", place / "LICENSE")
    (place / README).write_text(texts.code_readme(runtime), encoding="utf-8")


def _code_hash() -> str:
    """Of this library's source: results of another version name other code."""
    digest, folder = hashlib.sha256(), source_folder() / "ckssd"
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _declare(owner: Owner, system: str, round_: Round) -> None:
    """Write down what is not by the rules, where a reader and `check` look for it."""
    found = [one for one in check(owner.root, round_).findings if one.rule in DECLARED]
    listed = [{**one.as_dict(), "declared": True} for one in found]
    write_json(owner.folder / MEASUREMENTS / system / DEPARTURES, listed)
    for readme in sorted((owner.folder / MEASUREMENTS / system).rglob(README)):
        scenario = readme.parent.name
        said = [one for one in found if f"/{scenario}/" in one.where]
        text = readme.read_text(encoding="utf-8") + texts.departures(said, round_.name)
        readme.write_text(text, encoding="utf-8")


def _move(made: Owner, owner: Owner, system: str) -> None:
    """Put new folders into the submission; the system's description comes last, and makes it whole."""
    for part in sorted(path for path in made.folder.iterdir() if path.name not in (SYSTEMS, CODE)):
        _put(part / system, owner.folder / part.name / system)
    for code in sorted((made.folder / CODE / MODEL).iterdir()):
        place = owner.folder / CODE / MODEL / code.name
        if not place.exists():  # the hash in its name says that it is the same
            _put(code, place)
    _put(made.system_file(system), owner.system_file(system))


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)


def write_log(root: Path, round_: Round) -> Report:
    """Check a submission, and leave what was found in each submitter's ``compliance_checker_log.txt``."""
    for owner in owners(root):
        (owner.folder / RESULTS / CHECKER_LOG).write_text("ckssd submission check\n", encoding="utf-8")
    report = check(root, round_)
    for owner in owners(root):
        (owner.folder / RESULTS / CHECKER_LOG).write_text(report_text(report) + "\n", encoding="utf-8")
    return report

"""Rules about what a result was measured with: configuration, README, implementation, code."""

from __future__ import annotations

from collections.abc import Iterator

from ckssd.errors import InputError
from ckssd.json_file import read_object
from ckssd.loadgen.conf import SCENARIOS, attributes, read_conf
from ckssd.loadgen.logs import MLPERF_CONF, USER_CONF
from ckssd.loadgen.rounds import Round
from ckssd.submission import rules
from ckssd.submission.layout import (
    MEASUREMENT_FILES,
    MEASUREMENTS,
    README,
    Entry,
    files_in,
)
from ckssd.submission.rules import Finding
from ckssd.submission.systems import NOTHING
from ckssd.submission.tree import missing_files

# Source: submission-checker.py of r2.0, SYSTEM_IMP_REQUIRED_FILES; submission_rules.adoc, 5.8.
FIELDS = (
    "starting_weights_filename",
    "weight_transformations",
    "weight_data_types",
    "input_data_types",
    "retraining",
)
LEAST_WORDS = 4  # of a README


def check_measurements(entry: Entry, round_: Round) -> Iterator[Finding]:
    """One scenario's folder in ``measurements``, and its code."""
    folder = entry.part(MEASUREMENTS)
    described = [
        name for name in files_in(folder) if name.startswith(entry.system) and name.endswith(".json")
    ]
    # More files may be there: published rounds have tables of tools and notes on calibration.
    yield from missing_files(
        rules.MEASUREMENT_FILES, entry.owner, folder, MEASUREMENT_FILES, tuple(files_in(folder))
    )
    yield from _readme(entry)
    yield from _confs(entry, round_)
    wanted = entry.implementation_file("IMPLEMENTATION").name
    if not described:
        yield Finding(rules.IMPLEMENTATION, entry.show(folder), wanted, "no such file")
        return
    implementation = implementation_of(entry, described[0])
    if not implementation:
        yield Finding(rules.IMPLEMENTATION, entry.show(folder / described[0]), wanted, described[0])
    yield from _implementation(entry, described[0], implementation)


def implementation_of(entry: Entry, name: str) -> str:
    """The implementation that a description's name has in it, with the scenario or without; or nothing."""
    middle = name.removeprefix(entry.system).removesuffix(".json").removesuffix(f"_{entry.place}")
    return middle.removeprefix("_")


def _readme(entry: Entry) -> Iterator[Finding]:
    path = entry.part(MEASUREMENTS) / README
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    if path.is_file() and len(text.split()) < LEAST_WORDS:
        yield Finding(rules.README, entry.show(path), "the command of the results", f"{len(text)} letters")


def _confs(entry: Entry, round_: Round) -> Iterator[Finding]:
    user, official = (entry.part(MEASUREMENTS) / name for name in (USER_CONF, MLPERF_CONF))
    try:
        if user.is_file():
            read_conf(user)
    except InputError as error:
        where = (error.where or entry.show(user)).replace(f"{entry.owner.root}/", "")
        yield Finding(rules.USER_CONF, where, error.expected or error.advice, error.got or error.what)
    if official.is_file() and entry.scenario in SCENARIOS:
        yield from _official(entry, round_)


def _official(entry: Entry, round_: Round) -> Iterator[Finding]:
    path = entry.part(MEASUREMENTS) / MLPERF_CONF
    try:
        there = read_conf(path, official=True)
    except InputError as error:
        yield Finding(rules.MLPERF_CONF, entry.show(path), f"{round_.name}'s", error.got or error.what)
        return
    wanted, found = attributes([round_.conf], entry.scenario), attributes([there], entry.scenario)
    for name, value in wanted.items():
        if found.get(name) != value:
            expected = f"{name} {value}, as in {round_.name}"
            yield Finding(rules.MLPERF_CONF, entry.show(path), expected, found.get(name, "nothing"))


def _implementation(entry: Entry, name: str, implementation: str) -> Iterator[Finding]:
    path = entry.part(MEASUREMENTS) / name
    where = entry.show(path)
    try:
        described = read_object(path, "fields of an implementation")
    except InputError as error:
        yield Finding(rules.IMPLEMENTATION, where, "a JSON object", error.got or error.what)
        return
    for field in FIELDS:
        value = str(described.get(field, "")).strip()
        if value.lower() in NOTHING:
            option = f"ckssd submission create --{field.replace('_', '-')}"
            yield Finding(rules.IMPLEMENTATION, where, f"an answer in {field}", value or "nothing", option)
    code = entry.code(implementation)
    if not code.is_dir() or not any(path.is_file() for path in code.rglob("*")):
        yield Finding(rules.CODE, entry.show(code), "the implementation's code", "no files")

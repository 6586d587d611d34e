"""Rules about ``compliance``: each test is there, was run with its settings, and passes again by its logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ckssd.loadgen.conf import attributes
from ckssd.loadgen.logs import ACCURACY
from ckssd.loadgen.plan import audit_values
from ckssd.loadgen.rounds import Round
from ckssd.loadgen.settings import AUDITS
from ckssd.submission import rules
from ckssd.submission.accuracy import check_log, stated_accuracy
from ckssd.submission.compliance import (
    FAIL,
    PASS,
    TEST01,
    TEST04_A,
    TEST04_B,
    TEST05,
    Verdict,
    same_accuracy,
    verify_caching,
    verify_speed,
)
from ckssd.submission.layout import (
    ACCURACY_FOLDER,
    ACCURACY_TXT,
    COMPLIANCE,
    OPTIONAL_FILES,
    PERFORMANCE,
    PERFORMANCE_FILES,
    RUN,
    TRACE_FILE,
    Entry,
    folders_in,
)
from ckssd.submission.performance import AUDIT_KEYS, check_loadgen, check_seeds
from ckssd.submission.rules import Finding, Rule
from ckssd.submission.run_logs import RunLogs, check_any_run, read_run
from ckssd.submission.tree import missing_files

VERIFY_SPEED, VERIFY_ANSWERS = "verify_performance.txt", "verify_accuracy.txt"
BASELINE, COMPARED = "baseline_accuracy.txt", "compliance_accuracy.txt"  # where answers differ with reason
FILES: dict[str, tuple[str, ...]] = {
    TEST01: (VERIFY_SPEED, VERIFY_ANSWERS),
    TEST04_A: (VERIFY_SPEED,),
    TEST04_B: (),
    TEST05: (VERIFY_SPEED,),
}
AGAIN = "run it again on an idle machine"


def tests_of(scenario: str, round_: Round) -> tuple[str, ...]:
    """The tests that a scenario needs: TEST04 is for MultiStream since v2.0 only."""
    before = scenario == "MultiStream" and scenario not in round_.early_stopping
    return tuple(test for test in AUDITS if not (before and test in (TEST04_A, TEST04_B)))


def run_folder(entry: Entry, test: str) -> Path:
    """The logs of a test's run."""
    return entry.part(COMPLIANCE) / test / PERFORMANCE / RUN


def check_compliance(entry: Entry, round_: Round) -> Iterator[Finding]:
    """All tests of one scenario; where they are not wanted, those that are there."""
    place, there = entry.part(COMPLIANCE), folders_in(entry.part(COMPLIANCE))
    wanted = tests_of(entry.scenario, round_)
    for test in wanted if entry.owner.closed else ():
        if test not in there:
            yield Finding(rules.COMPLIANCE_TESTS, entry.show(place), test, "no such test")
    for test in there:
        if test not in AUDITS:
            yield Finding(rules.COMPLIANCE_TESTS, entry.show(place / test), ", ".join(wanted), test)
    reference = read_run(entry.owner, entry.performance)
    # Where the result is inferred, so are its tests.
    scenario = reference.scenario if isinstance(reference, RunLogs) else entry.scenario
    runs: dict[str, RunLogs] = {}
    for test in [test for test in AUDITS if test in there]:
        yield from _files(entry, test)
        found = read_run(entry.owner, run_folder(entry, test))
        if isinstance(found, Finding):
            yield found
            continue
        runs[test] = found
        yield from _run(scenario, test, found, round_)
    if isinstance(reference, RunLogs):
        yield from _verdicts(reference, runs)


def _files(entry: Entry, test: str) -> Iterator[Finding]:
    place, rule = entry.part(COMPLIANCE) / test, rules.COMPLIANCE_FILES
    yield from missing_files(rule, entry.owner, place, FILES[test])
    yield from missing_files(rule, entry.owner, run_folder(entry, test), PERFORMANCE_FILES, OPTIONAL_FILES)
    if test == TEST01:
        folder = place / ACCURACY_FOLDER
        optional = (BASELINE, COMPARED, TRACE_FILE)
        yield from missing_files(rule, entry.owner, folder, (ACCURACY, ACCURACY_TXT), optional)
        yield from check_log(entry, folder)
    for name in FILES[test]:
        path = place / name
        if path.is_file() and PASS not in path.read_text(encoding="utf-8", errors="replace"):
            if name == VERIFY_ANSWERS:
                yield from _other_answers(entry, place)
            else:
                got = FAIL if FAIL in path.read_text(encoding="utf-8", errors="replace") else "neither"
                yield Finding(rules.COMPLIANCE_STATED, entry.show(path), PASS, got, AGAIN)


def _other_answers(entry: Entry, place: Path) -> Iterator[Finding]:
    """Answers may differ with reason, which two more files then show."""
    explained = [place / ACCURACY_FOLDER / name for name in (BASELINE, COMPARED)]
    missing = [path.name for path in explained if not path.is_file()]
    if missing:
        expected = f"{PASS}, or {BASELINE} and {COMPARED} in {ACCURACY_FOLDER}"
        advice = "TEST01's README, part III"
        yield Finding(
            rules.COMPLIANCE_STATED,
            entry.show(place / VERIFY_ANSWERS),
            expected,
            f"no {' and no '.join(missing)}",
            advice,
        )
        return
    baseline, compared = (stated_accuracy(path) for path in explained)
    if baseline is None or compared is None or not same_accuracy(baseline, compared):
        got = " and ".join("no mAP" if one is None else f"mAP {one:g}" for one in (baseline, compared))
        place_of = entry.show(explained[1])
        yield Finding(rules.TEST01_ACCURACY, place_of, "mAP of both within 1 %", got)


def _run(scenario: str, test: str, logs: RunLogs, round_: Round) -> Iterator[Finding]:
    """A test's run: as the submission's, but for what the test changes."""
    # TEST04 is over after each sample has come once, which LoadGen calls an error.
    yield from check_any_run(logs, performance=True, errors=test not in (TEST04_A, TEST04_B))
    yield from check_loadgen(logs, round_)
    if logs.scenario != scenario:
        yield Finding(rules.SCENARIO_RUN, logs.where, scenario, logs.scenario)
    if test in (TEST01, TEST05):
        if logs.value("result_validity") != "VALID":
            yield Finding(rules.VALID, logs.where, "VALID", logs.value("result_validity"), AGAIN)
        asked = int(logs.number("effective_min_duration_ms"))
        if asked < round_.least_duration_ms:
            expected = f"min_duration at least {round_.least_duration_ms} ms"
            yield Finding(rules.DURATION, logs.where, expected, f"{asked} ms")
    changed = attributes([audit_values(test, round_)], scenario)
    for name in {**dict.fromkeys(AUDIT_KEYS, 0), **changed}:
        got = logs.value(f"effective_{name}")
        wanted = changed.get(name, 0)
        if name != "accuracy_log_probability" and (got or 0) != wanted:
            expected = f"{name} {wanted:g}" if isinstance(wanted, float) else f"{name} {wanted}"
            yield Finding(rules.COMPLIANCE_SETTINGS, logs.where, f"{expected}, as in {test}", got)
    if test != TEST05:
        yield from check_seeds(logs, round_.seeds())


def _verdicts(reference: RunLogs, runs: dict[str, RunLogs]) -> Iterator[Finding]:
    for test, rule in ((TEST01, rules.TEST01_SPEED), (TEST05, rules.TEST05_SPEED)):
        if test in runs:
            yield from _passed(rule, runs[test], verify_speed(test, reference, runs[test]))
    if TEST04_A in runs and TEST04_B in runs:
        verdict = verify_caching(runs[TEST04_A], runs[TEST04_B])
        yield from _passed(rules.TEST04_CACHING, runs[TEST04_B], verdict)


def _passed(rule: Rule, logs: RunLogs, verdict: Verdict) -> Iterator[Finding]:
    if not verdict.passed:
        _, expected, got, limit = verdict.lines
        yield Finding(rule, logs.where, f"{expected}, {limit}", got, AGAIN)

"""Lays out the compliance tests' runs, each with its verdict, whatever it is."""

from __future__ import annotations

from collections.abc import Mapping

from ckssd.loadgen.logs import ACCURACY as ACCURACY_LOG
from ckssd.submission.compliance import (
    TEST01,
    TEST04_A,
    TEST04_B,
    TEST05,
    verify_answers,
    verify_caching,
    verify_speed,
)
from ckssd.submission.compliance_folders import VERIFY_ANSWERS, VERIFY_SPEED, run_folder
from ckssd.submission.layout import ACCURACY_FOLDER, COMPLIANCE, PERFORMANCE_FILES, Entry
from ckssd.submission.run_logs import RunLogs, read_run
from ckssd.submission.runs import ACCURACY, Ran, copy_files


def lay_out_compliance(entry: Entry, ran: Mapping[str, Ran]) -> None:
    """Copy the logs of the tests that were run, and write their verdicts.

    Raises
    ------
    InputError
        A log of a run cannot be read.
    """
    place = entry.part(COMPLIANCE)
    tests = [test for test in (TEST01, TEST04_A, TEST04_B, TEST05) if test in ran]
    for test in tests:
        copy_files(ran[test].folder, run_folder(entry, test), PERFORMANCE_FILES)
    if TEST01 in ran:
        copy_files(ran[TEST01].folder, place / TEST01 / ACCURACY_FOLDER, [ACCURACY_LOG])
        answers = verify_answers(ran[ACCURACY].folder / ACCURACY_LOG, ran[TEST01].folder / ACCURACY_LOG)
        (place / TEST01 / VERIFY_ANSWERS).write_text(answers.text, encoding="utf-8")
    reference = read_run(entry.owner, entry.performance)
    runs = {test: read_run(entry.owner, run_folder(entry, test)) for test in tests}
    for test, found in runs.items():
        if test == TEST04_B or not isinstance(found, RunLogs) or not isinstance(reference, RunLogs):
            continue
        same = runs.get(TEST04_B)
        if test != TEST04_A:
            verdict = verify_speed(test, reference, found)
        elif isinstance(same, RunLogs):
            verdict = verify_caching(found, same)
        else:
            continue
        (place / test / VERIFY_SPEED).write_text(verdict.text, encoding="utf-8")

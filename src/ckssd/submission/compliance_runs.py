"""Lays out the compliance tests' runs, each with its verdict, whatever it is."""

from __future__ import annotations

from collections.abc import Mapping

from ckssd.loadgen.accuracy import accuracy_of, indices_in
from ckssd.loadgen.logs import ACCURACY as ACCURACY_LOG
from ckssd.loadgen.logs import IMAGES_FILE
from ckssd.measure.settings import BenchmarkSettings
from ckssd.submission import texts
from ckssd.submission.compliance import (
    TEST01,
    TEST04_A,
    TEST04_B,
    TEST05,
    verify_answers,
    verify_caching,
    verify_speed,
)
from ckssd.submission.compliance_folders import (
    BASELINE,
    COMPARED,
    VERIFY_ANSWERS,
    VERIFY_SPEED,
    run_folder,
)
from ckssd.submission.layout import ACCURACY_FOLDER, COMPLIANCE, PERFORMANCE_FILES, Entry
from ckssd.submission.run_logs import RunLogs, read_run
from ckssd.submission.runs import ACCURACY, Ran, copy_files


def lay_out_compliance(entry: Entry, ran: Mapping[str, Ran], benchmark: BenchmarkSettings) -> None:
    """Copy the logs of the tests that were run, and write their verdicts.

    Parameters
    ----------
    benchmark
        Whose annotations and metric tool measure answers that are not the accuracy run's.

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
        _answers(entry, ran, benchmark)
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


def _answers(entry: Entry, ran: Mapping[str, Ran], benchmark: BenchmarkSettings) -> None:
    """TEST01's answers: their log and verdict; where they differ, part III: the accuracy of both runs.

    It is of those samples alone that the test's log has, in the accuracy run's log as in its own.
    """
    place = entry.part(COMPLIANCE) / TEST01
    before, log = (ran[kind].folder / ACCURACY_LOG for kind in (ACCURACY, TEST01))
    copy_files(log.parent, place / ACCURACY_FOLDER, [ACCURACY_LOG])
    verdict = verify_answers(before, log)
    (place / VERIFY_ANSWERS).write_text(verdict.text, encoding="utf-8")
    answered = indices_in(log)
    if verdict.passed or not answered <= indices_in(before) or not answered:
        return
    for name, path in ((BASELINE, before), (COMPARED, log)):
        found = accuracy_of(
            path,
            benchmark.annotations,
            benchmark.metrics_python,
            listed=before.parent / IMAGES_FILE,
            only=answered,
        )
        text = texts.compared_accuracy(found, "accuracy run" if path == before else "run of TEST01")
        (place / ACCURACY_FOLDER / name).write_text(text, encoding="utf-8")

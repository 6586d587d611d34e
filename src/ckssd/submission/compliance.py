"""The compliance tests' verdicts, computed from LoadGen's logs by the text of their READMEs.

TEST01: answers in a performance run are those of the accuracy run, at nearly the same speed. TEST04: a sample
that comes again and again is not answered faster than samples that are all different. TEST05: other seeds,
nearly the same speed. Source of the limits: mlcommons/inference, branch r2.0, compliance/nvidia/*/README.md
and verify_performance.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.errors import InputError
from ckssd.loadgen.settings import AUDITS
from ckssd.submission.run_logs import RunLogs

TEST01, TEST04_A, TEST04_B, TEST05 = AUDITS
PASS, FAIL = "TEST PASS", "TEST FAIL"
ACCURACY_LIMIT = 0.01
LIMITS = {TEST01: 0.10, TEST04_A: 0.10, TEST05: 0.05}
# Short latencies vary more; nanoseconds of a query.
SHORT_LIMIT = 0.20
SHORT = {"SingleStream": 200_000, "MultiStream": 1_600_000}
SHORT_COUNTS = {
    TEST01: ("SingleStream", "MultiStream"),
    TEST04_A: ("SingleStream",),
    TEST05: ("SingleStream",),
}
# The figures that count: percentiles themselves, not early stopping's estimates, as in MLPerf's scripts.
SCORES = {
    "SingleStream": ("result_90.00_percentile_latency_ns", "90th percentile of the latency, ns"),
    "MultiStream": ("result_99.00_percentile_per_query_latency_ns", "99th percentile of the latency, ns"),
    "Offline": ("result_samples_per_second", "samples per second"),
    "Server": ("result_scheduled_samples_per_sec", "samples per second"),
}
OF_LATENCY = ("SingleStream", "MultiStream")


@dataclass(frozen=True)
class Verdict:
    """What a test finds; ``text`` is for the file that is handed in."""

    passed: bool
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines, the last of which is what MLPerf's checker looks for."""
        return "\n".join([*self.lines, PASS if self.passed else FAIL]) + "\n"


def score(logs: RunLogs) -> float:
    """A run's figure; 0 where it has none."""
    known = SCORES.get(logs.scenario)
    return logs.number(known[0]) if known else 0.0


def limit_of(test: str, scenario: str, reference: float) -> float:
    """By how much a figure may differ, as a share of the reference."""
    short = scenario in SHORT_COUNTS[test] and reference <= SHORT[scenario]
    return SHORT_LIMIT if short else LIMITS[test]


def verify_speed(test: str, reference: RunLogs, run: RunLogs) -> Verdict:
    """TEST01 and TEST05: the speed of the test's run is the submission's."""
    limit = limit_of(test, reference.scenario, score(reference))
    return _verdict(reference, run, limit, abs(score(run) - score(reference)) < limit * score(reference))


def verify_caching(unique: RunLogs, same: RunLogs) -> Verdict:
    """TEST04: B, one sample again and again, is no faster than A, all different ones, within the limit."""
    limit = limit_of(TEST04_A, unique.scenario, score(unique))
    if unique.scenario in OF_LATENCY:
        fair = score(same) > (1 - limit) * score(unique)
    else:
        fair = score(same) < (1 + limit) * score(unique)
    return _verdict(unique, same, limit, fair)


def _verdict(reference: RunLogs, run: RunLogs, limit: float, fair: bool) -> Verdict:
    unit = SCORES.get(reference.scenario, ("", "no figure"))[1]
    lines = (
        f"scenario = {reference.scenario}",
        f"reference score = {score(reference):g} ({unit})",
        f"test score = {score(run):g} ({unit})",
        f"limit = {100 * limit:g} %",
    )
    known = run.scenario == reference.scenario and score(reference) > 0 and score(run) > 0
    return Verdict(known and fair, lines)


def verify_answers(reference: Path, run: Path) -> Verdict:
    """TEST01: each answer that the performance run logged is the accuracy run's, byte by byte.

    Stricter than MLPerf's script, which compares the first number of each answer.

    Raises
    ------
    InputError
        A log cannot be read, or was cut.
    """
    wanted = {int(one["qsl_idx"]): one["data"] for one in reversed(_entries(reference))}
    found = _entries(run)
    missing = [one for one in found if int(one["qsl_idx"]) not in wanted]
    other = [one for one in found if wanted.get(int(one["qsl_idx"]), one["data"]) != one["data"]]
    lines = (
        f"answers in the accuracy run = {len(wanted)}",
        f"answers logged in the performance run = {len(found)}",
        f"of samples that the accuracy run has not = {len(missing)}",
        f"that are not the same = {len(other)}",
    )
    return Verdict(bool(found) and not missing and not other, lines)


def same_accuracy(baseline: float, compliance: float) -> bool:
    """TEST01, part III: where answers are not the same each time, their accuracy is, within 1 % of it.

    The README says 1 %; of which, MLPerf's checker of v4.0 says: of the test's own.
    """
    return abs(baseline - compliance) <= ACCURACY_LIMIT * compliance


def _entries(path: Path) -> list[Mapping[str, Any]]:
    try:
        content = json.loads(path.read_bytes())
        return [one for one in content if int(one["qsl_idx"]) >= 0 and isinstance(one["data"], str)]
    except OSError as error:
        raise InputError("The accuracy log cannot be read", where=path, got=error.strerror) from error
    except (ValueError, TypeError, KeyError) as error:
        raise InputError("The accuracy log cannot be compared", where=path, got=error) from error

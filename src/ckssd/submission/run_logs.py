"""A run's two logs as the rules need them: what the detailed log says, and whether the summary agrees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ckssd.errors import InputError
from ckssd.loadgen.logs import DETAIL, SUMMARY, Detail, read_detail
from ckssd.submission import rules
from ckssd.submission.layout import Owner
from ckssd.submission.rules import Finding

PERFORMANCE_MODES = ("PerformanceOnly", "SubmissionRun")
ACCURACY_MODES = ("AccuracyOnly", "SubmissionRun")
_LINE = re.compile(r"^\s*([\w .()/-]+?)\s*:\s*(\S.*?)\s*$")
# Lines of the summary to keys of the detailed log.
_SAME = {
    "Scenario": "effective_scenario",
    "Mode": "effective_test_mode",
    "Result is": "result_validity",
    "min_duration (ms)": "effective_min_duration_ms",
    "min_query_count": "effective_min_query_count",
    "qsl_rng_seed": "effective_qsl_rng_seed",
    "sample_index_rng_seed": "effective_sample_index_rng_seed",
    "schedule_rng_seed": "effective_schedule_rng_seed",
    "performance_sample_count": "effective_performance_sample_count",
    "samples_per_query": "effective_samples_per_query",
}
_CLOCK = "%m-%d-%Y %H:%M:%S.%f"  # of power_begin and power_end


@dataclass(frozen=True)
class RunLogs:
    """The logs of one run; ``where``: the detailed log's path, as findings name it."""

    where: str
    detail: Detail
    summary: dict[str, str]

    def value(self, key: str) -> Any:
        """A value of the detailed log; None where there is none."""
        return self.detail.values.get(key)

    def number(self, key: str) -> float:
        """A number of the detailed log; 0 where there is none."""
        found = self.value(key)
        return float(found) if isinstance(found, int | float) else 0.0

    @property
    def scenario(self) -> str:
        """The scenario that was run."""
        return str(self.value("effective_scenario")).replace(" ", "")

    def seconds(self) -> float | None:
        """How long the measured part took, from the first query to the last answer."""
        try:
            begin, end = (
                datetime.strptime(str(self.value(f"power_{key}")), _CLOCK) for key in ("begin", "end")
            )
        except ValueError:
            return None
        return (end - begin).total_seconds()


def read_run(owner: Owner, folder: Path) -> RunLogs | Finding:
    """Read a run's logs; a finding where one cannot be read."""
    where = owner.show(folder / DETAIL)
    try:
        detail = read_detail(folder / DETAIL)
        text = (folder / SUMMARY).read_text(encoding="utf-8")
    except InputError as error:
        return Finding(rules.READABLE_LOG, where, "LoadGen's detailed log", error.got or error.what)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        return Finding(rules.READABLE_LOG, owner.show(folder / SUMMARY), "LoadGen's summary", reason)
    lines = [found for line in text.splitlines() if (found := _LINE.match(line))]
    return RunLogs(where, detail, {found[1]: found[2] for found in lines})


def check_any_run(logs: RunLogs, *, performance: bool, errors: bool = True) -> Iterator[Finding]:
    """What holds for every run: mode, no errors (where they count), and one story in both logs."""
    modes = PERFORMANCE_MODES if performance else ACCURACY_MODES
    mode = logs.value("effective_test_mode")
    if mode not in modes:
        yield Finding(rules.MODE, logs.where, modes[0], mode)
    for error in logs.detail.errors if errors else ():
        yield Finding(rules.NO_ERRORS, logs.where, "no errors", error)
    if not performance:  # its summary says only that there are no results
        return
    for line, key in _SAME.items():
        said, value = logs.summary.get(line), logs.value(key)
        if said is None or value is None or said.replace(" ", "") != str(value).replace(" ", ""):
            where = logs.where.replace(DETAIL, SUMMARY)
            yield Finding(rules.SAME_IN_SUMMARY, where, f"{line}: {value}", said or "no such line")

"""LoadGen's four log files: whether they are whole, and what they say.

``mlperf_log_detail.txt`` has a JSON object in each line, behind ``:::MLLOG``.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ckssd.errors import EnvironmentSetupError, InputError

SUMMARY, DETAIL = "mlperf_log_summary.txt", "mlperf_log_detail.txt"
ACCURACY, TRACE = "mlperf_log_accuracy.json", "mlperf_log_trace.json"
# Ours beside them: the configuration of the run, and which image each index is.
IMAGES_FILE, USER_CONF, MLPERF_CONF = "images.json", "user.conf", "mlperf.conf"
AUDIT_CONFIG = "audit.config"  # of a compliance test; LoadGen looks for it and says so in its log
LOGS = (SUMMARY, DETAIL, ACCURACY, TRACE)
PREFIX = ":::MLLOG "
_ENDS = re.compile(r"(No errors|\d+ ERRORS?) encountered", re.MULTILINE)
_PERCENTILE = re.compile(r"result_(\d+\.\d+)_percentile_(per_query_)?latency_ns")


@dataclass(frozen=True)
class Detail:
    """The detailed log: key to value, the last one counting, and what LoadGen calls errors and warnings."""

    values: dict[str, Any]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]

    def verdict(self) -> Verdict:
        """What LoadGen says about a performance run."""
        values = self.values
        percentiles = {
            found[1]: int(value) for key, value in values.items() if (found := _PERCENTILE.fullmatch(key))
        }
        reasons = [text for key, text in _CONDITIONS.items() if values.get(key) is False]
        reasons += [str(values.get("result_invalid_reason") or "").strip(), *self.errors]
        return Verdict(
            result=values.get("result_validity"),
            reasons=tuple(filter(None, reasons)),
            percentiles_ns=percentiles,
            mean_latency_ns=values.get("result_mean_query_latency_ns", values.get("result_mean_latency_ns")),
            samples_per_second=next((float(values[key]) for key in _RATES if key in values), None),
            early_stopping_ns=values.get("early_stopping_latency_ss")
            or values.get("early_stopping_latency_ms"),
            queries=values.get("result_query_count"),
            errors=self.errors,
            warnings=self.warnings,
        )


@dataclass(frozen=True)
class Verdict:
    """LoadGen's own judgement and figures; latencies in nanoseconds, of a query.

    ``result``: VALID, INVALID, or None of an accuracy run, which has no verdict.
    """

    result: str | None
    reasons: tuple[str, ...]
    percentiles_ns: dict[str, int]
    mean_latency_ns: int | None
    samples_per_second: float | None
    early_stopping_ns: int | None
    queries: int | None
    errors: tuple[str, ...]
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


# LoadGen's own figure of a scenario; MultiStream has none.
_RATES = (
    "result_samples_per_second",
    "result_completed_samples_per_sec",
    "result_scheduled_samples_per_sec",
    "result_qps_with_loadgen_overhead",
)
_CONDITIONS = {
    "result_min_duration_met": "the shortest duration was not reached",
    "result_min_queries_met": "too few queries",
    "result_perf_constraints_met": "the latency limit was not kept",
    "early_stopping_met": "early stopping is not satisfied",
}


def check_whole(folder: Path, *, performance: bool) -> None:
    """See whether LoadGen could write all of its logs: it goes on without a word when a disk is full.

    Raises
    ------
    EnvironmentSetupError
        One of them has no end.
    """
    summary = _text(folder / SUMMARY)
    detail = _text(folder / DETAIL)
    whole = {
        SUMMARY: _ENDS.search(summary) is not None,
        DETAIL: detail.endswith("}\n") and '"power_end"' in detail,
        ACCURACY: _text(folder / ACCURACY).rstrip().endswith("]"),
    }
    if performance:
        whole[DETAIL] = whole[DETAIL] and '"result_validity"' in detail
    missing = [name for name, there in whole.items() if not there]
    if missing:
        raise EnvironmentSetupError(
            "LoadGen's logs are not whole",
            where=folder / missing[0],
            advice="make room on that disk; nothing of this run was kept",
        )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def read_detail(path: Path) -> Detail:
    """Read ``mlperf_log_detail.txt``.

    Raises
    ------
    InputError
        It cannot be read, or is no such log.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError("LoadGen's detailed log cannot be read", where=path, got=reason) from error
    entries = [
        _entry(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.startswith(PREFIX)
    ]
    if not entries:
        raise InputError(
            "LoadGen's detailed log has no entry", where=path, expected=f"lines with {PREFIX.strip()}"
        )
    said = {kind: tuple(str(one["value"]) for one in entries if one["metadata"].get(kind)) for kind in _KINDS}
    return Detail({one["key"]: one["value"] for one in entries}, said["is_error"], said["is_warning"])


_KINDS = ("is_error", "is_warning")


def _entry(line: str, where: str) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads(line.removeprefix(PREFIX))
        entry["key"], entry["value"], entry["metadata"].get("is_error")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError("A line is no entry of LoadGen's log", where=where, got=error) from error
    return entry

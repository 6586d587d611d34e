"""A submission that breaks no rule, made of logs that say so: what tests break, one rule at a time.

Its runs never were: nobody has COCO and an idle machine for hours here. That real logs have the same keys is
tested with real runs, in test_create.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ckssd.loadgen.conf import attributes, conf_text
from ckssd.loadgen.plan import audit_values
from ckssd.loadgen.rounds import Round
from ckssd.submission.check import rules_of
from ckssd.submission.compliance_folders import tests_of
from ckssd.submission.measurements import FIELDS as IMPLEMENTATION_FIELDS
from ckssd.submission.systems import FIELDS as SYSTEM_FIELDS
from ckssd.submission.truncate import cut

SUBMITTER, SYSTEM, IMPLEMENTATION = "Somebody", "a-machine", "ours"
MODEL = "ssd-mobilenet"
SUMMARY_LINES = {
    "Scenario": "effective_scenario",
    "Mode": "effective_test_mode",
    "Result is": "result_validity",
    "samples_per_query": "effective_samples_per_query",
    "min_duration (ms)": "effective_min_duration_ms",
    "min_query_count": "effective_min_query_count",
    "qsl_rng_seed": "effective_qsl_rng_seed",
    "sample_index_rng_seed": "effective_sample_index_rng_seed",
    "schedule_rng_seed": "effective_schedule_rng_seed",
    "performance_sample_count": "effective_performance_sample_count",
}
RESULTS: dict[str, dict[str, float]] = {
    "SingleStream": {
        "result_90.00_percentile_latency_ns": 20_000_000,
        "result_99.00_percentile_latency_ns": 22_000_000,
        "result_mean_latency_ns": 19_000_000,
        "early_stopping_latency_ss": 20_100_000,
        "early_stopping_latency_ms": 22_200_000,
    },
    "MultiStream": {
        "result_99.00_percentile_per_query_latency_ns": 90_000_000,
        "result_mean_query_latency_ns": 80_000_000,
        "early_stopping_latency_ms": 91_000_000,
    },
    "Offline": {"result_samples_per_second": 100.5},
}


def values_of(scenario: str, mode: str, round_: Round) -> dict[str, Any]:
    """What a detailed log says, by key."""
    per_query = {"SingleStream": 1, "MultiStream": 8, "Offline": 66000}[scenario]
    found: dict[str, Any] = {
        "loadgen_version": f"{round_.loadgen_version} @ 33894a19",
        "loadgen_git_status_message": "",
        "effective_scenario": scenario,
        "effective_test_mode": mode,
        "effective_samples_per_query": per_query,
        "effective_target_latency_percentile": 0.99 if scenario == "MultiStream" else 0.9,
        "effective_min_duration_ms": 600_000,
        "effective_min_query_count": {"SingleStream": 1024, "MultiStream": 662, "Offline": 1}[scenario],
        **{f"effective_{name}": seed for name, seed in round_.seeds().items()},
        "effective_accuracy_log_sampling_target": 0,
        "effective_performance_issue_unique": False,
        "effective_performance_issue_same": False,
        "effective_performance_sample_count": 256,
        "qsl_reported_total_count": 5000,
        "power_begin": "11-27-2026 10:00:00.000",
        "power_end": "11-27-2026 10:10:00.100",
    }
    if mode == "PerformanceOnly":
        found |= {"result_validity": "VALID", "early_stopping_met": True, **RESULTS[scenario]}
    return found


def write_logs(folder: Path, values: Mapping[str, Any]) -> None:
    """Both logs of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for key, value in values.items():
        entry = {"key": key, "value": value, "metadata": {"is_error": key == "error", "is_warning": False}}
        lines.append(f":::MLLOG {json.dumps(entry)}\n")
    (folder / "mlperf_log_detail.txt").write_text("".join(lines))
    said = [f"{line} : {values[key]}\n" for line, key in SUMMARY_LINES.items() if key in values]
    (folder / "mlperf_log_summary.txt").write_text("".join(said))


def read_values(folder: Path) -> dict[str, Any]:
    """What ``write_logs`` was given."""
    lines = (folder / "mlperf_log_detail.txt").read_text().splitlines()
    entries = [json.loads(line.removeprefix(":::MLLOG ")) for line in lines]
    return {entry["key"]: entry["value"] for entry in entries}


def make_submission(root: Path, round_name: str = "v2.0", division: str = "closed") -> Path:
    """The whole folder."""
    round_ = rules_of(round_name)
    owner = root / division / SUBMITTER
    (owner / "systems").mkdir(parents=True)
    described = dict.fromkeys(SYSTEM_FIELDS, "something")
    described |= {"division": division, "submitter": SUBMITTER, "system_type": "edge", "status": "available"}
    described |= {"number_of_nodes": "1", "host_processors_per_node": "1", "host_processor_core_count": "2"}
    described |= {"accelerators_per_node": "0"}
    (owner / "systems" / f"{SYSTEM}.json").write_text(json.dumps(described))
    code = owner / "code" / MODEL / IMPLEMENTATION
    code.mkdir(parents=True)
    (code / "main.py").write_text("print('the code')\n")
    for scenario in round_.required:
        _scenario(owner, scenario, round_)
    (owner / "results" / "compliance_checker_log.txt").write_text("checked\n")
    return root


def _scenario(owner: Path, scenario: str, round_: Round) -> None:
    measured = owner / "measurements" / SYSTEM / MODEL / scenario
    measured.mkdir(parents=True)
    (measured / "mlperf.conf").write_text(conf_text(round_.conf))
    (measured / "user.conf").write_text("*.SingleStream.target_latency = 20\n")
    (measured / "README.md").write_text("Ten words or more say by which command it was measured here.\n")
    name = f"{SYSTEM}_{IMPLEMENTATION}_{scenario}.json"
    (measured / name).write_text(json.dumps(dict.fromkeys(IMPLEMENTATION_FIELDS, "fp32")))
    results = owner / "results" / SYSTEM / MODEL / scenario
    write_logs(results / "performance" / "run_1", values_of(scenario, "PerformanceOnly", round_))
    write_logs(results / "accuracy", values_of(scenario, "AccuracyOnly", round_))
    whole = json.dumps([{"qsl_idx": number, "data": "00" * 28} for number in range(500)]).encode()
    (results / "accuracy" / "mlperf_log_accuracy.json").write_bytes(cut(whole))
    digest = hashlib.sha256(whole).hexdigest()
    (results / "accuracy" / "accuracy.txt").write_text(f"mAP=23.050%\nhash={digest}\n")
    for test in tests_of(scenario, round_):
        _compliance(owner / "compliance" / SYSTEM / MODEL / scenario / test, scenario, test, round_)


def _compliance(folder: Path, scenario: str, test: str, round_: Round) -> None:
    changed = attributes([audit_values(test, round_)], scenario)
    values = values_of(scenario, "PerformanceOnly", round_)
    write_logs(
        folder / "performance" / "run_1", {**values, **{f"effective_{k}": v for k, v in changed.items()}}
    )
    if test != "TEST04-B":
        (folder / "verify_performance.txt").write_text("TEST PASS\n")
    if test == "TEST01":
        (folder / "verify_accuracy.txt").write_text("TEST PASS\n")
        (folder / "accuracy").mkdir()
        (folder / "accuracy" / "mlperf_log_accuracy.json").write_text("[]\n")
        digest = hashlib.sha256(b"[]\n").hexdigest()
        (folder / "accuracy" / "accuracy.txt").write_text(f"hash={digest}\n")

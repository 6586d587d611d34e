"""Rules about a performance run, and the figure that it is for."""

from __future__ import annotations

from collections.abc import Iterator

from ckssd.loadgen.conf import lookup
from ckssd.loadgen.rounds import Round
from ckssd.submission import rules
from ckssd.submission.layout import OPTIONAL_FILES, PERFORMANCE_FILES, Entry
from ckssd.submission.rules import Finding
from ckssd.submission.run_logs import RunLogs, check_any_run, read_run
from ckssd.submission.tree import missing_files

# What may stand for what in v2.0; before, only Offline from SingleStream: inference_rules.adoc, 4.1.1.
INFERRED = {"Offline": ("SingleStream", "MultiStream"), "MultiStream": ("SingleStream",)}
INFERRED_BEFORE = {"Offline": ("SingleStream",)}
MULTI_STREAM_SAMPLES = 8
AUDIT_KEYS = (
    *("accuracy_log_sampling_target", "accuracy_log_probability", "performance_issue_unique"),
    "performance_issue_same",
)
AGAIN = "run it again, by the round's rules"


def check_performance(entry: Entry, round_: Round) -> Iterator[Finding]:
    """The run of one scenario."""
    folder = entry.performance
    yield from missing_files(rules.PERFORMANCE_FILES, entry.owner, folder, PERFORMANCE_FILES, OPTIONAL_FILES)
    if not folder.is_dir():
        return
    logs = read_run(entry.owner, folder)
    if isinstance(logs, Finding):
        yield logs
        return
    yield from check_any_run(logs, performance=True)
    yield from check_scenario(entry, logs, round_)
    yield from _verdict(logs, round_)
    yield from check_seeds(logs, round_.seeds())
    yield from _amounts(logs, round_)
    for key in AUDIT_KEYS:
        if logs.value(f"effective_{key}"):
            yield Finding(rules.NO_AUDIT, logs.where, f"no {key}", logs.value(f"effective_{key}"), AGAIN)
    yield from check_loadgen(logs, round_)


def check_scenario(entry: Entry, logs: RunLogs, round_: Round) -> Iterator[Finding]:
    """Whether a run was of its folder's scenario, or of one that it may be inferred from."""
    allowed = INFERRED if round_.early_stopping else INFERRED_BEFORE
    possible = (entry.scenario, *allowed.get(entry.scenario, ()))
    if logs.scenario not in possible:
        yield Finding(rules.SCENARIO_RUN, logs.where, " or ".join(possible), logs.scenario)


def _verdict(logs: RunLogs, round_: Round) -> Iterator[Finding]:
    if logs.value("result_validity") != "VALID":
        reason = str(logs.value("result_invalid_reason") or "").strip()
        yield Finding(rules.VALID, logs.where, "VALID", logs.value("result_validity"), reason)
    if logs.scenario in round_.early_stopping and logs.value("early_stopping_met") is not True:
        yield Finding(rules.EARLY_STOPPING, logs.where, "early_stopping_met", "not met", "run for longer")


def check_seeds(logs: RunLogs, seeds: dict[str, int]) -> Iterator[Finding]:
    """Whether a run had these seeds."""
    for name, seed in seeds.items():
        got = logs.value(f"effective_{name}")
        if got != seed:
            yield Finding(rules.SEEDS, logs.where, f"{name} {seed}", got, "use the round's mlperf.conf")


def _amounts(logs: RunLogs, round_: Round) -> Iterator[Finding]:
    samples = int(logs.number("effective_performance_sample_count"))
    if samples < round_.least_samples:
        yield Finding(rules.PERFORMANCE_SAMPLES, logs.where, f"at least {round_.least_samples}", samples)
    yield from _duration(logs, round_)
    queries, least = int(logs.number("effective_min_query_count")), round_.least_queries.get(logs.scenario, 0)
    if logs.scenario not in (*round_.early_stopping, "Offline") and queries < least:
        yield Finding(rules.QUERY_COUNT, logs.where, f"min_query_count at least {least}", queries, AGAIN)
    per_query = int(logs.number("effective_samples_per_query"))
    if logs.scenario == "Offline" and per_query < round_.least_offline_samples:
        expected = f"at least {round_.least_offline_samples} in the query"
        yield Finding(rules.OFFLINE_SAMPLES, logs.where, expected, per_query, AGAIN)
    wanted = int(lookup(round_.conf, logs.scenario, "samples_per_query") or 1)
    if logs.scenario != "Offline" and per_query != wanted:
        yield Finding(rules.STREAMS, logs.where, f"{wanted} in a query", per_query)
    percentile = lookup(round_.conf, logs.scenario, "target_latency_percentile")
    got = logs.value("effective_target_latency_percentile")
    if logs.scenario != "Offline" and percentile and (not got or abs(got * 100 - percentile) > 1e-6):
        yield Finding(rules.PERCENTILE, logs.where, f"{percentile / 100:g}", got)


def _duration(logs: RunLogs, round_: Round) -> Iterator[Finding]:
    least = round_.least_duration_ms
    asked = int(logs.number("effective_min_duration_ms"))
    if asked < least:
        yield Finding(rules.DURATION, logs.where, f"min_duration at least {least} ms", f"{asked} ms", AGAIN)
    seconds = logs.seconds()
    if seconds is None or seconds * 1000 < least:
        got = "no power_begin and power_end" if seconds is None else f"{seconds:g} s"
        yield Finding(rules.DURATION, logs.where, f"queries for at least {least / 1000:g} s", got, AGAIN)


def check_loadgen(logs: RunLogs, round_: Round) -> Iterator[Finding]:
    """Whether a run had the round's LoadGen."""
    version = str(logs.value("loadgen_version") or "none stated")
    if version.partition(" ")[0] != round_.loadgen_version:
        expected = f"{round_.loadgen_version} (of {round_.name})"
        yield Finding(rules.LOADGEN, logs.where, expected, version)
    changed = logs.value("loadgen_git_status_message")
    if changed not in ("", "NA", None):
        yield Finding(rules.LOADGEN, logs.where, "a LoadGen without changes", str(changed)[:80])


def figure(logs: RunLogs, scenario: str, round_: Round) -> tuple[float, str]:
    """The result of a run in a scenario's folder, and its unit.

    A figure is inferred where the run was of another scenario. Source: inference_rules.adoc, 3 and 4.1.1.
    """
    ran = logs.scenario
    if scenario == "Offline" and ran != scenario:
        key = "result_mean_latency_ns" if ran == "SingleStream" else "result_mean_query_latency_ns"
        samples = 1 if ran == "SingleStream" else MULTI_STREAM_SAMPLES
        mean = logs.number(key)
        return (samples * 1e9 / mean if mean else 0.0), "samples/s"
    if scenario in ("Offline", "Server"):
        names = ("result_samples_per_second", "result_scheduled_samples_per_sec")
        return logs.number(names[scenario == "Server"]), ("samples/s", "queries/s")[scenario == "Server"]
    times = MULTI_STREAM_SAMPLES if scenario != ran else 1
    return times * logs.number(_latency_key(scenario, ran, round_)) / 1e6, "ms"


def _latency_key(scenario: str, ran: str, round_: Round) -> str:
    if scenario in round_.early_stopping:
        return "early_stopping_latency_ss" if scenario == "SingleStream" else "early_stopping_latency_ms"
    if scenario == "SingleStream":
        return "result_90.00_percentile_latency_ns"
    return (
        "result_99.00_percentile_per_query_latency_ns"
        if ran == scenario
        else "result_99.00_percentile_latency_ns"
    )

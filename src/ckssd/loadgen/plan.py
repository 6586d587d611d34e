"""What LoadGen is told in a run: the round's rules, and a user.conf, given or written from a measurement.

LoadGen prepares as many queries as the expected latency or rate promises for the shortest duration, twice as
many in the latency scenarios; where a machine is faster still, the result is invalid. So it is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ckssd.errors import UsageError
from ckssd.loadgen.conf import MS_TO_NS, Number, attributes, lookup, read_conf
from ckssd.loadgen.rounds import Round
from ckssd.loadgen.server_rate import server_rate
from ckssd.loadgen.settings import LoadGenSettings

SERVER = "Server"
MOST_SAMPLES = 10_000_000
PERFORMANCE_MODE = 2  # LoadGen's number
TWICE = 2  # LoadGen prepares for half the expected latency
# Of the measured latency: a machine that was busy while it was measured is faster than that.
EXPECTED_SHARE = 0.6
# Offline is over too soon where the machine is faster than expected; LoadGen itself adds a tenth.
OFFLINE_RESERVE = 1.1
# Of the rate that all cores together reach, where no rate keeps Server's bound: there has to be one.
SERVER_SHARE = 0.1
# What early stopping needs at least: 64 queries for the 90th percentile, 662 for the 99th.
# Source: mlcommons/inference, loadgen/early_stopping.cc, MinPassingQueriesFinder; as LoadGen's log says it.
EARLY_STOPPING_QUERIES = {"SingleStream": 64, "MultiStream": 662, "Server": 662}


@dataclass(frozen=True)
class Plan:
    """A run's configuration.

    ``user_conf``: the values of the file, and ``about`` where they are from. ``audit``: those of a compliance
    test's audit.config, which LoadGen reads itself and which count more. ``departures``: what is not as the
    round's rules say, so that a result is no submission's. ``notes``: what else a person should know.
    """

    user_conf: dict[str, Number]
    about: tuple[str, ...]
    attributes: dict[str, Number]
    audit: dict[str, Number]
    departures: tuple[str, ...]
    notes: tuple[str, ...] = ()


def make_plan(
    settings: LoadGenSettings,
    rules: Round,
    *,
    latency_s: float,
    rate: float,
    samples: int,
    times: Sequence[float] = (),
    detectors: int = 1,
) -> Plan:
    """Collect the configuration of a run.

    Parameters
    ----------
    latency_s
        Measured seconds of one image.
    rate
        Measured images a second, of all detectors together.
    samples
        In the library.
    times
        Measured seconds of each image, with all detectors at work; a Server's rate needs them.
    """
    about, notes = ["written from a measurement of this machine"], []
    if settings.user_conf is not None:
        values, about = read_conf(settings.user_conf), [f"as in {settings.user_conf.name}"]
    else:
        values = measured_conf(settings.scenario, rules, latency_s=latency_s, rate=rate)
    if settings.scenario == SERVER and settings.user_conf is None and settings.target_qps is None:
        found_rate, said = _server_rate(settings, rules, times or [latency_s], detectors)
        values["*.Server.target_qps"] = _short(found_rate or rate * SERVER_SHARE)
        notes.append(said)
    changed = _asked(settings)
    values = {**values, **changed}
    audit = audit_values(settings.audit, rules)
    # Seeds of an audit.config are no more read by LoadGen 6, so all of it is set in both ways.
    found = attributes([rules.conf, values, audit], settings.scenario)
    if settings.buffer_size is not None:
        found["performance_sample_count_override"] = settings.buffer_size
    buffered = int(found.get("performance_sample_count_override", samples)) or samples
    found["performance_sample_count_override"] = min(buffered, samples)
    _refuse_too_many(settings.scenario, settings.mode, found)
    about += [f"changed: {name}" for name in changed]
    departures = tuple(_departures(settings, rules, found, samples))
    return Plan(values, tuple(about), found, audit, departures, tuple(notes))


def _server_rate(
    settings: LoadGenSettings, rules: Round, times: Sequence[float], detectors: int
) -> tuple[float | None, str]:
    """A rate that keeps Server's bound, None where there is none; and what to say of it."""
    bound_ms = settings.target_latency_ms or lookup(rules.conf, SERVER, "target_latency") or 0
    percentile = lookup(rules.conf, SERVER, "target_latency_percentile") or 0
    share, within = percentile / 100, bound_ms / 1000
    found = server_rate(times, detectors, within, share)
    bound = f"{percentile:g} % of Server's queries within {bound_ms:g} ms"
    if found is not None:
        return (
            found,
            f"{found:.4g} queries a second, by the measured times in a simulated queue, keep {bound}",
        )
    median, tail = (1000 * float(np.percentile(times, of)) for of in (50, percentile))
    taken = f"an image takes {median:.3g} ms here, {tail:.3g} ms at the {percentile:g}th percentile"
    alone = server_rate([min(times)], detectors, within, share) is not None  # as nothing else ran
    advice = "on an idle machine there may be one" if alone else "the model is too slow on one core"
    return None, f"No rate is valid: the rules want {bound}, and {taken}; {advice}"


def _refuse_too_many(scenario: str, mode: str, found: Mapping[str, Number]) -> None:
    """LoadGen prepares all queries at once: the process of 20 million was killed for want of memory.

    How many: mlcommons/inference, loadgen/test_settings_internal.cc, TestSettingsInternal.
    """
    seconds = found.get("min_duration_ms", 0) / 1000
    latency_ns = found.get(
        "single_stream_expected_latency_ns", found.get("multi_stream_expected_latency_ns", 0)
    )
    per_query = found.get("multi_stream_samples_per_query", 1)
    if latency_ns:
        rate = TWICE / (latency_ns / 1e9) * per_query
    else:
        rate = found.get("offline_expected_qps", 0) or found.get("server_target_qps", 0)
    samples = round(max(seconds * rate, found.get("min_query_count", 0) * per_query))
    if mode != "AccuracyOnly" and samples > MOST_SAMPLES:
        raise UsageError(
            f"LoadGen would prepare {samples} samples at once",
            expected=f"at most {MOST_SAMPLES}",
            got=f"{scenario} of {seconds:g} s",
            advice="ask for less time (--min-duration), or for a higher latency or a lower rate in user.conf",
        )


def measured_conf(scenario: str, rules: Round, *, latency_s: float, rate: float) -> dict[str, Number]:
    """The user.conf of a machine with this latency and rate."""
    per_query = int(lookup(rules.conf, scenario, "samples_per_query") or 1)
    values: dict[str, Number] = {}
    if scenario == "SingleStream":
        values["*.SingleStream.target_latency"] = _short(latency_s * EXPECTED_SHARE * 1000)
    elif scenario == "MultiStream":
        values["*.MultiStream.target_latency"] = _short(per_query / rate * EXPECTED_SHARE * 1000)
    elif scenario == "Offline":
        values["*.Offline.target_qps"] = _short(rate * OFFLINE_RESERVE)
    if scenario in rules.early_stopping:
        values[f"*.{scenario}.min_query_count"] = EARLY_STOPPING_QUERIES[scenario]
    return values


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _asked(settings: LoadGenSettings) -> dict[str, Number]:
    """What the variables or flags change of a user.conf."""
    prefix = f"*.{settings.scenario}."
    asked: Mapping[str, Number | None] = {
        "target_latency": settings.target_latency_ms if settings.scenario != "Offline" else None,
        "target_qps": settings.target_qps if settings.scenario in ("Offline", "Server") else None,
        "min_duration": _milliseconds(settings.min_duration_s),
        "max_duration": _milliseconds(settings.max_duration_s),
        "min_query_count": settings.min_query_count,
        "samples_per_query": settings.samples_per_query if settings.scenario == "MultiStream" else None,
    }
    return {prefix + name: value for name, value in asked.items() if value is not None}


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else max(1, round(seconds * 1000))


def audit_values(audit: str | None, rules: Round) -> dict[str, Number]:
    """A compliance test's audit.config; source: config-loadgen's rounds.json."""
    if audit is None:
        return {}
    changed: Mapping[str, int] = {}
    if audit == "TEST01":
        changed = rules.compliance["TEST01"]
    elif audit == "TEST04-A":
        changed = {"performance_issue_unique": 1, "performance_issue_same": 0}
    elif audit == "TEST04-B":
        index = rules.compliance["TEST04-B"]["performance_issue_same_index"]
        changed = {
            "performance_issue_unique": 0,
            "performance_issue_same": 1,
            "performance_issue_same_index": index,
        }
    elif audit == "TEST05":
        changed = rules.test05_seeds
    return {"*.*.mode": PERFORMANCE_MODE, **{f"*.*.{name}": value for name, value in changed.items()}}


def _departures(settings: LoadGenSettings, rules: Round, found: Mapping[str, Any], samples: int) -> list[str]:
    """What of a performance run is not by the rules."""
    if settings.mode == "AccuracyOnly":
        return []
    said = []
    duration = found.get("min_duration_ms", 0)
    if duration < rules.least_duration_ms:
        said.append(f"min_duration is {duration} ms, {rules.name} wants {rules.least_duration_ms}")
    held = found["performance_sample_count_override"]
    if held < rules.least_samples:
        said.append(
            f"{held} performance samples of {samples} images, {rules.name} wants {rules.least_samples}"
        )
    queries, least = found.get("min_query_count", 0), rules.least_queries.get(settings.scenario, 0)
    if settings.scenario == "Offline":
        least = rules.least_offline_samples
    if settings.scenario not in rules.early_stopping and queries < least:
        said.append(f"min_query_count is {queries}, {rules.name} wants {least}")
    percentile = lookup(rules.conf, settings.scenario, "target_latency_percentile")
    wanted = attributes([rules.conf], settings.scenario)
    for name in ("multi_stream_samples_per_query", "server_target_latency_ns"):
        if name in found and found[name] != wanted.get(name):
            factor = MS_TO_NS if name.endswith("_ns") else 1
            said.append(f"{name} is {found[name] / factor:g}, {rules.name} wants {wanted[name] / factor:g}")
    for name in ("single_stream", "multi_stream", "server"):
        key = f"{name}_target_latency_percentile"
        if key in found and found[key] != wanted.get(key):
            said.append(f"the percentile is {found[key] * 100:g}, {rules.name} wants {percentile}")
    if settings.samples != "loaded":
        said.append("images are decoded and resized within the measured time")
    if rules.required and settings.scenario not in (*rules.required, *rules.optional):
        said.append(f"{settings.scenario} is no scenario of an edge system in {rules.name}")
    return said

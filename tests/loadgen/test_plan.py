"""What LoadGen is told: by the round, by a user.conf, by a measurement, by a compliance test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ckssd.loadgen.conf import read_conf
from ckssd.loadgen.logs import read_detail
from ckssd.loadgen.plan import Plan, make_plan
from ckssd.loadgen.rounds import read_round
from tests.loadgen.conftest import ROUNDS, Run

pytestmark = pytest.mark.slow(seconds=15)


def test_without_changes_a_plan_is_by_the_rules(loadgen: Run) -> None:
    for scenario in ("SingleStream", "MultiStream", "Offline"):
        settings = loadgen.settings(
            CK_LOADGEN_SCENARIO=scenario, CK_LOADGEN_MIN_DURATION_S="", CK_LOADGEN_MIN_QUERY_COUNT=""
        )
        plan = make_plan(settings, read_round(ROUNDS, "v2.0"), latency_s=0.004, rate=400, samples=5000)
        assert plan.departures == ()
        assert plan.attributes["performance_sample_count_override"] == 256
        assert plan.attributes["min_duration_ms"] == 600_000


def test_server_s_rate_is_one_that_its_bound_allows(loadgen: Run) -> None:
    def planned(seconds: float, *more: float, **variables: str) -> Plan:
        found = loadgen.settings(CK_LOADGEN_SCENARIO="Server", **variables)
        rules = read_round(ROUNDS, "v2.0")
        rate = 2 / seconds
        return make_plan(
            found,
            rules,
            latency_s=seconds,
            rate=rate,
            samples=9,
            times=[seconds, seconds, *more],
            detectors=2,
        )

    fast, slow = planned(0.002), planned(0.012)
    assert 100 < fast.attributes["server_target_qps"] < 1000
    assert "99 % of Server's queries within 10 ms" in fast.notes[0]
    assert "No rate is valid" in slow.notes[0]
    assert "an image takes 12 ms here" in slow.notes[0]
    assert slow.notes[0].endswith("the model is too slow on one core")
    assert slow.attributes["server_target_qps"] > 0
    assert planned(0.012, 0.003).notes[0].endswith("on an idle machine there may be one")
    assert planned(0.012, CK_LOADGEN_TARGET_LATENCY="30").notes[0].endswith("within 30 ms")
    given = planned(0.002, CK_LOADGEN_TARGET_QPS="7")
    assert (given.attributes["server_target_qps"], given.notes) == (7, ())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("*.MultiStream.samples_per_query = 4", "multi_stream_samples_per_query is 4, v2.0 wants 8"),
        ("*.MultiStream.target_latency_percentile = 90", "the percentile is 90, v2.0 wants 99"),
        ("*.*.performance_sample_count_override = 100", "100 performance samples of 5000 images"),
        ("*.MultiStream.min_duration = 60000", "min_duration is 60000 ms, v2.0 wants 600000"),
    ],
)
def test_what_is_not_by_the_rules_is_said(loadgen: Run, folder: Path, line: str, said: str) -> None:
    conf = folder / "user.conf"
    conf.write_text(f"{line}\n*.MultiStream.target_latency = 20\n")
    settings = loadgen.settings(
        CK_LOADGEN_SCENARIO="MultiStream",
        CK_LOADGEN_USER_CONF=str(conf),
        CK_LOADGEN_MIN_DURATION_S="",
        CK_LOADGEN_MIN_QUERY_COUNT="",
    )
    plan = make_plan(settings, read_round(ROUNDS, "v2.0"), latency_s=0.004, rate=400, samples=5000)
    assert len(plan.departures) == 1
    assert said in plan.departures[0]


@pytest.mark.parametrize(
    ("audit", "logged"),
    [
        ("TEST01", {"effective_accuracy_log_rng_seed": 720381539243781796}),
        ("TEST04-A", {"effective_performance_issue_unique": True, "effective_performance_issue_same": False}),
        ("TEST04-B", {"effective_performance_issue_same": True, "effective_performance_issue_same_index": 3}),
        ("TEST05", {"effective_qsl_rng_seed": 313588358309856706}),
    ],
)
def test_a_compliance_test_reaches_loadgen(loadgen: Run, audit: str, logged: dict[str, object]) -> None:
    record, text = loadgen.run(CK_LOADGEN_AUDIT=audit)
    values = read_detail(loadgen.output / "mlperf_log_detail.txt").values
    assert {name: values[name] for name in logged} == logged
    assert f"rules of v2.0, {audit}" in text
    assert record["loadgen"]["audit"] == audit
    # By the file that the rules name, which LoadGen itself says it has found.
    assert any("Found Audit Config file" in said for said in record["loadgen"]["verdict"]["warnings"])
    assert "*.*.mode = 2\n" in (loadgen.output / "audit.config").read_text()
    answers = json.loads((loadgen.output / "mlperf_log_accuracy.json").read_text())
    assert bool(answers) == (audit == "TEST01")


def test_a_run_can_be_repeated_with_the_user_conf_that_it_leaves(loadgen: Run, folder: Path) -> None:
    first, _ = loadgen.run()
    kept = folder / "user.conf"
    kept.write_bytes((loadgen.output / "user.conf").read_bytes())
    again, _ = loadgen.run(
        CK_LOADGEN_USER_CONF=str(kept), CK_LOADGEN_MIN_DURATION_S="", CK_LOADGEN_MIN_QUERY_COUNT=""
    )
    assert again["loadgen"]["settings"] == first["loadgen"]["settings"]
    assert read_conf(kept) == first["loadgen"]["user_conf"]

"""The table of LoadGen's figures: medians, each scenario in its unit, published ones beside."""

from __future__ import annotations

from typing import Any

from bench.loadgen import SCENARIOS, Figure, figure, table


def record(scenario: str, value: float, result: str = "VALID") -> dict[str, Any]:
    verdict: dict[str, Any] = {"result": result, "mean_latency_ns": 1_010_000, "percentiles_ns": {}}
    if scenario in ("Offline", "Server"):
        verdict["samples_per_second"] = value
    else:
        verdict["percentiles_ns"] = {"90.00": value, "99.00": 2 * value}
    return {"loadgen": {"verdict": verdict}, "detection_time_avg_s": 0.001}


def test_a_figure_is_the_median_and_valid_only_if_every_run_is() -> None:
    runs = [record("SingleStream", value) for value in (3e6, 1e6, 2e6)]
    found = figure("SingleStream", runs)
    assert (found.value, found.valid) == (2.0, True)
    assert round(found.apart_us, 6) == 10
    assert round(found.apart_share, 6) == 0.01
    assert figure("MultiStream", [record("MultiStream", 1e6)]).value == 2.0
    mixed = [record("Offline", 10), record("Offline", 20, "INVALID")]
    assert figure("Offline", mixed).text("Offline", 2) == "15.0/s, 7.5 a core (INVALID)"


def test_the_table_has_a_cell_for_every_scenario() -> None:
    found = {("shapes", scenario): Figure(4.0, True, 20.0, 0.01) for scenario in SCENARIOS}
    lines = table(["shapes"], found, 2)
    rows = [line for line in lines if line.startswith("|")]
    assert {row.count("|") for row in rows} == {6}
    assert "| 4.00 ms | 4.00 ms | 4.0/s, 2.0 a core | 4.0/s, 2.0 a core |" in rows[2]
    assert any("9468.1/s, 84.5 a core" in row for row in rows)
    assert "20 µs (1.00 % of the detection)" in lines[-1]

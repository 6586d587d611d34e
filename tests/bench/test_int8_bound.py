"""The table of int8's bound: sums, and shares of what the processor allows."""

from __future__ import annotations

from bench.int8_bound import table


def test_each_kind_of_layer_has_its_share_of_the_bound() -> None:
    kinds = {"3x3": 100, "depthwise": 50, "1x1": 250}
    layers = [{"kind": kind, "operations": count * 10**6, "ms": 1.0} for kind, count in kinds.items()]
    twice = [{**each, "ms": 2.0} for each in layers]
    lines = table(500.0, {"layers": layers, "rest_ms": 3.0}, {"layers": twice, "rest_ms": 4.0})
    assert lines[0].startswith("A matrix product of bytes reaches 500 billion")
    assert lines[4] == "| 3x3 | 1 | 100 | 0.20 | 1.00 | 0.20 | 2.00 | 0.10 |"
    assert lines[-2] == "| all convolutions | 3 | 400 | 0.80 | 3.00 | 0.27 | 6.00 | 0.13 |"
    assert lines[-1] == "| all else, NMS included | | | | 3.00 | | 4.00 | |"

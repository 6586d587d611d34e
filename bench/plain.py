"""The plain loops on all images: `make bench` gives them fewer, to stay under a quarter of an hour."""

from __future__ import annotations

from bench.context import Context, Row, in_turn
from bench.throughput import METHODS, against_plain, float_run, plain_loops

ALL_IMAGES = 1_000_000  # no more than there are


def measure(context: Context) -> list[Row]:
    """Throughput mode and the plain loops on the same images."""
    contenders = {name: run for method in METHODS for name, run in float_run(context, method).items()}
    return against_plain(in_turn({**contenders, **plain_loops(context, ALL_IMAGES)}, context.rounds))

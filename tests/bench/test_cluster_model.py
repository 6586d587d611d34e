"""The simulation of a cluster: what it must give where the answer is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cluster_model import Costs, simulate

FREE = Costs(
    image_s=0.025,
    driver_s_per_batch=0.0,
    answer_bytes_per_image=0.0,
    content_bytes=0.0,
    open_s=0.0,
    link_bytes_per_s=1e9,
)


def test_workers_that_wait_for_nobody_share_the_work() -> None:
    for nodes in (1, 2, 4, 8):
        found = simulate(nodes, 2, 64 * 8 * 2 * 8, FREE)
        assert found.seconds == pytest.approx(64 * 8 * 2 * 8 * 0.025 / (2 * nodes))
        assert found.efficiency(64 * 8 * 2 * 8 * 0.025) == pytest.approx(1)


def test_a_driver_that_is_always_busy_is_the_bound() -> None:
    slow = replace(FREE, driver_s_per_batch=1.0)
    found = simulate(64, 2, 6400, slow)
    assert found.driver_busy > 0.9
    assert found.seconds == pytest.approx(found.batches, rel=0.1)


def test_nodes_fetch_one_after_another() -> None:
    far = replace(FREE, content_bytes=1e9)
    assert simulate(4, 1, 4, far).seconds == pytest.approx(4 + 0.025)


@given(
    nodes=st.integers(1, 256),
    images=st.integers(1, 20_000),
    driver=st.floats(0, 0.1),
    answer=st.floats(0, 1e5),
)
def test_nothing_is_faster_than_its_parts(nodes: int, images: int, driver: float, answer: float) -> None:
    costs = replace(FREE, driver_s_per_batch=driver, answer_bytes_per_image=answer, content_bytes=3e7)
    found = simulate(nodes, 2, images, costs)
    assert found.seconds >= images * costs.image_s / found.workers * 0.999
    assert found.seconds >= found.batches * driver * 0.999
    assert found.seconds >= images * answer / costs.link_bytes_per_s * 0.999
    assert found.driver_busy <= 1.001

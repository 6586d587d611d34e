"""A run over a cluster, simulated: workers, one link into the driver, and the driver, event by event.

Assumptions. Every worker takes the same time for every image; a batch's answer crosses the driver's link, one
after another; the driver handles one answer at a time, and a worker has nothing to do from its answer until
the driver has given it the next batch. Each node first fetches the model, the annotations and the source over
the driver's link, one node after another, and then opens the model. Pictures are on a shared path that is as
fast for each node as for one alone. No node fails.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from ckssd.cluster.schedule import batch_size


@dataclass(frozen=True)
class Costs:
    """Seconds, bytes, bytes a second: measured, but for the link, which is assumed."""

    image_s: float
    driver_s_per_batch: float
    answer_bytes_per_image: float
    content_bytes: float
    open_s: float
    link_bytes_per_s: float


@dataclass(frozen=True)
class Simulated:
    """``seconds`` for all; ``driver_busy``: the share of them that the driver was busy."""

    nodes: int
    workers: int
    batches: int
    seconds: float
    driver_busy: float

    def efficiency(self, one_worker_s: float) -> float:
        """Against as many workers that wait for nobody."""
        return one_worker_s / (self.workers * self.seconds)


def simulate(nodes: int, workers_each: int, images: int, costs: Costs) -> Simulated:
    """Run so many images over so many nodes; the time is from when Ray is ready."""
    workers = nodes * workers_each
    size = batch_size(images, workers)
    left = images
    fetch = costs.content_bytes / costs.link_bytes_per_s
    # When each worker is ready; all of a node fetch once.
    ready = [(fetch * (node + 1) + costs.open_s, node) for node in range(nodes) for _ in range(workers_each)]
    working: list[tuple[float, int]] = []  # when a worker has its answer, and of how many images
    for begins, _ in ready:
        if left > 0:
            mine = min(size, left)
            left -= mine
            heapq.heappush(working, (begins + mine * costs.image_s, mine))
    link_free = driver_free = busy = ends = 0.0
    batches = 0
    while working:
        done, mine = heapq.heappop(working)
        arrives = max(done, link_free) + mine * costs.answer_bytes_per_image / costs.link_bytes_per_s
        link_free = arrives
        driver_free = max(arrives, driver_free) + costs.driver_s_per_batch
        busy += costs.driver_s_per_batch
        batches += 1
        ends = driver_free
        if left > 0:
            mine = min(size, left)
            left -= mine
            heapq.heappush(working, (driver_free + mine * costs.image_s, mine))
    return Simulated(nodes, workers, batches, ends, busy / ends)

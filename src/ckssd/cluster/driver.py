"""A run over a cluster, from settings to its result: batches go out, parts come in, the parts are merged."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ckssd import report
from ckssd.cluster.engine import Engine, Lost, connected, tell
from ckssd.cluster.job import Job, make_job
from ckssd.cluster.kept import KeptRun, begin, resume
from ckssd.cluster.pictures import Carrier, check_scheme
from ckssd.cluster.schedule import Given, Schedule, batch_size
from ckssd.cluster.settings import ClusterSettings, check_run, image_source
from ckssd.coco.annotations import ImageEntry, read_annotations
from ckssd.coco.metric_types import COCO
from ckssd.coco.pictures import find_pictures
from ckssd.errors import RunError, UsageError, error_from
from ckssd.measure.machine import seconds_since_start
from ckssd.measure.merging import Merged, Places, merge, score_merged
from ckssd.measure.parts import read_part
from ckssd.measure.result import BenchmarkResult, postprocessing_from
from ckssd.measure.selection import select_images
from ckssd.measure.settings import BenchmarkSettings
from ckssd.measure.sweep import Grid, Pass, Swept, points_of

WAIT_S = 0.5  # for an answer, before nodes and deadlines are looked at again


@dataclasses.dataclass
class Facts:
    """What is known of a run over a cluster besides its result; times in seconds since it was begun.

    ``images``: where the nodes had the pictures from; ``fetched_bytes``, ``fetch_retries``: of those that
    they fetched, for the answers that count. ``driver_s``: what this process was busy with answers and with
    handing out. ``answer_bytes``: of all. ``answers_left_out``: second answers.
    """

    engine: str
    address: str
    nodes: int
    workers: int
    batches: int
    images: str
    resumed: int = 0
    given_again: int = 0
    answers_left_out: int = 0
    connected_s: float = 0.0
    first_answer_s: float = 0.0
    last_answer_s: float = 0.0
    driver_s: float = 0.0
    answer_bytes: int = 0
    fetched_bytes: int = 0
    fetch_retries: int = 0


@dataclasses.dataclass(frozen=True)
class ClusterResult:
    """A benchmark's result, and how it came about."""

    result: BenchmarkResult
    facts: Facts

    def as_timer(self) -> dict[str, Any]:
        """As tmp-ck-timer.json has it."""
        return {**self.result.as_timer(), "cluster": dataclasses.asdict(self.facts)}


def run_over(cluster: ClusterSettings, settings: BenchmarkSettings, python: Path) -> ClusterResult:
    """Run a benchmark over a cluster; ``python`` has the runtime.

    Raises
    ------
    CkssdError
        As ckssd.measure.run.run_benchmark and ckssd.cluster.engine.connected do, or one that names what was
        lost on the way.
    """
    merged, facts = _detect(cluster, settings, make_job(settings, python))
    result = score_merged(
        merged,
        settings.metrics_python,
        Places(settings.annotations, settings.hierarchy),
        silent=settings.silent,
    )
    return ClusterResult(result, facts)


def sweep_over(cluster: ClusterSettings, settings: BenchmarkSettings, python: Path, grid: Grid) -> Swept:
    """The points of a grid from one pass over a cluster; raises as ``run_over`` does.

    Raises
    ------
    UsageError
        The grid has several IoU thresholds of NMS, or what ckssd.measure.sweep.sweep_model raises it for.
    """
    if settings.metric != COCO:
        raise UsageError("A sweep is by COCO's rule only", where="CK_METRIC_TYPE", got=settings.metric)
    if grid.nms_ious is not None and len(grid.nms_ious) > 1:
        raise UsageError(
            "Over a cluster a sweep has one IoU threshold of NMS", where="--nms-iou", got=len(grid.nms_ious)
        )
    merged, facts = _detect(cluster, settings, make_job(settings, python, grid))
    run, own = merged.run, postprocessing_from(merged.asked.own or {})
    lowest = np.float32(run.postprocessing.score_threshold)
    reached = tuple(one for one in grid.score_thresholds if np.float32(one) >= lowest)
    passed = Pass(
        model=settings.model.file,
        runtime=settings.model.runtime,
        own=own,
        pass_score_threshold=run.postprocessing.score_threshold,
        labels=run.labels,
        class_map=run.class_map,
        threads=facts.workers,
        images_per_second=merged.times.images_per_second,
    )
    truth = read_annotations(settings.annotations).truth
    kept = {run.postprocessing.iou_threshold: merged.detections}
    return points_of(passed, kept, truth, dataclasses.replace(grid, score_thresholds=reached), merged.notes)


def _detect(cluster: ClusterSettings, settings: BenchmarkSettings, job: Job) -> tuple[Merged, Facts]:
    check_run(cluster, settings)
    source = image_source(cluster, settings)
    if source is not None:
        check_scheme(source)
    images = _images(settings)
    with contextlib.ExitStack() as ending:
        folder = cluster.folder or Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="ckssd-")))
        before = resume(folder, job) if cluster.resume else None
        began = time.monotonic()
        with connected(cluster, settings.threads) as engine:
            nodes = _nodes(engine)
            tell(engine, nodes)
            kept = before or begin(folder, job, _number_of_batches(cluster, len(images), sum(nodes.values())))
            facts = Facts(
                f"ray {engine.version}",
                cluster.address,
                len(nodes),
                sum(nodes.values()),
                kept.batches,
                source or cluster.images,
            )
            facts.connected_s = time.monotonic() - began
            engine.send(job)
            carrier = Carrier(cluster, settings.images, source)
            run = _Run(engine, kept, cluster, settings, carrier, images, facts, began)
            for _ in report.progress(
                run.images_done(), total=len(images), name="detecting", quiet=settings.silent
            ):
                pass
        paths = [kept.path(batch) for batch in range(kept.batches)]
        merged = merge([read_part(path) for path in paths], paths)
    return _timed(merged, facts), facts


def _images(settings: BenchmarkSettings) -> tuple[ImageEntry, ...]:
    """What is wrong with the images or annotations shows here, not on some node."""
    annotations = read_annotations(settings.annotations)
    selection = select_images(annotations, settings.skip_images, settings.batch_count)
    annotations.check_objects([image.id for image in selection.images], settings.metric)
    return find_pictures(settings.images, selection.images)[0]


def _nodes(engine: Engine) -> dict[str, int]:
    nodes = engine.nodes()
    if not nodes:
        raise RunError("The cluster has no node with a processor")
    return nodes


def _number_of_batches(cluster: ClusterSettings, images: int, workers: int) -> int:
    return -(-images // (cluster.batch or batch_size(images, workers)))


class _Run:
    """What is collected while the answers come in."""

    def __init__(
        self,
        engine: Engine,
        kept: KeptRun,
        cluster: ClusterSettings,
        settings: BenchmarkSettings,
        carrier: Carrier,
        images: tuple[ImageEntry, ...],
        facts: Facts,
        began: float,
    ) -> None:
        self._engine = engine
        self._kept = kept
        self._settings = settings
        self._carrier = carrier
        self._images = images
        self._facts = facts
        self._began = began
        self._done = kept.finished() if cluster.resume else {}
        self._schedule = Schedule(kept.batches, cluster.deadline_s, self._done)
        facts.resumed = len(self._done)

    def images_done(self) -> Iterator[None]:
        """Run all batches; gives something for each image that is done."""
        for batch in self._done:
            yield from self._each(batch)
        while not self._schedule.finished:
            now = time.monotonic()
            self._engine.forget(self._schedule.nodes(self._engine.nodes()))
            self._schedule.overdue(now)
            for given in self._schedule.give(now):
                shard = self._kept.shard(given.batch)
                begin_at, end = shard.bounds(len(self._images))
                self._engine.start(given, str(shard), self._carrier.of(self._images[begin_at:end]))
            self._facts.driver_s += time.monotonic() - now
            idle = True
            for given, answer in self._engine.finished(WAIT_S):
                idle, came = False, time.monotonic()
                first = self._take(given, answer)
                self._facts.driver_s += time.monotonic() - came
                if first:
                    yield from self._each(given.batch)
            if idle and not self._schedule.finished:
                time.sleep(0.01)  # nothing was out: no node is there
        self._facts.given_again = self._schedule.given_again

    def _each(self, batch: int) -> Iterator[None]:
        begin_at, end = self._kept.shard(batch).bounds(len(self._images))
        yield from [None] * (end - begin_at)

    def _take(self, given: Given, answer: dict[str, Any] | Lost) -> bool:
        """Whether it is a batch's first answer."""
        if isinstance(answer, Lost):
            self._schedule.lost(given, answer.reason)
            return False
        if "error" in answer:
            raise error_from(answer["error"])
        if "died" in answer:
            died = answer["died"]
            if not self._schedule.crashed(given, f"the runtime died ({died['code']})"):
                raise _dies_with(died, self._settings)
            return False
        self._facts.last_answer_s = time.monotonic() - self._began
        self._facts.first_answer_s = self._facts.first_answer_s or self._facts.last_answer_s
        if not self._schedule.answered(given, time.monotonic()):
            self._facts.answers_left_out += 1
            return False
        self._facts.answer_bytes += len(answer["part"])
        fetched = answer.get("fetched", {})
        self._facts.fetched_bytes += fetched.get("bytes", 0)
        self._facts.fetch_retries += fetched.get("retries", 0)
        self._kept.keep(given.batch, answer["part"])
        return True


def _dies_with(died: dict[str, Any], settings: BenchmarkSettings) -> RunError:
    code = died["code"]
    end = f"signal {-code}" if code < 0 else f"exit code {code}"
    image = died["image"]
    return RunError(
        "The runtime dies with an image, each time",
        where=settings.images / image if image else settings.model.file,
        got=f"{died['said']} ({end})" if died["said"] else end,
        advice="run it alone: ckssd detect --model MODEL IMAGE",
    )


def _timed(merged: Merged, facts: Facts) -> Merged:
    """With the time that all took, not the sum of the batches' times."""
    where = f"{facts.workers} workers on {facts.nodes} nodes of {facts.address}, in {facts.batches} batches"
    notes = [f"run by Ray with {where}"]
    notes += [f"the nodes fetched the pictures from {facts.images}"] if facts.fetched_bytes else []
    notes += [note for note in merged.notes if "parts were merged" not in note]
    startup, wall = seconds_since_start(), facts.last_answer_s - facts.connected_s
    times = dataclasses.replace(merged.times, wall=wall, setup=facts.connected_s, startup=startup)
    if facts.resumed:
        times = merged.times
        notes.append(f"{facts.resumed} batches are of an earlier run: times are sums of all batches' times")
    if facts.given_again:
        notes.append(f"{facts.given_again} batches were given out again")
    return dataclasses.replace(merged, times=times, notes=tuple(notes))

"""A run under LoadGen, in the process that has the runtime and LoadGen: from settings to a result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from ckssd import report
from ckssd.detect.backends import Detector
from ckssd.errors import CkssdError
from ckssd.json_file import write_json
from ckssd.loadgen.conf import conf_text
from ckssd.loadgen.driver import DISTRIBUTION, Driver, find_loadgen, version_of
from ckssd.loadgen.library import SampleLibrary, in_file_order
from ckssd.loadgen.logs import (
    AUDIT_CONFIG,
    DETAIL,
    IMAGES_FILE,
    MLPERF_CONF,
    USER_CONF,
    check_whole,
    read_detail,
)
from ckssd.loadgen.measured import SECONDS, WARM_UP_SECONDS, measure
from ckssd.loadgen.payload import Payload
from ckssd.loadgen.plan import Plan, make_plan
from ckssd.loadgen.result import Finished, LoadGenResult, make_result
from ckssd.loadgen.rounds import Round, read_round
from ckssd.loadgen.settings import LOADED, LoadGenSettings
from ckssd.loadgen.system import System, guarded
from ckssd.loadgen.watch import Watch
from ckssd.measure.images import Steps
from ckssd.measure.machine import seconds_since_start
from ckssd.measure.opened import OpenedRun, open_run
from ckssd.measure.times import Times

GiveUp = Callable[[CkssdError], NoReturn]


def run_loadgen(settings: LoadGenSettings, logs: Path, give_up: GiveUp) -> LoadGenResult:
    """Run a test and read what LoadGen says of it.

    Parameters
    ----------
    logs
        A folder for LoadGen's files.
    give_up
        Ends the process with an error that shows while LoadGen runs.

    Raises
    ------
    CkssdError
        What is wrong before or after.
    """
    rules = read_round(settings.rounds, settings.round)
    rules.check_scenario(settings.scenario)
    module = find_loadgen(settings.module_folder)
    prepared = _prepare(settings, open_run(settings.benchmark))
    # With a user.conf, nothing depends on it; the detectors get warm all the same.
    seconds = SECONDS if settings.user_conf is None else WARM_UP_SECONDS
    measured = measure(prepared.detectors, prepared.library, prepared.steps, seconds)
    plan = make_plan(
        settings,
        rules,
        latency_s=measured.latency_s,
        rate=measured.rate,
        samples=len(prepared.library),
        times=measured.times,
        detectors=len(prepared.detectors),
    )
    _write_confs(logs, rules, plan)
    if not settings.benchmark.silent:
        report.step(f"LoadGen: {settings.scenario}, {settings.mode}, {rules.name}")
    system, times = _test(settings, module, prepared, plan, logs, give_up)
    check_whole(logs, performance=settings.mode != "AccuracyOnly")
    _write_images(logs, prepared.library)
    version = version_of(module, settings.module_folder)
    finished = Finished(prepared.opened, prepared.library, times, system.counts, measured, plan, rules)
    return make_result(settings, finished, read_detail(logs / DETAIL), logs, {DISTRIBUTION: version})


@dataclass(frozen=True)
class _Prepared:
    """Detectors and samples, ready; ``setup``: seconds that loading the model took."""

    opened: OpenedRun
    detectors: list[Detector]
    library: SampleLibrary
    steps: Steps
    setup: float


def _prepare(settings: LoadGenSettings, opened: OpenedRun) -> _Prepared:
    benchmark = settings.benchmark
    began = time.perf_counter()
    at_once, threads = (1, benchmark.threads) if benchmark.mode == "latency" else (benchmark.threads, 1)
    detectors = [opened.backend.new_detector(threads) for _ in range(at_once)]
    setup = opened.open_time + time.perf_counter() - began
    steps = Steps(
        benchmark.images, opened.annotations, opened.reader, opened.backend.input, benchmark.model.file
    )
    images = in_file_order(opened.annotations, opened.selection.images)
    library = SampleLibrary(images, steps, keep=settings.samples == LOADED, threads=benchmark.threads)
    return _Prepared(opened, detectors, library, steps, setup)


def _write_confs(logs: Path, rules: Round, plan: Plan) -> None:
    (logs / MLPERF_CONF).write_text(rules.conf_text(), encoding="utf-8")
    (logs / USER_CONF).write_text(conf_text(plan.user_conf, plan.about), encoding="utf-8")
    if plan.audit:
        (logs / AUDIT_CONFIG).write_text(conf_text(plan.audit), encoding="utf-8")


def _write_images(logs: Path, library: SampleLibrary) -> None:
    """Which image each index of the accuracy log is, with its size in pixels where it was read."""
    entries = [
        {"id": image.id, "file_name": image.file_name, "size": library.sizes.get(index)}
        for index, image in enumerate(library.images)
    ]
    write_json(logs / IMAGES_FILE, entries)


def _test(
    settings: LoadGenSettings,
    module: ModuleType,
    prepared: _Prepared,
    plan: Plan,
    logs: Path,
    give_up: GiveUp,
) -> tuple[System, Times]:
    driver, library = Driver(module), prepared.library
    system = System(
        prepared.detectors,
        library,
        prepared.steps,
        partial(Payload, prepared.opened.class_map.category_ids, prepared.opened.backend.num_classes),
        answer=driver.answer,
        give_up=give_up,
    )
    startup, used = seconds_since_start(), time.process_time()
    with Watch(system.counts.waiting, settings.answer_within_s, logs, give_up):
        driver.run(
            settings.scenario,
            settings.mode,
            plan.attributes,
            logs,
            issue=system.issue,
            flush=system.flush,
            load=guarded(library.load, give_up),
            unload=guarded(library.unload, give_up),
            samples=len(library),
        )
    counts, processor = system.counts, time.process_time() - used
    loads, detections = tuple(library.load_times), tuple(counts.detect)
    return system, Times(prepared.setup, loads, detections, counts.wall, startup, processor)

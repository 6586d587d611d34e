"""Who takes part in `ckssd compare`: found by tags; what cannot be compared is refused here."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

from ckssd.ck.environments import the_environment
from ckssd.cli.benchmark import RUNTIMES, plain
from ckssd.cli.detect import joined
from ckssd.cli.install import pairs
from ckssd.errors import UsageError
from ckssd.measure.compare import Contender, Record
from ckssd.measure.images import MODES
from ckssd.measure.models import value
from ckssd.measure.settings import BenchmarkSettings, from_environment
from ckssd.worker import run_worker

DEFAULT_NMS = "regular"
CACHE = "CK_PREPROCESSED_CACHE"
# Variables that a comparison sets for each contender or run.
SET_HERE = {
    "CK_RUNTIME": "--runtimes names them",
    "USE_NMS": "--nms names the graphs",
    "CK_MODE": f"each runs in every mode: {', '.join(MODES)}",
}


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A contender with the interpreter and the settings that it runs with."""

    contender: Contender
    python: Path
    settings: BenchmarkSettings

    def run(self, mode: str, folder: Path) -> Record:
        """Measure it once; ``folder`` is for what is handed over to its interpreter."""
        return self._work(dataclasses.replace(self.settings, mode=mode), folder)

    def check(self, folder: Path) -> None:
        """See whether it could be measured."""
        self._work(self.settings, folder, "--check")

    def _work(self, settings: BenchmarkSettings, folder: Path, *flags: str) -> Record:
        described = folder / "settings.json"
        described.write_text(json.dumps(plain(settings)), encoding="utf-8")
        record: Record
        record, _ = run_worker(self.python, "ckssd.measure", ["--settings", str(described), *flags])
        return record


def find_contenders(options: argparse.Namespace) -> list[Prepared]:
    """Find what is installed for each runtime, model and graph of the command line.

    Raises
    ------
    UsageError
        A flag or variable has a bad value, does not count here, or names a run twice.
    NotInstalledError
        Something is not installed.
    """
    runtimes = _runtimes(options)
    given = _variables(options)
    shared = {**os.environ, **the_environment("tool,coco").variables}
    shared |= the_environment(joined("dataset,object-detection", options.dataset)).variables
    found: list[Prepared] = []
    for runtime in runtimes:
        more = options.tensorflow if runtime == "tensorflow" else ""
        library = the_environment(joined(RUNTIMES[runtime].library, more)).variables
        python = Path(library[RUNTIMES[runtime].python])
        for model, nms in _models(options, runtime):
            installed = the_environment(joined(RUNTIMES[runtime].models, model)).variables
            chosen = {"CK_RUNTIME": runtime, "USE_NMS": nms}
            settings = _settings({**shared, **installed, **given, **chosen})
            # Models that differ in nothing but their tags, a quantised one for instance, have the same name.
            name = " ".join(part for part in (runtime, settings.model_name, model, nms) if part)
            found.append(Prepared(Contender(name, runtime, settings.model_name), python, settings))
    _refuse_twins(found)
    return found


def _runtimes(options: argparse.Namespace) -> list[str]:
    runtimes: list[str] = options.runtimes.split(",")
    for runtime in runtimes:
        if runtime not in RUNTIMES:
            raise UsageError("Unknown runtime", where=f"--runtimes={runtime}", expected=", ".join(RUNTIMES))
    if options.nms is not None and "litert" not in runtimes:
        raise UsageError(
            "--nms counts only for litert: models of other runtimes do NMS themselves",
            where=f"--runtimes={options.runtimes}",
            got=f"--nms={options.nms}",
        )
    return runtimes


def _variables(options: argparse.Namespace) -> dict[str, str]:
    """What the flags say, as variables; --env has the last word."""
    flags = {"CK_HOST_CPU_NUMBER_OF_PROCESSORS": options.threads, "CK_BATCH_COUNT": options.count}
    flags |= {"CK_RESIZE": options.resize, "CK_SILENT_MODE": "yes"}
    extra = pairs(options.env, "--env")
    for name in SET_HERE.keys() & extra.keys():
        raise UsageError(
            f"{name} cannot be given to a comparison",
            where=f"--env {name}={extra[name]}",
            advice=SET_HERE[name],
        )
    return {name: text for name, text in flags.items() if text} | extra


def _models(options: argparse.Namespace, runtime: str) -> Iterator[tuple[str, str]]:
    """Tags of each model with each of its graphs; the models of other runtimes than LiteRT have one."""
    kinds = (options.nms or DEFAULT_NMS).split(",") if runtime == "litert" else [""]
    for model in options.models:
        for nms in kinds:
            yield model, nms


def _settings(variables: dict[str, str]) -> BenchmarkSettings:
    if value(variables, CACHE):
        raise UsageError(
            f"{CACHE} cannot be used in a comparison",
            got=variables[CACHE],
            advice="the first to run would decode the images for all others; unset it",
        )
    return from_environment(variables)


def _refuse_twins(found: list[Prepared]) -> None:
    """Equal runs would be told apart by nothing."""
    names: dict[BenchmarkSettings, str] = {}
    for one in found:
        if one.settings in names:
            raise UsageError(
                "Two contenders are the same run",
                where="--runtimes, --models and --nms",
                got=f"{names[one.settings]}, {one.contender.name}",
                advice="name each once",
            )
        names[one.settings] = one.contender.name

"""Who takes part in `ckssd compare`: found by tags; what cannot be compared is refused here."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ckssd.ck.environments import the_environment
from ckssd.cli.benchmark import METRIC_FLAGS
from ckssd.cli.chosen import (
    METRICS_TAGS,
    check_installed,
    data_set,
    joined,
    python_of,
)
from ckssd.cli.cluster import refuse_cluster
from ckssd.cli.pairs import pairs
from ckssd.errors import UsageError
from ckssd.json_file import plain
from ckssd.measure.compare import Contender, Record
from ckssd.measure.images import MODES
from ckssd.measure.program import keep_result
from ckssd.measure.record import DETECTIONS_FILE, IMAGE_TIMES_FILE
from ckssd.measure.settings import BenchmarkSettings, from_environment
from ckssd.model.custom import refuse_without_switch
from ckssd.model.files import value
from ckssd.model.named import runtime_of, variables_of
from ckssd.model.runtimes import DEFAULT_RUNTIME, PREFIXES, RUNTIMES
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

    def run(self, mode: str, folder: Path, results: Path | None = None) -> Record:
        """Measure it once.

        Parameters
        ----------
        folder
            For what is handed over to its interpreter.
        results
            A folder in which all of the result is left, for a report.
        """
        settings = dataclasses.replace(self.settings, mode=mode)
        if results is None:
            return self._work(settings, folder)
        results.mkdir()
        files = {"--detections": DETECTIONS_FILE, "--image-times": IMAGE_TIMES_FILE}
        words = [word for flag, name in files.items() for word in (flag, str(results / name))]
        record = self._work(settings, folder, *words)
        keep_result(results, settings, record)
        return record

    def check(self, folder: Path) -> None:
        """See whether it could be measured."""
        self._work(self.settings, folder, "--check")

    def _work(self, settings: BenchmarkSettings, folder: Path, *flags: str) -> Record:
        described = folder / "settings.json"
        described.write_text(json.dumps(plain(settings)), encoding="utf-8")
        record: Record
        record, _ = run_worker(self.python, "ckssd.measure", ["--settings", str(described), *flags])
        return record


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A model as the command line names it: ``label`` tells it from the others, ``nms`` "" is its own."""

    runtime: str
    label: str
    variables: dict[str, str]
    nms: str = ""


def find_contenders(options: argparse.Namespace) -> list[Prepared]:
    """Find what is named by its path, or installed for each runtime, model and graph of the command line.

    Raises
    ------
    UsageError, InputError
        A flag or variable has a bad value, does not count here, or names a run twice.
    NotInstalledError
        Something is not installed.
    """
    refuse_cluster(options, "A comparison of times", "unset it; ckssd benchmark runs over one")
    given = _variables(options)
    check_installed([*(RUNTIMES[runtime].library for runtime in _all_runtimes(options)), METRICS_TAGS])
    candidates = [*_files(options), *_installed(options)]
    outside = {name: text for name, text in os.environ.items() if not name.startswith(PREFIXES)}
    shared = {**outside, **the_environment(METRICS_TAGS).variables}
    shared |= data_set(options.images, options.annotations, options.dataset, "--dataset")
    found: list[Prepared] = []
    for one in candidates:
        python = python_of(one.runtime, options.tensorflow if one.runtime == "tensorflow" else "")
        chosen = {"CK_RUNTIME": one.runtime, "USE_NMS": one.nms}
        settings = _settings({**shared, **one.variables, **given, **chosen})
        # Models that differ in nothing but their tags, a quantised one for instance, have the same name.
        parts = (one.runtime, settings.model.name, one.label, one.nms)
        name = " ".join(dict.fromkeys(part for part in parts if part))
        found.append(Prepared(Contender(name, one.runtime, settings.model.name), python, settings))
    _refuse_twins(found)
    return _with_names_of_their_own(found)


def _with_names_of_their_own(found: list[Prepared]) -> list[Prepared]:
    """A number behind a name that was there before: results are kept by names."""
    seen: Counter[str] = Counter()
    made = []
    for one in found:
        name = one.contender.name
        seen[name] += 1
        if seen[name] > 1:
            renamed = dataclasses.replace(one.contender, name=f"{name} ({seen[name]})")
            one = dataclasses.replace(one, contender=renamed)
        made.append(one)
    return made


def _all_runtimes(options: argparse.Namespace) -> list[str]:
    """The runtimes that the command line asks for, each once."""
    by_file = [runtime_of(file) for file in options.model or []]
    by_name = [] if _only_files(options) else _runtimes(options)
    return list(dict.fromkeys([*by_file, *by_name]))


def _only_files(options: argparse.Namespace) -> bool:
    return bool(options.model) and options.models is None and options.runtimes is None


def _files(options: argparse.Namespace) -> Iterator[Candidate]:
    """The models that are named by their files, each for the runtime that its name says."""
    if options.labels is not None and not options.model:
        raise UsageError("--labels goes with --model", got=options.labels, advice="name the model's file")
    files: list[Path] = options.model or []
    for file, label in zip(files, told_apart(files), strict=True):
        yield Candidate(runtime_of(file), label, variables_of(file, options.labels))


def told_apart(files: Sequence[Path]) -> list[str]:
    """The name of each file, with as many of its folders as tell it from others of that name.

    A file that is named twice cannot be told from itself.
    """
    places = [file.resolve() for file in files]
    labels = []
    for place in places:
        others = [other for other in places if other != place and other.name == place.name]
        length = 1
        while any(other.parts[-length:] == place.parts[-length:] for other in others):
            length += 1
        labels.append("/".join(place.parts[-length:]))
    return labels


def _installed(options: argparse.Namespace) -> Iterator[Candidate]:
    """The models that are named by tags, or the only one there is where none is named at all."""
    if _only_files(options):
        if options.nms is not None:
            raise UsageError("--nms names graphs of installed models", got=f"--nms={options.nms}")
        return
    for runtime in _runtimes(options):
        kinds = (options.nms or DEFAULT_NMS).split(",") if runtime == "litert" else [""]
        for tags in options.models or [""]:
            installed = the_environment(joined(RUNTIMES[runtime].models, tags), "--models").variables
            yield from (Candidate(runtime, tags, installed, nms) for nms in kinds)


def _runtimes(options: argparse.Namespace) -> list[str]:
    runtimes: list[str] = (options.runtimes or DEFAULT_RUNTIME).split(",")
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
    flags |= {"CK_RESIZE": options.resize, "CK_IMAGE_ORIENTATION": options.orientation}
    flags |= {name: getattr(options, flag) for flag, name in METRIC_FLAGS.items()}
    flags |= {"CK_SILENT_MODE": "yes"}
    extra = pairs(options.env, "--env")
    for name in SET_HERE.keys() & extra.keys():
        raise UsageError(
            f"{name} cannot be given to a comparison",
            where=f"--env {name}={extra[name]}",
            advice=SET_HERE[name],
        )
    refuse_without_switch(extra, {**os.environ, **extra})
    return {name: text for name, text in flags.items() if text} | extra


def _settings(variables: dict[str, str]) -> BenchmarkSettings:
    if value(variables, CACHE):
        raise UsageError(
            f"{CACHE} cannot be used in a comparison",
            got=variables[CACHE],
            advice="the first to run would decode the images for all others; unset it",
        )
    settings = from_environment(variables)
    settings.refuse_parts("A comparison")
    return settings


def _refuse_twins(found: list[Prepared]) -> None:
    """Equal runs would be told apart by nothing."""
    names: dict[BenchmarkSettings, str] = {}
    for one in found:
        model = one.settings.model
        labels = None if model.labels is None else model.labels.resolve()
        same = dataclasses.replace(model, file=model.file.resolve(), labels=labels)
        settings = dataclasses.replace(one.settings, model=same)
        if settings in names:
            raise UsageError(
                "Two contenders are the same run",
                where="--model, --runtimes, --models and --nms",
                got=f"{names[settings]}, {one.contender.name}",
                advice="name each once",
            )
        names[settings] = one.contender.name

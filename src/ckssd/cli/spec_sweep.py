"""``ckssd sweep SPEC.toml``: each detector runs once, its points are computed, and one table has them all."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import hashlib
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import ckssd
from ckssd.cli.benchmark import add_run_arguments, settings_of
from ckssd.cli.chosen import check_installed, choose, runtime_asked
from ckssd.cli.cluster import RAY_TAGS, cluster_variables
from ckssd.cli.result import Result
from ckssd.cluster.kept import RUN
from ckssd.cluster.program import run_over
from ckssd.coco.operating import best_f1
from ckssd.errors import CkssdError, EnvironmentSetupError, UsageError
from ckssd.json_file import plain, read_object, write_json, write_whole
from ckssd.measure.files import hash_file
from ckssd.measure.settings import BenchmarkSettings
from ckssd.measure.spec import SPEED_IMAGES, Run, Spec, read_spec
from ckssd.measure.sweep import Grid, Swept
from ckssd.measure.sweep_report import COLUMNS, together
from ckssd.model.runtimes import RUNTIMES
from ckssd.report import say, step
from ckssd.worker import run_worker

TRIED_IMAGES = 8  # for an estimate
CELL = ("model", "runtime", "precision", "resize")
HEADINGS = (*CELL, "images/s", "threshold", "precision", "recall", "F1", "FP/image")


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A model that can be swept: the interpreter with its runtime, and its settings.

    ``over``: the variables of a cluster; without any, the model runs here.
    """

    python: Path
    settings: BenchmarkSettings
    over: dict[str, str] = dataclasses.field(default_factory=dict, hash=False)

    def tried(self, grid: Grid, images: int) -> dict[str, Any]:
        """The same of so many images, if there are as many, here."""
        few = min(images, self.settings.batch_count or images)
        settings = dataclasses.replace(self.settings, batch_count=few)
        return dataclasses.replace(self, settings=settings, over={}).swept(grid)

    def swept(self, grid: Grid, batches: Path | None = None) -> dict[str, Any]:
        """The points of a grid, see ckssd.measure.sweep.Swept; a cluster's ``batches`` are kept there."""
        settings = self.settings
        found: dict[str, Any]
        if self.over:
            kept = {} if batches is None else {"CK_CLUSTER_FOLDER": str(batches)}
            kept |= {"CK_CLUSTER_RESUME": "yes"} if batches and (batches / RUN).exists() else {}
            found, _ = run_over({**self.over, **kept}, settings, self.python, grid=grid)
            return found
        with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:
            described, thresholds = Path(folder) / "settings.json", Path(folder) / "grid.json"
            described.write_text(json.dumps(plain(settings)), encoding="utf-8")
            thresholds.write_text(json.dumps(dataclasses.asdict(grid)), encoding="utf-8")
            arguments = ["--settings", str(described), "--sweep", str(thresholds)]
            found, _ = run_worker(self.python, "ckssd.measure", arguments)
        return found

    def key(self, grid: Grid, *, only_speed: bool) -> str:
        """Another one for every other run: by the settings, the model and the annotations."""
        settings = self.settings
        hashes = [hash_file(path).sha256 for path in (settings.model.file, settings.annotations)]
        said = [plain(settings), dataclasses.asdict(grid), only_speed, hashes, ckssd.__version__]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def prepare(options: argparse.Namespace, over: dict[str, str]) -> Prepared:
    """Find the model, the runtime and the data set of the command line; raises as the two functions do."""
    library = RUNTIMES[runtime_asked(options)].library
    check_installed([library, RAY_TAGS] if over else [library])
    chosen = choose(options)
    # No COCO metrics are computed here, so their tools need not be installed.
    settings = settings_of(options, {**chosen.variables, "CK_ENV_TOOL_COCO_PYTHON_FILE": sys.executable})
    return Prepared(chosen.python, settings, over)


def run_spec(options: argparse.Namespace) -> Result:
    """Find that each detector can run, then run what is not there yet."""
    _refuse_other_flags(options)
    spec = read_spec(options.spec)
    over = _cluster(options)
    if over and len(spec.threads) > 1:
        raise UsageError("Over a cluster there are workers, not threads", where=options.spec, got="threads")
    prepared = {run: prepare(_options(spec, run), over) for run in spec.runs()}
    if options.dry_run:
        return _planned(spec, prepared)
    if options.run_folder is not None:
        _begin(options.run_folder, resume=options.resume)
    found = {}
    for number, (run, ready) in enumerate(prepared.items(), start=1):
        step(f"{number} of {len(prepared)}: {_name(run)}")
        found[run] = _kept(options.run_folder, run, ready, spec.grid)
    rows = [_row(spec, run, found) for run in found if not run.only_speed]
    if options.output is not None:
        _write(options.output, found)
    text = [_line(HEADINGS), *map(_line, rows), *_notes(found)]
    text += [] if options.output is None else [f"Written: {options.output}"]
    return Result("\n".join(text), {"runs": [_as_data(run, swept) for run, swept in found.items()]})


def _cluster(options: argparse.Namespace) -> dict[str, str]:
    """The variables of the cluster; the folder is the sweep's, in which each run has its own."""
    own = {"run_folder": None, "resume": False}
    return cluster_variables(argparse.Namespace(**{**vars(options), **own}))


def _refuse_other_flags(options: argparse.Namespace) -> None:
    """All that the file says, and nothing besides."""
    allowed = {"command", "json", "spec", "dry_run", "run_folder", "resume", "output"}
    allowed |= {"cluster", "cluster_images"}
    default = {"iou": "0.5"}
    given = [
        name
        for name, value in vars(options).items()
        if name not in allowed and value not in (None, False, "", []) and value != default.get(name)
    ]
    if given:
        flag = f"--{given[0].replace('_', '-')}"
        raise UsageError("SPEC.toml says what is swept", got=flag, advice="write it into the file")
    if options.resume and options.run_folder is None:
        raise UsageError("--resume needs the folder of the sweep", expected="--run-folder DIR")


def _options(spec: Spec, run: Run) -> argparse.Namespace:
    """The flags by which `ckssd sweep` of one model says the same."""
    detector = run.detector
    words = ["--runtime", detector.runtime, "--resize", detector.resize]
    words += ["--model" if detector.is_file else "--tags", detector.model]
    words += [] if run.threads is None else ["--threads", str(run.threads)]
    words += [] if spec.skip is None else ["--skip", str(spec.skip)]
    count = min(SPEED_IMAGES, spec.count or SPEED_IMAGES) if run.only_speed else spec.count
    words += [] if count is None else ["--count", str(count)]
    flags = {"tags": "--dataset-tags", "images": "--images", "annotations": "--annotations"}
    words += [word for name, text in spec.data.items() for word in (flags[name], text)]
    parser = argparse.ArgumentParser()
    add_run_arguments(parser)
    return parser.parse_args([*words, "--env", "CK_SILENT_MODE=yes"])


def _planned(spec: Spec, prepared: dict[Run, Prepared]) -> Result:
    """What would run; each run's rate is measured on a few images."""
    lines, data, hours = [], [], 0.0
    for run, ready in prepared.items():
        tried = ready.tried(spec.grid, TRIED_IMAGES)
        images = _images(ready.settings)
        each = images / float(tried["run"]["images_per_second"]) / 3600
        hours += each
        lines.append(f"{_name(run)}: {images} images, about {each:.2g} h")
        data.append({**_cell(run), "images": images, "hours": each, "only_speed": run.only_speed})
    detectors = len({run.detector for run in prepared})
    lines.append(
        f"{detectors} detectors, {len(prepared)} runs, about {hours:.2g} h here (by {TRIED_IMAGES} images"
        f" each); {len(spec.grid.score_thresholds)} score thresholds are computed from its detections"
    )
    return Result("\n".join(lines), {"runs": data, "hours": hours})


def _images(settings: BenchmarkSettings) -> int:
    every = len(read_object(settings.annotations, "annotations").get("images", []))
    left = max(0, every - settings.skip_images)
    return left if settings.batch_count is None else min(left, settings.batch_count)


def _begin(folder: Path, *, resume: bool) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = any(folder.glob("*.json"))
    except OSError as error:
        raise EnvironmentSetupError(
            "The sweep's folder cannot be made", where=folder, got=error.strerror
        ) from error
    if there and not resume:
        raise UsageError(
            "The folder has a sweep", where=folder, advice="go on with it (--resume), or name another folder"
        )


def _kept(folder: Path | None, run: Run, ready: Prepared, grid: Grid) -> Swept:
    """A run's points: those that the folder has of the same run, or new ones, which it gets then."""
    if folder is None:
        return Swept.from_mapping(ready.swept(grid))
    path = folder / f"{ready.key(grid, only_speed=run.only_speed)}.json"
    if path.exists():
        try:
            found = Swept.from_mapping(read_object(path, "points"))
        except (CkssdError, KeyError, TypeError) as fault:
            say(f"{path} cannot be used ({fault}): it is run again")
        else:
            say(f"{path} has it")
            return found
    swept = ready.swept(grid, path.with_suffix(""))
    write_json(path, swept)
    return Swept.from_mapping(swept)


def _name(run: Run) -> str:
    words = [word for word in dataclasses.astuple(run.detector) if word]
    words += [] if run.threads is None else [f"{run.threads} threads"]
    return ", ".join([*words, *(["speed only"] if run.only_speed else [])])


def _cell(run: Run) -> dict[str, Any]:
    return {**dataclasses.asdict(run.detector), "threads": run.threads}


def _row(spec: Spec, run: Run, found: dict[Run, Swept]) -> list[str]:
    detector, best = run.detector, best_f1(together(found[run]))
    rates = [
        found[Run(detector, t, only_speed=t != run.threads)].run["images_per_second"] for t in spec.threads
    ]
    cells = [getattr(detector, name) or "-" for name in CELL] + ["/".join(f"{rate:.1f}" for rate in rates)]
    if best is None:
        return [*cells, *["-"] * 5]
    shares = ["-" if value is None else f"{value:.4f}" for value in (best.precision, best.recall, best.f1)]
    return [*cells, f"{best.score_threshold:g}", *shares, f"{best.false_positives_per_image:.3f}"]


def _line(cells: Sequence[str]) -> str:
    texts, numbers = cells[: len(CELL)], cells[len(CELL) :]
    return " ".join([*(f"{cell:<14}" for cell in texts), *(f"{cell:>10}" for cell in numbers)])


def _notes(found: dict[Run, Swept]) -> list[str]:
    noted: dict[str, list[str]] = {}
    for run, swept in found.items():
        for note in () if run.only_speed else swept.notes:
            noted.setdefault(note, []).append(_name(run))
    whole = sum(not run.only_speed for run in found)
    return [
        f"Note: {note}" if len(names) == whole else f"Note: {'; '.join(names)}: {note}"
        for note, names in noted.items()
    ]


def _as_data(run: Run, swept: Swept) -> dict[str, Any]:
    points = [] if run.only_speed else [point.as_dict() for point in swept.points]
    return {
        **_cell(run),
        "only_speed": run.only_speed,
        "images": swept.images,
        "run": swept.run,
        "points": points,
        "notes": list(swept.notes),
    }


def _write(path: Path, found: dict[Run, Swept]) -> None:
    rows = [(run, point) for run, swept in found.items() if not run.only_speed for point in swept.points]

    def write(file: TextIO) -> None:
        table = csv.DictWriter(file, [*CELL, "threads", *COLUMNS], lineterminator="\n")
        table.writeheader()
        table.writerows({**_cell(run), **point.as_dict()} for run, point in rows)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".json":
            write_json(path, [_as_data(run, swept) for run, swept in found.items()])
        else:
            write_whole(path, write)
    except OSError as error:
        raise EnvironmentSetupError("The points cannot be written", where=path, got=error.strerror) from error

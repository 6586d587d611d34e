"""The runs that a submission is made of; a valid one with the same settings is not made again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd import report
from ckssd.detect.own_nms import files_of
from ckssd.json_file import read_object, write_json
from ckssd.loadgen.conduct import RECORD, conduct
from ckssd.loadgen.logs import USER_CONF
from ckssd.loadgen.settings import LoadGenSettings, as_mapping, from_environment
from ckssd.measure.files import hash_file
from ckssd.model.description import Model
from ckssd.model.ir import ir_files
from ckssd.model.runtimes import IR
from ckssd.submission.compliance import TEST04_A, TEST04_B

ASKED = "asked.json"
PERFORMANCE, ACCURACY = "performance", "accuracy"
MODES = {PERFORMANCE: "PerformanceOnly", ACCURACY: "AccuracyOnly"}


@dataclass(frozen=True)
class Ran:
    """A finished run: LoadGen's files are in ``folder``; see ckssd.loadgen.result for the record."""

    folder: Path
    record: dict[str, Any]


@dataclass(frozen=True)
class Runner:
    """Runs LoadGen with a runtime's interpreter and a program's variables, each run in a folder of its own.

    All runs of a scenario have the user.conf of its performance run, given or written from a measurement.
    """

    python: Path
    variables: Mapping[str, str]
    folder: Path

    def settings(self, scenario: str, kind: str) -> LoadGenSettings:
        """The settings of a run; ``kind``: performance, accuracy, or a compliance test's name.

        Raises
        ------
        UsageError
            A variable has a bad value.
        """
        variables = {
            **self.variables,
            "CK_LOADGEN_SCENARIO": scenario,
            "CK_LOADGEN_MODE": MODES.get(kind, "PerformanceOnly"),
        }
        if kind not in MODES:
            variables["CK_LOADGEN_AUDIT"] = kind
        if kind != PERFORMANCE:
            variables["CK_LOADGEN_USER_CONF"] = str(self.place(scenario, PERFORMANCE) / USER_CONF)
        return from_environment(variables)

    def place(self, scenario: str, kind: str) -> Path:
        """Where a run's files are."""
        return self.folder.absolute() / scenario / kind

    def run(self, scenario: str, kind: str) -> Ran:
        """Run LoadGen, or take the run that is there; raises as ckssd.loadgen.conduct does."""
        place, settings = self.place(scenario, kind), self.settings(scenario, kind)
        decides = asked(settings)
        if _there(place, decides) and not _invalid(place, kind):
            report.step(f"{scenario}, {kind}: is there, in {place.relative_to(self.folder.absolute())}")
            return Ran(place, read_object(place / RECORD, "results of a run"))
        (place / ASKED).unlink(missing_ok=True)
        record, _ = conduct(self.python, settings, place)
        write_json(place / ASKED, decides)
        return Ran(place, record)


def asked(settings: LoadGenSettings) -> dict[str, Any]:
    """What decides a run: its settings, and the content of the files that they name."""
    files = [*_files_of(settings.benchmark.model), settings.benchmark.annotations, settings.rounds]
    files += [settings.user_conf] if settings.user_conf else []
    # Of a user.conf only the content decides: the runs' folder, which it is in, may be moved.
    described = json.loads(json.dumps({**as_mapping(settings), "user_conf": None}, default=str))
    return {"settings": described, "sha256": [hash_file(path).sha256 for path in files]}


def _files_of(model: Model) -> tuple[Path, ...]:
    """All that make up a model: an IR's weights are beside it, a graph without NMS has its anchors."""
    return ir_files(model.file) if model.file.suffix == IR else files_of(model)


def _there(place: Path, decides: dict[str, Any]) -> bool:
    if not ((place / ASKED).is_file() and (place / RECORD).is_file()):
        return False
    return read_object(place / ASKED, "settings of a run") == decides


def _invalid(place: Path, kind: str) -> bool:
    """Whether a run has to be made again whatever its settings; TEST04 is over too soon to be valid."""
    if kind in (ACCURACY, TEST04_A, TEST04_B):
        return False
    record = read_object(place / RECORD, "results of a run")
    return bool(record["loadgen"]["verdict"]["result"] == "INVALID")


def copy_files(source: Path, target: Path, names: Iterable[str]) -> None:
    """Copy files of a run into a folder of the submission."""
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(source / name, target / name)

"""A sweep over models and settings, as a TOML file says it, and the plan: which runs it takes.

Score thresholds and IoU thresholds of NMS are computed from one run's detections, and threads change none.
So each detector (a model, a runtime, a precision, a resize method) runs once over all images; for every
further number of threads it runs over a few, for its speed.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.detect.choices import DEFAULT_RESIZE, RESIZE_METHODS
from ckssd.errors import InputError, UsageError
from ckssd.measure.grid import read_grid
from ckssd.measure.sweep import Grid
from ckssd.model.runtimes import BY_ENDING, DEFAULT_RUNTIME, RUNTIMES
from ckssd.values import Check, choice, real_number, whole_number

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FLOAT, INT8 = "float32", "int8"
SPEED_IMAGES = 64
DEFAULT_THRESHOLDS = "0.05:0.95:0.05"
LISTS = ("models", "runtimes", "precisions", "resize", "threads")
SINGLE = ("score_threshold", "nms_iou", "iou", "count", "skip")
DATA = ("tags", "images", "annotations")


@dataclass(frozen=True, order=True)
class Detector:
    """What decides detections; ``model``: a file, or tags, to which int8 has been added."""

    model: str
    runtime: str
    precision: str
    resize: str

    @property
    def is_file(self) -> bool:
        """Whether the model is named by its file."""
        return is_file(self.model)


@dataclass(frozen=True, order=True)
class Run:
    """A detector's run: over all images, or (``only_speed``) over the first few."""

    detector: Detector
    threads: int | None
    only_speed: bool = False


@dataclass(frozen=True)
class Spec:
    """A sweep; ``data``: how the data set is named; ``threads`` None: as many as there are processors."""

    models: tuple[str, ...]
    runtimes: tuple[str, ...]
    precisions: tuple[str, ...]
    resize: tuple[str, ...]
    threads: tuple[int | None, ...]
    grid: Grid
    data: dict[str, str]
    count: int | None
    skip: int | None

    def runs(self) -> list[Run]:
        """Those that it takes, each detector's whole one first."""
        return [
            Run(detector, threads, only_speed=threads != self.threads[0])
            for detector in dict.fromkeys(self._detectors())
            for threads in self.threads
        ]

    def _detectors(self) -> Iterator[Detector]:
        every = itertools.product(self.models, self.runtimes, self.precisions, self.resize)
        for model, runtime, precision, resize in every:
            if is_file(model):  # its runtime and its precision are its own
                yield Detector(model, BY_ENDING[Path(model).suffix.lower()], "", resize)
            else:
                tags = f"{model}-{INT8}" if precision == INT8 else model
                yield Detector(tags, runtime, precision, resize)


def is_file(model: str) -> bool:
    """Whether a model is named by its file: by a name's ending that a runtime has."""
    return Path(model).suffix.lower() in BY_ENDING


def read_spec(path: Path) -> Spec:
    """Read a file.

    Raises
    ------
    InputError
        It cannot be read, or is no TOML.
    UsageError
        A key is unknown, or a value cannot be used; the error names it.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError("The sweep cannot be read", where=path, got=error.strerror) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError("The sweep is no TOML", where=path, got=error) from error
    return from_mapping(content, str(path))


def from_mapping(content: dict[str, Any], where: str) -> Spec:
    """The same from what is in the file."""
    _known(content, (*LISTS, *SINGLE, "dataset"), where)
    data = content.get("dataset", {})
    if not isinstance(data, dict):
        raise UsageError("dataset is no table", where=where, expected=f"[dataset] with {', '.join(DATA)}")
    _known(data, DATA, f"{where}: dataset")
    ious = content.get("nms_iou")
    grid = Grid(
        read_grid("score_threshold", _numbers(content.get("score_threshold", DEFAULT_THRESHOLDS))),
        None if ious is None else read_grid("nms_iou", _numbers(ious), above_zero=True),
        real_number(0, 1, above=True)("iou", content.get("iou", 0.5)),
        stated=False,
    )
    return Spec(
        models=_texts(content, "models", where),
        runtimes=_each(content, "runtimes", choice(*RUNTIMES), DEFAULT_RUNTIME),
        precisions=_each(content, "precisions", choice(FLOAT, INT8), FLOAT),
        resize=_each(content, "resize", choice(*RESIZE_METHODS), DEFAULT_RESIZE),
        threads=_each(content, "threads", whole_number(1, 1024), None),
        grid=grid,
        data={name: str(text) for name, text in data.items()},
        count=None if "count" not in content else whole_number(1)("count", content["count"]),
        skip=None if "skip" not in content else whole_number(0)("skip", content["skip"]),
    )


def _known(content: dict[str, Any], names: tuple[str, ...], where: str) -> None:
    unknown = sorted(set(content) - set(names))
    if unknown:
        raise UsageError("Unknown key", where=f"{where}: {unknown[0]}", expected=f"one of {', '.join(names)}")


def _numbers(given: Any) -> str:
    """A grid as text, which it may be in the file, too."""
    if isinstance(given, list):
        return ",".join(str(one) for one in given)
    return str(given)


def _texts(content: dict[str, Any], name: str, where: str) -> tuple[str, ...]:
    given = content.get(name)
    given = [given] if isinstance(given, str) else given
    if not isinstance(given, list) or not given or not all(isinstance(one, str) and one for one in given):
        raise UsageError(f"{name} has no value that can be used", where=where, expected="a list of texts")
    return tuple(dict.fromkeys(given))


def _each(content: dict[str, Any], name: str, check: Check, default: Any) -> tuple[Any, ...]:
    """The values of a list, each once; a single value is a list of one."""
    if name not in content:
        return (default,)
    given = content[name] if isinstance(content[name], list) else [content[name]]
    if not given:
        raise UsageError(f"{name} has no value that can be used", expected="at least one value", got="[]")
    return tuple(dict.fromkeys(check(name, one) for one in given))

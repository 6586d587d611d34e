"""The programs ``object-detection-…`` as CK runs them: on this machine, or over ``CK_CLUSTER``."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ckssd.cluster import settings as cluster_settings
from ckssd.endings import run_main
from ckssd.errors import CkssdError
from ckssd.json_file import plain, write_json
from ckssd.measure import program
from ckssd.measure.record import (
    DETECTIONS_FILE,
    FAILURE_FILE,
    IMAGE_TIMES_FILE,
    TIMER_FILE,
    discard,
)
from ckssd.measure.settings import BenchmarkSettings, from_environment
from ckssd.measure.sweep import Grid
from ckssd.report import failed
from ckssd.worker import run_worker


def main(environment: Mapping[str, str], folder: Path | None = None) -> int:
    """As ckssd.measure.program.main, which does it where no cluster is named."""
    if not environment.get(cluster_settings.VARIABLE, "").strip():
        return program.main(environment, folder)
    folder = folder or Path.cwd()
    timer = folder / (environment.get("CK_TIMER_FILE") or TIMER_FILE)
    outputs = {"--detections": folder / DETECTIONS_FILE, "--image-times": folder / IMAGE_TIMES_FILE}
    failure = folder / FAILURE_FILE

    def run() -> int:
        discard([timer, failure, *outputs.values()])
        arguments = [word for flag, path in outputs.items() for word in (flag, str(path))]
        result, text = run_over(environment, from_environment(environment), Path(sys.executable), arguments)
        print(text, end="", flush=True)
        write_json(timer, result)
        return 0

    def on_error(error: CkssdError) -> int:
        failure.write_text(str(error), encoding="utf-8")  # for CK, which asks in a hook of its own
        return failed(error, "FAILED")

    return run_main("FAILED", run, on_error)


def run_over(
    environment: Mapping[str, str],
    settings: BenchmarkSettings,
    python: Path,
    arguments: Sequence[str] = (),
    grid: Grid | None = None,
) -> tuple[dict[str, Any], str]:
    """Run over the cluster that the variables name, from a process that has Ray.

    Parameters
    ----------
    python
        The interpreter that has the runtime.
    arguments
        More of ``python -m ckssd.cluster``.
    grid
        Thresholds to sweep, instead of a benchmark.

    Returns
    -------
    result
        As tmp-ck-timer.json has it, or the fields of Swept.
    text
        The summary.

    Raises
    ------
    CkssdError
        As ckssd.cluster.driver.run_over does; what is wrong with the settings is found before Ray is started.
    """
    cluster = cluster_settings.from_environment(environment)
    if cluster is not None:
        cluster_settings.check_run(cluster, settings)
    variables = {
        variable: environment[variable]
        for variable, _ in cluster_settings.FIELDS.values()
        if environment.get(variable)
    }
    with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:
        described = Path(folder) / "settings.json"
        described.write_text(json.dumps(plain(settings)), encoding="utf-8")
        os.environ.update(variables)  # not in arguments or files: an address may have secrets
        ray = cluster_settings.ray_python(environment)
        flags = ["--settings", str(described), "--python", str(python), *arguments]
        if grid is not None:
            thresholds = Path(folder) / "grid.json"
            thresholds.write_text(json.dumps(plain(grid)), encoding="utf-8")
            flags += ["--sweep", str(thresholds)]
        return run_worker(ray, "ckssd.cluster", flags)

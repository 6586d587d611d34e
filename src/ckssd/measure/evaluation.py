"""COCO metrics computed by another Python: the environment that has the COCO tools."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import ckssd
from ckssd.coco.metrics import DEFAULT_TOOL
from ckssd.errors import RunError
from ckssd.measure.detected import DetectedImages

LAST_LINES = 5


def run_metrics(
    python: Path,
    annotations: Path,
    detections: DetectedImages,
    tool: str = DEFAULT_TOOL,
) -> dict[str, Any]:
    """Run ``ckssd.coco.metrics`` with the interpreter ``python`` and return what it found.

    See ckssd.coco.metrics.evaluate for the keys.

    Raises
    ------
    RunError
        If the interpreter cannot be started, or the metrics fail; ``got`` has the reason.
    """
    with tempfile.TemporaryDirectory(prefix="ckssd-metrics-") as folder:
        files = {name: Path(folder) / f"{name}.json" for name in ("images", "output")}
        files["detections"] = Path(folder) / "detections.npy"
        np.save(files["detections"], detections.as_array())
        files["images"].write_text(json.dumps(detections.image_ids), encoding="utf-8")
        command = [str(python), "-m", "ckssd.coco.metrics", "--annotations", str(annotations), "--tool", tool]
        for name, path in files.items():
            command += [f"--{name}", str(path)]
        _run(command)
        result: dict[str, Any] = json.loads(files["output"].read_bytes())
        return result


def _run(command: list[str]) -> None:
    source = str(Path(ckssd.__file__).resolve().parents[1])
    environment = {
        **os.environ,
        "PYTHONPATH": source,
    }  # ours only: the tools are in the interpreter's own packages
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise RunError(
            "The metrics' Python cannot be started", where=command[0], got=error.strerror
        ) from error
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()][-LAST_LINES:]
        raise RunError(
            "The metrics cannot be computed",
            where=command[0],
            got=" | ".join(lines).removeprefix("ckssd: ") or f"exit code {done.returncode}",
        )

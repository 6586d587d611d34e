"""Metrics computed by another Python: the environment that has the COCO tools."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from ckssd.coco.metric_types import MetricChoice
from ckssd.coco.metrics import DEFAULT_TOOL
from ckssd.worker import run_worker


class Found(Protocol):
    """Detections in images."""

    @property
    def image_ids(self) -> list[int]:
        """The images that were run."""

    def write_array(self, file: BinaryIO) -> None:
        """Write rows as NumPy does, see ckssd.coco.results."""


def run_metrics(
    python: Path,
    annotations: Path,
    detections: Found,
    tool: str = DEFAULT_TOOL,
    choice: MetricChoice | None = None,
) -> tuple[dict[str, Any], float]:
    """Run ``ckssd.coco.metrics`` with the interpreter ``python``.

    Returns
    -------
    metrics
        See ckssd.coco.metrics.evaluate for the keys.
    memory
        That process's peak memory in MiB.

    Raises
    ------
    InputError
        If the annotations or the detections are not what they should be.
    RunError
        If the interpreter cannot be started, or fails without saying why.
    """
    with tempfile.TemporaryDirectory(prefix="ckssd-metrics-") as folder:
        found, images = Path(folder) / "detections.npy", Path(folder) / "images.json"
        with found.open("wb") as file:
            detections.write_array(file)
        images.write_text(json.dumps(detections.image_ids), encoding="utf-8")
        files = ["--annotations", str(annotations), "--detections", str(found), "--images", str(images)]
        metrics: dict[str, Any]
        chosen = choice or MetricChoice()
        wanted = ["--tool", tool, "--metric", chosen.name, "--expand", chosen.expand]
        if chosen.hierarchy is not None:
            wanted += ["--hierarchy", str(chosen.hierarchy)]
        metrics, _ = run_worker(python, "ckssd.coco.metrics", [*files, *wanted])
        return metrics, metrics.pop("peak_memory_mb")

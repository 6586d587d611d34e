"""Peers: the same library and file as a contender's, in the loop that a user would write around it.

A peer gives a record as a run of ours does, so that both stand in one comparison: the same images, in turn,
accuracy beside speed. Label ids are taken for category ids, as a user would.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ckssd.coco.annotations import ImageEntry, read_annotations
from ckssd.coco.pictures import find_pictures
from ckssd.json_file import read_object
from ckssd.measure.compare import Contender, Record
from ckssd.measure.evaluation import run_metrics
from ckssd.measure.machine import describe_machine
from ckssd.measure.selection import select_images
from ckssd.measure.settings import BenchmarkSettings
from ckssd.measure.times import Times
from ckssd.tflite.process import run_tool, tool_environment

KINDS = ("litert", "tflite-runtime", "tensorflow-lite", "tensorflow", "onnx", "openvino", "opencv")
# In an IR of ``ckssd mo --postprocessing none``.
RAW_IR = b'<postprocessing value="none"'
LOOP = "a plain loop: Pillow, one image after another"
NOTE = "peers take label ids for category ids, and one thread or all for the library alone"


@dataclass(frozen=True)
class Peer:
    """A library of another, with the interpreter that has it and the model's file (a SavedModel: folder).

    ``settings``: those of a run of ours, for the images, annotations, metrics and threads.
    """

    contender: Contender
    kind: str
    python: Path
    model: Path
    settings: BenchmarkSettings

    def check(self, folder: Path) -> None:
        """See whether it could be measured, with one image; raises as ``run`` does."""
        self._looped(self._images()[:1], folder)

    def run(self, mode: str, folder: Path) -> Record:
        """Measure it once; the loop is the same in every mode.

        Raises
        ------
        InputError
            The data set cannot be read.
        RunError, NotInstalledError
            The loop fails, for instance because the library does not read the model.
        """
        images = self._images()
        done = self._looped(images, folder)
        found = _Found(np.array(done["rows"], np.float64).reshape(-1, 7), [image.id for image in images])
        settings = self.settings
        metrics, _ = run_metrics(
            settings.metrics_python,
            settings.annotations,
            found,
            settings.metrics_tool,
            settings.metric_choice(),
        )
        return self._record(mode, done, found, metrics)

    def _images(self) -> tuple[ImageEntry, ...]:
        settings = self.settings
        annotations = read_annotations(settings.annotations)
        chosen = select_images(annotations, settings.skip_images, settings.batch_count).images
        return find_pictures(settings.images, chosen)[0]

    def _looped(self, images: Sequence[ImageEntry], folder: Path) -> dict[str, Any]:
        script = resources.files("ckssd.measure") / "inside" / "peer_loop.py"
        job: dict[str, Any] = {"kind": self.kind, "model": str(self.model), "threads": self.settings.threads}
        job["images"] = [
            [image.id, str(self.settings.images / image.file_name), image.width, image.height]
            for image in images
        ]
        temporary = tempfile.TemporaryDirectory(prefix="peer-", dir=folder)
        with temporary as work, resources.as_file(script) as loop:
            described, output = Path(work) / "job.json", Path(work) / "result.json"
            described.write_text(json.dumps({**job, "output": str(output)}), encoding="ascii")
            run_tool(
                [self.python, loop, described],
                tool_environment(self.python),
                name=f"The loop of {self.contender.name}",
                about=self.model,
            )
            return read_object(output, "times")

    def _record(self, mode: str, done: dict[str, Any], found: _Found, metrics: dict[str, Any]) -> Record:
        times = Times(
            done["setup_s"], tuple(done["load"]), tuple(done["detect"]), done["wall_s"], done["first_s"]
        )
        settings = {
            "runtime": self.contender.runtime,
            "mode": mode,
            "postprocessed_by": LOOP,
            "images": len(found.image_ids),
            "threads": self.settings.threads,
            "model_file": self.model.name,
            "versions": done["versions"],
            "machine": {**describe_machine(), "detecting_peak_memory_mb": round(done["memory_mb"], 1)},
        }
        return {
            "run_time_state": times.as_dict(),
            "images_per_second": times.images_per_second,
            "detections": len(found.rows),
            "detections_sha256": hashlib.sha256(found.rows.tobytes()).hexdigest(),
            "mAP": metrics["mAP"],
            "recall": metrics["recall"],
            "settings": settings,
            "notes": [NOTE],
        }


@dataclass(frozen=True)
class _Found:
    """Rows float64 [N, 7], see ckssd.coco.results, of these images."""

    rows: np.ndarray[Any, np.dtype[np.float64]]
    image_ids: list[int]

    def write_array(self, file: BinaryIO) -> None:
        np.save(file, self.rows)


def peer_of(contender: Contender, python: Path, settings: BenchmarkSettings) -> Peer | None:
    """The plain loop around what a contender runs; None where its file needs more than its library.

    A network or an IR without NMS does; beside an ONNX one, the whole graph is looked for.
    """
    model = settings.model
    file = model.file
    if model.runtime == "onnx" and model.nms == "none":
        file = model.file.with_name("model.onnx")
    without_nms = (model.runtime == "litert" and model.nms == "none") or not file.is_file()
    if without_nms or (model.runtime == "openvino" and RAW_IR in file.read_bytes()):
        return None
    named = Contender(f"{contender.name}, plain loop", contender.runtime, contender.model)
    return Peer(named, model.runtime, python, file, settings)

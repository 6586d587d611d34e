"""The SSD family, each against TensorFlow's own detections: TFLite with its NMS and with ours, and the IR.

    .venv/bin/python -m bench.family [--only NAME ...] [--folder DIR] [--results DIR]

Every model is made on the spot with seeded weights (the Object Detection API of 2022, TensorFlow 2), kept in
``--folder`` and made once. TensorFlow runs its frozen graph, of TensorFlow 2's models their SavedModel, on 16
noise images; the others run what this project's commands make of that graph. The one that was trained
quantised is made by TensorFlow 1.15 and the API of 2020. Results go to bench/results/family.json and
family.md, after each model; rows of models that are not measured stay. The exit code is 1 if a detection
above 0.3 has no counterpart and nothing explains it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.context import ROOT
from bench.family_models import MODELS, FamilyModel
from bench.family_quantised import make_quantised, one_step
from bench.family_reasons import Limits, explain
from bench.family_table import LOW, SURE, Row, known, summary, write
from bench.family_ways import IR, KEPT, WAYS, Ready
from ckssd.ck.environments import the_environment
from ckssd.detect.detections import Detections
from ckssd.endings import run_main
from ckssd.report import say, step
from ckssd.tflite.saved_model import freeze_saved_model
from ckssd.tflite.seeded import LEAST_IMAGES, make_seeded_checkpoint
from tests.support.agreement import SCORE_TOLERANCE, compare
from tests.support.frozen_graphs import noise_images, run_frozen_graphs, run_saved_model

RESULTS = ROOT / "bench" / "results"
IMAGES, PICTURES, WEIGHTS = 16, 3, 2022
# Of the image side: random weights amplify rounding. The largest difference is in the table.
BOXES, SCORES = 2e-3, 5e-3
# TFLite rounds a predictor's output, and again where those of all feature maps become one tensor.
TFLITE_ROUNDS = 2
Pictures = Mapping[str, np.ndarray]
Found = dict[str, Detections]


@dataclass(frozen=True)
class Tools:
    """A Python with TensorFlow 2 and the API of 2022; ``old``: TensorFlow 1.15 and the API of 2020."""

    python: Path
    api: Path
    old: Tools | None = None


def main() -> None:
    """Read the options; an error is one line, not a traceback."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(MODELS), default=list(MODELS), metavar="NAME")
    parser.add_argument("--folder", type=Path, help="where the models are kept (default: nowhere)")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    sys.exit(run_main("bench.family", lambda: _run(options)))


def _run(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="ckssd-family-") as work:
        tools = installed_tools(old=any(MODELS[name].quantised for name in options.only))
        for name in options.only:
            rows = measure(MODELS[name], (options.folder or Path(work)) / name, tools)
            rows = sorted(
                [*known(options.results, [name]), *rows], key=lambda row: list(MODELS).index(row.model)
            )
            write(rows, options.results, IMAGES)
        say((options.results / "family.md").read_text(encoding="utf-8"))
        return int(any(row.sure["unexplained"] for row in rows))


def installed_tools(*, old: bool) -> Tools:
    """What is installed in the CK home; ``old``: also what quantises in training."""
    before = _tools("lib,tensorflow,v1.15", "model,tensorflow,api,v2020.07") if old else None
    now = _tools("lib,tensorflow,v2", "model,tensorflow,api,v2022")
    return Tools(now.python, now.api, before)


def _tools(tensorflow: str, api: str) -> Tools:
    python = the_environment(tensorflow).variables["CK_ENV_LIB_TF_PYTHON_FILE"]
    return Tools(Path(python), Path(the_environment(api).variables["CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"]))


def measure(model: FamilyModel, folder: Path, tools: Tools) -> list[Row]:
    """Make a model, run TensorFlow, then every other way; one row each."""
    step(f"Family: {model.name}")
    graph = _made(model, folder / "model", tools)
    pictures = {
        name: image[: model.height, : model.width]
        for name, image in noise_images(IMAGES, max(model.height, model.width), PICTURES).items()
    }
    theirs = _by_tensorflow(folder, graph, pictures, tools)
    return [
        _row(model, way, make(model, folder, graph, tools.python), graph, pictures, theirs)
        for way, make in WAYS.items()
    ]


def _made(model: FamilyModel, folder: Path, tools: Tools) -> Path:
    graph = folder / "frozen_inference_graph.pb"
    if graph.is_file():
        return graph
    folder.mkdir(parents=True, exist_ok=True)
    if model.quantised:
        assert tools.old is not None, "asked for before"
        make_quantised(folder, graph, tools.old.python, tools.old.api)
        return graph
    config = folder.with_name("pipeline.config")
    config.write_text(model.config(), encoding="utf-8")
    images = max(LEAST_IMAGES, model.images)
    make_seeded_checkpoint(tools.python, tools.api, config, folder, seed=WEIGHTS, images=images)
    if not graph.is_file():
        freeze_saved_model(tools.python, folder, graph)
    return graph


def _by_tensorflow(folder: Path, graph: Path, pictures: Pictures, tools: Tools) -> Found:
    if (folder / "model" / "checkpoint").is_dir():  # TensorFlow 2's
        return run_saved_model(tools.python, folder / "model" / "saved_model", pictures, folder)
    return run_frozen_graphs(tools.python, {"graph": graph}, pictures, folder)["graph"]


def _limits(model: FamilyModel, way: str, ready: Ready, graph: Path) -> tuple[Limits, str]:
    """What a pair may differ by, and how the table says it where it is not what all others may."""
    if not model.quantised:
        return Limits(ready.iou, BOXES, SCORES, SCORE_TOLERANCE), ""
    steps = 1 if way == IR else TFLITE_ROUNDS
    boxes, scores = (steps * each for each in one_step(graph))
    told = f"{way}: {scores:.4f} in the score and {boxes:.4f} of the image's side"
    # Two scores that tie may each move, one up and one down.
    return Limits(ready.iou, boxes, scores, 2 * scores, steps), told


def _row(model: FamilyModel, way: str, ready: Ready, graph: Path, pictures: Pictures, theirs: Found) -> Row:
    pairs = {name: (ready.detect(image), theirs[name]) for name, image in pictures.items()}
    limits, tolerance = _limits(model, way, ready, graph)
    found = {
        threshold: compare(
            [(name, *both) for name, both in pairs.items()],
            threshold=threshold,
            keep=KEPT,
            box_tolerance=limits.boxes,
            score_tolerance=limits.scores,
            tie_tolerance=limits.ties,
        )
        for threshold in (SURE, LOW)
    }
    sure, low = (summary(each, explain(each, pairs, limits)) for each in found.values())
    return Row(model.name, way, round(ready.size / 1e6, 1), round(ready.seconds, 1), sure, low, tolerance)


if __name__ == "__main__":
    main()

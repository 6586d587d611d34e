"""The SSD family, each against TensorFlow's own detections: TFLite with its NMS and with ours, and the IR.

    .venv/bin/python -m bench.family [--only NAME ...] [--folder DIR] [--results DIR]

Every model is made on the spot with seeded weights (the Object Detection API of 2022, TensorFlow 2), kept in
``--folder`` and made once. TensorFlow runs its frozen graph, of TensorFlow 2's models their SavedModel, on 16
noise images; the others run what this project's commands make of that graph. Results go to
bench/results/family.json and family.md, after each model; rows of models that are not measured stay. The
exit code is 1 if a detection above 0.3 has no counterpart and no tie explains it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.context import ROOT
from bench.family_models import MODELS, FamilyModel
from ckssd.ck.environments import the_environment
from ckssd.detect.detections import Detections
from ckssd.detect.litert import LiteRTDetector
from ckssd.detect.litert_raw import RawLiteRTDetector
from ckssd.detect.openvino import OpenVINODetector, read_ir
from ckssd.detect.own_nms import OwnPostprocessing
from ckssd.detect.scores import Scores
from ckssd.endings import run_main
from ckssd.graph.mo import convert
from ckssd.graph.options import from_mapping, options_from
from ckssd.report import say, step
from ckssd.tflite.convert import Conversion, convert_graph
from ckssd.tflite.export import Checkpoint
from ckssd.tflite.from_frozen import export_frozen
from ckssd.tflite.frozen import export_frozen_graph
from ckssd.tflite.model import read_model
from ckssd.tflite.process import research_directories, run_tool, tool_environment
from ckssd.tflite.saved_model import freeze_saved_model
from ckssd.tflite.seeded import LEAST_IMAGES, make_seeded_checkpoint
from tests.support.agreement import Agreement, Unmatched, compare
from tests.support.frozen_graphs import noise_images, run_frozen_graphs, run_saved_model

RESULTS = ROOT / "bench" / "results"
RANDOM = ROOT / "tests" / "e2e" / "inside" / "random_checkpoints.py"
IMAGES, PICTURES, WEIGHTS = 16, 3, 2022
SURE, LOW, KEPT = 0.3, 0.01, 100
# Of the image side: random weights amplify rounding. The largest difference is in the table.
MOST_LISTED = 20
BOXES, SCORES = 2e-3, 5e-3
REGULAR, OWN, IR = "TFLite regular", "TFLite without NMS + own", "IR"
Pictures = Mapping[str, np.ndarray]
Found = dict[str, Detections]


@dataclass(frozen=True)
class Row:
    """One model, one way to run it: size, time of conversion, and the agreement at both thresholds."""

    model: str
    way: str
    megabytes: float
    seconds: float
    sure: dict[str, Any]
    low: dict[str, Any]


@dataclass(frozen=True)
class Tools:
    """A Python with TensorFlow 2, and the Object Detection API of 2022."""

    python: Path
    api: Path


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
        rows = known(options.results, options.only)
        for name in options.only:
            rows += measure(MODELS[name], (options.folder or Path(work)) / name, installed_tools())
            write(rows, options.results)
        say((options.results / "family.md").read_text(encoding="utf-8"))
        return int(any(row.sure["unexplained"] for row in rows))


def known(folder: Path, measured_anew: Sequence[str]) -> list[Row]:
    """Return the rows of earlier runs, of models that are not measured now."""
    file = folder / "family.json"
    rows = json.loads(file.read_bytes()) if file.is_file() else []
    return [Row(**row) for row in rows if row["model"] not in measured_anew]


def installed_tools() -> Tools:
    """What is installed in the CK home."""
    tensorflow = the_environment("lib,tensorflow,v2").variables
    api = the_environment("model,tensorflow,api,v2022").variables
    return Tools(
        Path(tensorflow["CK_ENV_LIB_TF_PYTHON_FILE"]), Path(api["CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"])
    )


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
        _row(model, way, run(model, folder, graph, tools), pictures, theirs)
        for way, run in {REGULAR: _regular, OWN: _own, IR: _ir}.items()
    ]


def _made(model: FamilyModel, folder: Path, tools: Tools) -> Path:
    graph = folder / "frozen_inference_graph.pb"
    if not graph.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        config = folder.with_name("pipeline.config")
        config.write_text(model.config(), encoding="utf-8")
        if model.shared_predictor:
            _make_random(config, folder, graph, tools)
        else:
            images = max(LEAST_IMAGES, model.images)
            make_seeded_checkpoint(tools.python, tools.api, config, folder, seed=WEIGHTS, images=images)
        if not graph.is_file():
            freeze_saved_model(tools.python, folder, graph)
    return graph


def _make_random(config: Path, folder: Path, graph: Path, tools: Tools) -> None:
    """Of predictors that all feature maps share the seeded maker knows no statistics: weights alone."""
    path = research_directories(tools.api, tools.python)
    run_tool(
        [tools.python, RANDOM, config, folder],
        tool_environment(tools.python, path),
        name="The random weights",
    )
    export_frozen_graph(tools.python, tools.api, Checkpoint.in_directory(folder), graph)


def _by_tensorflow(folder: Path, graph: Path, pictures: Pictures, tools: Tools) -> Found:
    if (folder / "model" / "checkpoint").is_dir():  # TensorFlow 2's
        return run_saved_model(tools.python, folder / "model" / "saved_model", pictures, folder)
    return run_frozen_graphs(tools.python, {"graph": graph}, pictures, folder)["graph"]


@dataclass(frozen=True)
class Ready:
    """A converted model: its files' size, the time that it took, and how it detects."""

    size: int
    seconds: float
    detect: Callable[[np.ndarray], Detections]


def _tflite(folder: Path, graph: Path, tools: Tools, *, postprocess: bool) -> tuple[Path, float]:
    output = folder / ("regular" if postprocess else "none")
    begin = time.perf_counter()
    export_frozen(graph, output)
    file = output / "detect.tflite"
    convert_graph(
        tools.python,
        output / "tflite_graph.pb",
        [Conversion(file, postprocess=postprocess)],
        anchors=output / "flatanchors.txt",
    )
    return file, time.perf_counter() - begin


def _regular(model: FamilyModel, folder: Path, graph: Path, tools: Tools) -> Ready:
    file, seconds = _tflite(folder, graph, tools, postprocess=True)
    detector = LiteRTDetector(read_model(file), threads=2)
    return Ready(file.stat().st_size, seconds, lambda image: detector.detect(model.feed(image)))


def _own(model: FamilyModel, folder: Path, graph: Path, tools: Tools) -> Ready:
    file, seconds = _tflite(folder, graph, tools, postprocess=False)
    options = read_model(folder / "regular" / "detect.tflite").options
    assert options is not None, "the regular graph has NMS"
    anchors = np.loadtxt(folder / "none" / "flatanchors.txt", np.float32, ndmin=2)
    own = OwnPostprocessing(anchors, (options,), Scores(file, "none"))
    detector = RawLiteRTDetector(read_model(file), own, 2)
    return Ready(file.stat().st_size, seconds, lambda image: detector.detect(model.feed(image)))


def _ir(model: FamilyModel, folder: Path, graph: Path, tools: Tools) -> Ready:
    flags = {"input_model": str(graph), "output_dir": str(folder / "ir"), "model_name": "ir"}
    begin = time.perf_counter()
    convert(options_from(from_mapping({**flags, "confidence_threshold": str(LOW), "keep_top_k": str(KEPT)})))
    seconds = time.perf_counter() - begin
    detector = OpenVINODetector(read_ir(folder / "ir" / "ir.xml"), threads=2)
    size = sum((folder / "ir" / name).stat().st_size for name in ("ir.xml", "ir.bin"))
    return Ready(size, seconds, lambda image: detector.detect(image[np.newaxis].astype(np.float32)))


def _row(model: FamilyModel, way: str, ready: Ready, pictures: Pictures, theirs: Found) -> Row:
    pairs = [(name, ready.detect(image), theirs[name]) for name, image in pictures.items()]
    found = {
        limit: summary(
            compare(pairs, threshold=limit, keep=KEPT, box_tolerance=BOXES, score_tolerance=SCORES)
        )
        for limit in (SURE, LOW)
    }
    return Row(model.name, way, round(ready.size / 1e6, 1), round(ready.seconds, 1), found[SURE], found[LOW])


def summary(agreement: Agreement) -> dict[str, Any]:
    """Numbers of a comparison, and every unmatched detection with its score and what explains it."""
    return {
        "matched": agreement.compared,
        "unmatched": len(agreement.unmatched),
        "unexplained": sum(_reason(each) == "" for each in agreement.unmatched),
        "score_difference": agreement.score_difference,
        "box_difference": agreement.box_difference,
        "exceptions": [
            f"image {each.image}, class {each.number}, score {each.score:.6f}: {_reason(each) or 'no tie'}"
            for each in agreement.unmatched
        ],
    }


def _reason(one: Unmatched) -> str:
    ymin, xmin, ymax, xmax = one.box
    outside = ymax <= ymin or xmax <= xmin
    return one.tie or ("its box lies outside the image: TensorFlow drops it" if outside else "")


def write(rows: Sequence[Row], folder: Path) -> None:
    """Write family.json and family.md."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "family.json").write_text(
        json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8"
    )
    (folder / "family.md").write_text("\n".join(table(rows)) + "\n", encoding="utf-8")


def table(rows: Sequence[Row]) -> list[str]:
    """The rows for people, and under them every exception above 0.3."""
    lines = [
        f"Detections against TensorFlow's own, {IMAGES} noise images, seeded weights "
        "(`python -m bench.family`); times of conversion on a machine that others use, too.",
        "",
        "| model | way | MB | s | > 0.3 matched | unmatched | > 0.01 matched | unmatched | score ± | box ± |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row.model} | {row.way} | {row.megabytes} | {row.seconds} | {row.sure['matched']} "
            f"| {row.sure['unmatched']} | {row.low['matched']} | {row.low['unmatched']} "
            f"| {row.low['score_difference']:.1e} | {row.low['box_difference']:.1e} |"
        )
    lines.append("")
    for row in rows:
        listed = row.sure["exceptions"]
        lines += [f"- {row.model}, {row.way}: {each}" for each in listed[:MOST_LISTED]]
        if len(listed) > MOST_LISTED:
            lines.append(f"- {row.model}, {row.way}: {len(listed) - MOST_LISTED} more are in family.json")
    return lines


if __name__ == "__main__":
    main()

"""IRs by sub-graph replacement, measured: equality with TensorFlow, latency, and what a conversion costs.

    .venv/bin/python -m bench.openvino_ir [--rounds 5] [--parts equality latency conversion]
        [--with-mo-2024] [--with-tensorflow-1]

Results go to bench/results/openvino.json and openvino.md. With --with-mo-2024 the last Model Optimizer is
installed in an environment of its own (openvino-dev 2024.6.0), and its IR joins the comparison;
with --with-tensorflow-1 the graph as TensorFlow 1.13.1 exports and runs it (needs Python 3.7).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from bench.context import ROOT, Context, Row, in_turn, median_ratio
from bench.ended import run_to_end
from bench.openvino_models import FULL_SIZE_V1, MODELS, Workshop
from bench.written import RESULTS, row_lines, write_results
from ckssd.detect.openvino import OpenVINODetector, read_ir
from ckssd.graph.mo import convert
from ckssd.graph.options import from_mapping, options_from
from ckssd.install import run_uv
from ckssd.report import say, step
from tests.support.agreement import BOX_TOLERANCE, SCORE_TOLERANCE, Agreement, compare
from tests.support.frozen_graphs import KEPT, SCORE_THRESHOLD, noise_images, run_frozen_graphs
from tests.support.sandbox import Sandbox

PARTS = ("equality", "latency", "conversion")
IMAGES, SIZE, SEED = 16, 300, 3
SURE = 0.3
MO_2024 = "openvino-dev[tensorflow2]==2024.6.0"
MO_2024_CONFIGURATION = "ssd_support_api_v1.15.json"


def main() -> None:
    """Install what is needed, run the parts, write the results."""
    parser = argparse.ArgumentParser(prog="bench.openvino_ir", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), help="for equality")
    parser.add_argument("--with-mo-2024", action="store_true")
    parser.add_argument("--with-tensorflow-1", action="store_true")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder (default: bench/results)")
    options = parser.parse_args()
    images = noise_images(IMAGES, SIZE, SEED)
    with tempfile.TemporaryDirectory(prefix="ckssd-bench-") as folder:
        workshop = Workshop(Sandbox(Path(folder) / "home"))
        rows: list[Row] = []
        if "equality" in options.parts:
            for model in options.models:
                rows += equality(workshop, model, images)
        if "latency" in options.parts:
            rows += latency(
                workshop,
                images,
                options.rounds,
                with_mo_2024=options.with_mo_2024,
                with_tensorflow_1=options.with_tensorflow_1,
            )
        if "conversion" in options.parts:
            rows += conversion(workshop, options.rounds)
        workshop.sandbox.remove()
    write(options.results, rows, options.rounds)


def equality(workshop: Workshop, model: str, images: dict[str, np.ndarray]) -> list[Row]:
    """Two rows for each exporter's graph of a model: the sure detections, and all."""
    graphs = workshop.graphs(model)
    expected = run_frozen_graphs(workshop.tensorflow, graphs, images, workshop.folder)
    rows = []
    for name, graph in graphs.items():
        xml, configuration = to_ir(graph, workshop.folder / "ir")
        detector = OpenVINODetector(read_ir(xml))
        found = {key: detector.detect(image[np.newaxis].astype(np.float32)) for key, image in images.items()}
        pairs = [(key, found[key], expected[name][key]) for key in images]
        for threshold in (SURE, SCORE_THRESHOLD):
            agreement = compare(pairs, threshold=threshold, keep=KEPT)
            row = _equality_row(f"{model}, {name}", configuration, threshold, agreement)
            say(f"    {row.name}: {row.measured}")
            rows.append(row)
    return rows


def _equality_row(name: str, configuration: str, threshold: float, found: Agreement) -> Row:
    near = found.score_difference <= SCORE_TOLERANCE and found.box_difference <= BOX_TOLERANCE
    unmatched = found.unmatched if threshold == SURE else found.untied
    return Row(
        f"{name}, over {threshold}",
        "none unmatched" if threshold == SURE else "unmatched only where scores tie",
        f"{len(found.unmatched)} of {found.compared} unmatched, {len(found.untied)} without a tie; "
        f"score {found.score_difference:.1e}, box {found.box_difference:.1e}",
        not unmatched and near,
        {"configuration": configuration, "unmatched": [dataclasses.asdict(each) for each in found.unmatched]},
    )


def latency(
    workshop: Workshop,
    images: dict[str, np.ndarray],
    rounds: int,
    *,
    with_mo_2024: bool,
    with_tensorflow_1: bool,
) -> list[Row]:
    """One thread, full-size v1: the IR against the same file run in other ways."""
    graph = workshop.model(FULL_SIZE_V1) / "frozen_inference_graph.pb"
    xml, _ = to_ir(graph, workshop.folder / "ir")
    pictures = workshop.folder / "pictures.npz"
    np.savez(pictures, **images)
    context = Context(workshop.folder, workshop.folder, rounds)
    by_openvino = {"IR": xml, "direct": graph}
    if with_mo_2024:
        by_openvino["mo 2024.6"] = by_mo_2024(workshop.folder, graph)
    contenders = {
        "OpenVINO": partial(
            context.run, workshop.openvino, "openvino_latency.py", pictures, *by_openvino.values()
        ),
        "TensorFlow": partial(context.run, workshop.tensorflow, "tensorflow_latency.py", pictures, graph),
    }
    if with_tensorflow_1:
        old_python, old_graph = workshop.by_tensorflow_1(FULL_SIZE_V1)
        contenders["TensorFlow 1.13.1"] = partial(
            context.run, old_python, "tensorflow_latency.py", pictures, old_graph
        )
    step(f"latency with {' and '.join(contenders)}, {rounds} rounds in turn")
    runs = in_turn(contenders, rounds)
    found = {name: [median(run[index]) for run in runs["OpenVINO"]] for index, name in enumerate(by_openvino)}
    for name in [name for name in runs if name.startswith("TensorFlow")]:
        found[name] = [median(seconds) for (seconds,) in runs[name]]
    mine = found["IR"]
    wanted = {
        "direct": ("OpenVINO's direct conversion of the same file", 20.0),
        "TensorFlow": ("TensorFlow 2.21, the same frozen graph", 3.0),
        "TensorFlow 1.13.1": ("TensorFlow 1.13.1, its own frozen graph", 3.0),
        "mo 2024.6": ("the IR of mo 2024.6 on the same runtime", 0.95),
    }
    rows = []
    for name, (what, least) in wanted.items():
        if name in found:
            ratio = median_ratio(found[name], mine)
            target = "within 5 %" if least < 1 else f"at least {least:g} times faster"
            times = f"{median(found[name]) * 1e3:.1f} ms against {median(mine) * 1e3:.1f} ms"
            measured = f"{ratio:.2f} times ({times})"
            rows.append(Row(f"latency, 1 thread, against {what}", target, measured, ratio >= least, found))
            say(f"    {rows[-1].name}: {measured}")
    return rows


def by_mo_2024(folder: Path, graph: Path) -> Path:
    """The IR of the last Model Optimizer, installed for this in an environment of its own."""
    step(f"installing {MO_2024}, and its conversion")
    home = folder / "mo 2024"
    run_uv(["venv", "--python", "3.11", str(home)])
    run_uv(["pip", "install", "--python", str(home / "bin" / "python"), MO_2024])
    (configuration,) = home.glob(
        f"lib/python*/site-packages/openvino/tools/mo/front/tf/{MO_2024_CONFIGURATION}"
    )
    flags = {
        "input_model": graph,
        "transformations_config": configuration,
        "tensorflow_object_detection_api_pipeline_config": graph.with_name("pipeline.config"),
        "output_dir": folder / "mo 2024 ir",
        "compress_to_fp16": False,
    }
    command = [str(home / "bin" / "python"), "-m", "openvino.tools.mo"]
    command += [f"--{name}={value}" for name, value in flags.items()]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return folder / "mo 2024 ir" / f"{graph.stem}.xml"


def conversion(workshop: Workshop, rounds: int) -> list[Row]:
    """The whole process, from its start to its end, and its peak memory."""
    graph = workshop.model(FULL_SIZE_V1) / "frozen_inference_graph.pb"
    settings = workshop.folder / "settings.json"
    flags = {"input_model": str(graph), "output_dir": str(workshop.folder / "converted")}
    settings.write_text(json.dumps(flags), encoding="utf-8")
    output = workshop.folder / "account.json"
    command = [str(workshop.openvino), "-m", "ckssd.graph", "--settings", str(settings)]
    path = {"PYTHONPATH": str(ROOT / "src")}
    runs = [run_to_end(*command, "--output", output, variables=path) for _ in range(rounds)]
    seconds = [each.seconds for each in runs]
    megabytes = [each.peak_bytes / 1024**2 for each in runs]
    return [
        Row(
            "conversion of full-size v1, whole process",
            "under 4 s",
            f"{median(seconds):.1f} s",
            median(seconds) < 4,
            {"seconds": seconds},
        ),
        Row(
            "its peak memory",
            "under 400 MB",
            f"{median(megabytes):.0f} MB",
            median(megabytes) < 400,
            {"MB": megabytes},
        ),
    ]


def to_ir(graph: Path, folder: Path) -> tuple[Path, str]:
    """Convert by the configuration that fits; the .xml and the configuration's name."""
    flags = {"input_model": str(graph), "output_dir": str(folder), "model_name": graph.stem}
    done = convert(options_from(from_mapping(flags)))
    return Path(done.data["xml"]), done.data["configuration"]


def write(folder: Path, rows: list[Row], rounds: int) -> None:
    """Write openvino.json and openvino.md."""
    content = {"rounds": rounds, "rows": list(map(dataclasses.asdict, rows))}
    how = f"one thread, float32, {IMAGES} images, medians of {rounds} rounds in turn"
    command = "python -m bench.openvino_ir"
    write_results(folder, "openvino", content, row_lines(rows), command=command, how=how)


if __name__ == "__main__":
    main()

"""`python -m bench.openvino_nms`: TensorFlow's exact NMS behind an IR, against the NMS of `mo` 2024.6's IR.

Full-size v1 with its own graph's limits. The DetectionOutput of `mo` looks at the 100 best boxes of a class;
ours finds what TensorFlow finds. Results go to bench/results/openvino_nms.json and openvino_nms.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from bench.context import Context, Row, median_ratio
from bench.openvino_ir import IMAGES, SEED, SIZE, by_mo_2024
from bench.openvino_models import FULL_SIZE_V1, Workshop
from bench.written import RESULTS, load_before, row_lines, write_results
from ckssd.graph.mo import convert
from ckssd.graph.options import from_mapping, options_from
from ckssd.report import say
from tests.support.frozen_graphs import noise_images
from tests.support.sandbox import Sandbox

KINDS = {"structured": 0.85, "noise": 1.0}  # the time of ours to that of mo's that is wanted at most


def main() -> None:
    """Install what is needed, measure, write the results."""
    parser = argparse.ArgumentParser(prog="bench.openvino_nms", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder (default: bench/results)")
    options = parser.parse_args()
    busy = load_before()
    with tempfile.TemporaryDirectory(prefix="ckssd-bench-") as folder:
        workshop = Workshop(Sandbox(Path(folder) / "home"))
        rows = measure(workshop, options.rounds)
        workshop.sandbox.remove()
    how = f"one thread, float32, {IMAGES} images, medians of {options.rounds} rounds in turn; {busy}"
    content = {"rounds": options.rounds, "rows": [dataclasses.asdict(row) for row in rows]}
    command = "python -m bench.openvino_nms"
    write_results(options.results, "openvino_nms", content, row_lines(rows), command=command, how=how)


def measure(workshop: Workshop, rounds: int) -> list[Row]:
    """A row for each kind of images."""
    graph = workshop.model(FULL_SIZE_V1) / "frozen_inference_graph.pb"
    flags = {
        "input_model": str(graph),
        "output_dir": str(workshop.folder / "none"),
        "postprocessing": "none",
    }
    none = convert(options_from(from_mapping(flags))).data["xml"]
    theirs = by_mo_2024(workshop.folder, graph)
    context = Context(workshop.folder, workshop.folder, rounds)
    random = np.random.default_rng(SEED)
    pictures = {
        "structured": noise_images(IMAGES, SIZE, SEED),
        "noise": {str(k): random.integers(0, 256, (SIZE, SIZE, 3), np.uint8) for k in range(IMAGES)},
    }
    rows = []
    for kind, most in KINDS.items():
        file = workshop.folder / f"{kind}.npz"
        np.savez(file, **pictures[kind])
        found = [
            context.run(workshop.openvino, "own_nms_and_ir.py", file, none, theirs) for _ in range(rounds)
        ]
        ours, others = ([median(run[name]) for run in found] for name in ("ours", "theirs"))
        ratio = median_ratio(ours, others)
        measured = f"{ratio:.2f} ({median(ours) * 1e3:.1f} and {median(others) * 1e3:.1f} ms)"
        name = f"the IR without NMS and ours, to the IR of mo 2024.6: its time on {kind} images"
        rows.append(Row(name, f"at most {most:g}", measured, ratio <= most, {"ours": ours, "theirs": others}))
        say(f"    {rows[-1].name}: {measured}")
    return rows


if __name__ == "__main__":
    main()

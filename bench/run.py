"""`make bench`: every figure of the table in docs/speed.md, measured side by side in one run.

    .venv/bin/python -m bench.run [--rounds 5] [--images 1000] [--parts throughput startup …]

Results go to bench/results/ as JSON and Markdown, with the time that it took. Nothing else should run then.
The parts of EXTRA run only when they are named, and have files of their own: --parts plain --results DIR.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.context import (
    BUILT_IN_DATA,
    BUILT_IN_MODEL,
    COCO_LABELS,
    COCO_TOOLS,
    FULL_SIZE_MODEL,
    LITERT,
    Context,
    Row,
)
from bench.images import make_images
from bench.written import RESULTS, load_before, row_lines, write_results
from ckssd.endings import run_main
from ckssd.report import say, step

PARTS = ("startup", "decoding", "latency", "throughput", "nms", "coco_metrics", "int8")
EXTRA = ("coco_metrics_100", "growth", "plain", "real_weights")


def main() -> None:
    """Read the options; an error is one line, not a traceback."""
    parser = argparse.ArgumentParser(prog="bench.run", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=whole_number, default=5)
    parser.add_argument("--images", type=whole_number, default=1000)
    parser.add_argument("--parts", nargs="+", choices=PARTS + EXTRA, default=PARTS)
    parser.add_argument(
        "--results", type=Path, help="folder (default: bench/results when all parts are run, else none)"
    )
    options = parser.parse_args()
    sys.exit(run_main("bench", lambda: run(options)))


def whole_number(text: str) -> int:
    """Read a number of times: 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"at least 1, not {number}")
    return number


def run(options: argparse.Namespace) -> int:
    """Install what is missing, make the images, run the parts, write the results."""
    busy = load_before()
    results = options.results or (RESULTS if set(PARTS) <= set(options.parts) else None)
    with tempfile.TemporaryDirectory(prefix="ckssd-bench-") as folder:
        context = Context(Path(folder), Path(folder) / "data", options.rounds)
        parts = {name: importlib.import_module(f"bench.{name}") for name in options.parts}
        needed = (LITERT, COCO_TOOLS, BUILT_IN_DATA, BUILT_IN_MODEL, FULL_SIZE_MODEL)
        for tags in [*needed, *(tags for part in parts.values() for tags in getattr(part, "NEEDED", ()))]:
            context.install(tags)
        began = time.monotonic()
        step(f"{options.images} images of COCO's size")
        make_images(context.data, options.images, COCO_LABELS)
        all_rows = []
        for name, part in parts.items():
            step(name)
            rows = part.measure(context)
            for row in rows:
                say(f"    {row.name}: {row.measured} ({row.target}{'' if row.met else '; NOT MET'})")
            all_rows += rows if name in PARTS else []
            if results is not None:  # after each part, so that an interruption costs one part
                seconds = time.monotonic() - began
                run = {
                    "rounds": options.rounds,
                    "images": options.images,
                    "seconds": seconds,
                    "load_before": busy,
                }
                if name in EXTRA:
                    write(
                        results,
                        name,
                        rows,
                        run,
                        f"python -m bench.run --parts {name} --results bench/results",
                    )
                else:
                    write(results, "bench", all_rows, run, "make bench")
    return 0


def write(folder: Path, name: str, rows: list[Row], run: dict[str, Any], command: str) -> None:
    """Write the rows as NAME.json and NAME.md."""
    content = {"run": run, "rows": [dataclasses.asdict(row) for row in rows]}
    minutes = run["seconds"] / 60
    how = (
        f"{run['images']} images, medians of {run['rounds']} runs in turn, {minutes:.0f} minutes; "
        f"{run['load_before']}"
    )
    write_results(folder, name, content, row_lines(rows), command=command, how=how)


if __name__ == "__main__":
    main()

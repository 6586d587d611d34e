"""How far int8 is from what the processor's 8-bit integers allow, kind of layer by kind, on one thread.

    .venv/bin/python -m bench.int8_bound [--passes 100] [--results DIR]

The bound is a matrix product of bytes by OpenVINO, the fastest of three sizes. Full-size v1; results
go to bench/results/int8_bound.json and int8_bound.md. Nothing else should run then.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from bench.context import LITERT, OPENVINO, Context
from bench.int8 import GRAPHS, NEEDED, variables_of
from bench.written import RESULTS, load_before, write_results
from ckssd.endings import run_main

KINDS = ("3x3", "depthwise", "1x1")
COLUMNS = (
    "layers",
    "operations, millions",
    "bound, ms",
    "LiteRT, ms",
    "of the bound",
    "OpenVINO, ms",
    "of the bound",
)


def main() -> None:
    """Read the options; an error is one line, not a traceback."""
    parser = argparse.ArgumentParser(prog="bench.int8_bound", description=__doc__.splitlines()[0])
    parser.add_argument("--passes", type=int, default=100)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder (default: bench/results)")
    sys.exit(run_main("bench.int8_bound", partial(run, parser.parse_args())))


def run(options: argparse.Namespace) -> int:
    """Measure both runtimes, write the table."""
    how = f"full-size v1, the least of {options.passes} passes; {load_before()}"
    with tempfile.TemporaryDirectory(prefix="ckssd-bench-") as folder:
        context = Context(Path(folder), Path(folder) / "data", 1)
        for tags in (LITERT, OPENVINO, *(tags for tags in NEEDED if "seeded-int8" in tags)):
            context.install(tags)
        by_openvino = _layers(
            context, context.openvino_python, "int8_openvino.py", "openvino", options.passes
        )
        by_litert = _layers(context, context.litert_python, "int8_litert.py", "tflite", options.passes)
    write_results(
        options.results,
        "int8_bound",
        {"passes": options.passes, "openvino": by_openvino, "litert": by_litert},
        table(by_openvino["peak_gops"], by_litert, by_openvino),
        command="python -m bench.int8_bound",
        how=how,
    )
    return 0


def _layers(context: Context, python: Path, script: str, kind: str, passes: int) -> dict[str, Any]:
    model = variables_of(context, kind, "seeded", "int8")[GRAPHS[kind]]
    found: dict[str, Any] = context.run(python, script, model, passes)
    return found


def table(peak: float, litert: dict[str, Any], openvino: dict[str, Any]) -> list[str]:
    """The table's lines: each kind of layer, all of them, and what is no convolution; ``peak`` in GOPS."""
    lines = [
        f"A matrix product of bytes reaches {peak:.0f} billion multiplications and additions a second.",
        "",
        f"| | {' | '.join(COLUMNS)} |",
        "|---" * (1 + len(COLUMNS)) + "|",
    ]
    for name, kinds in (*((kind, (kind,)) for kind in KINDS), ("all convolutions", KINDS)):
        chosen = [[each for each in one["layers"] if each["kind"] in kinds] for one in (litert, openvino)]
        operations = sum(each["operations"] for each in chosen[1])
        bound = operations / peak / 1e6
        cells = [f"{len(chosen[1])}", f"{operations / 1e6:.0f}", f"{bound:.2f}"]
        for layers in chosen:
            milliseconds = sum(each["ms"] for each in layers)
            cells += [f"{milliseconds:.2f}", f"{bound / milliseconds:.2f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    rest = (litert["rest_ms"], openvino["rest_ms"])
    lines.append(f"| all else, NMS included | | | | {rest[0]:.2f} | | {rest[1]:.2f} | |")
    return lines


if __name__ == "__main__":
    main()

"""Compare runtimes and models on the same images: accuracy, latency, images a second, memory.

    ckssd compare --models=shapes --runtimes=litert,openvino,onnx,tensorflow --dataset=shapes
    ckssd compare --model float.tflite --model int8.tflite --images photos/ --annotations instances.json
    ckssd compare --models seeded shapes --runtimes=litert --nms=regular,fast --rounds=5 --json
    ckssd compare --models=shapes --runtimes=litert,openvino,onnx --dataset=shapes --peers
    ckssd compare --models=shapes --runtimes=litert,openvino --dataset=shapes --report out/compared.html

Each runs in its own installed environment, in turn (A B A B), once in each mode a round. Latency is measured
with --threads threads in the runtime, images a second with that many detectors of one thread each.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from pathlib import Path

from ckssd.cli.benchmark import add_metric_arguments
from ckssd.cli.contenders import DEFAULT_NMS, Prepared, find_contenders
from ckssd.cli.result import Result
from ckssd.errors import UsageError
from ckssd.measure.compare import Comparison, Contender, Record, compare, measure_in_turn, runs_as_data
from ckssd.measure.comparison_table import table
from ckssd.measure.peers import Peer, peer_of
from ckssd.model.runtimes import DEFAULT_RUNTIME, RUNTIMES
from ckssd.report import step
from ckssd.values import made_folder, refuse_address


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--model",
        action="append",
        type=Path,
        metavar="FILE",
        help="a model of your own: .tflite, .xml (IR), .onnx or frozen .pb; once for each",
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="class names of these (default: found beside each)"
    )
    parser.add_argument(
        "--models", nargs="+", metavar="TAGS", help="tags of installed models, one word for each model"
    )
    parser.add_argument(
        "--runtimes",
        help=f"for installed models, with commas: {','.join(RUNTIMES)} (default: {DEFAULT_RUNTIME})",
    )
    parser.add_argument("--images", type=Path, metavar="DIR", help="pictures of your own, with --annotations")
    parser.add_argument("--annotations", type=Path, metavar="FILE", help="what is in them, as COCO has it")
    parser.add_argument("--dataset", default="", metavar="TAGS", help="tags of the data set")
    parser.add_argument(
        "--nms", help=f"graphs for litert, with commas: regular, fast, none (default: {DEFAULT_NMS})"
    )
    parser.add_argument("--tensorflow", default="", metavar="TAGS", help="more tags of TensorFlow 2")
    parser.add_argument(
        "--peers",
        action="store_true",
        help="beside each the loop that a user would write with the same library and file",
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write an HTML report there, see ckssd report"
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each runs (default: 3)")
    parser.add_argument("--threads", help="CK_HOST_CPU_NUMBER_OF_PROCESSORS (default: all)")
    parser.add_argument("--count", help="how many images (CK_BATCH_COUNT; default: all)")
    add_metric_arguments(parser)
    parser.add_argument("--resize", help="pillow, opencv or tf1 (CK_RESIZE; default: pillow)")
    parser.add_argument("--orientation", help="stored or upright (CK_IMAGE_ORIENTATION; default: stored)")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="a variable of the benchmark program"
    )


def run(options: argparse.Namespace) -> Result:
    """Find what is installed, see that each can run, measure in turn, compare."""
    if options.rounds < 1:
        raise UsageError("--rounds has no value that can be used", expected="at least 1", got=options.rounds)
    if options.report is not None:
        refuse_address("--report", options.report)
        made_folder("--report", options.report.parent)
    found = find_contenders(options)
    peers = [peer_of(one.contender, one.python, one.settings) for one in found] if options.peers else []
    contenders: dict[Contender, Prepared | Peer] = {
        one.contender: one for one in (*found, *peers) if one is not None
    }
    with tempfile.TemporaryDirectory(prefix="ckssd-") as name:
        folder = Path(name)
        kept: dict[Contender, Path] = {}
        for contender, prepared in contenders.items():
            step(f"{contender.name}, check")
            prepared.check(folder)

        def measure(contender: Contender, mode: str) -> Record:
            step(f"{contender.name}, {mode}")
            one = contenders[contender]
            if options.report is None or contender in kept or mode != "latency" or isinstance(one, Peer):
                return one.run(mode, folder)
            kept[contender] = folder / f"result {len(kept) + 1}"
            return one.run(mode, folder, kept[contender])

        records = measure_in_turn(list(contenders), options.rounds, measure)
        comparison = compare(records)
        data = {**dataclasses.asdict(comparison), "runs": runs_as_data(records)}
        text = table(comparison)
        if options.report is not None:
            text += f"\nReport: {_report(options.report, comparison, kept)}"
    return Result(text, data)


def _report(place: Path, comparison: Comparison, kept: dict[Contender, Path]) -> Path:
    """Write the report of the results that contenders left; return its place. Peers leave none."""
    from ckssd.cli.report import metric_tools  # brings jinja2, which no comparison waits for
    from ckssd.visual.make import make_report
    from ckssd.visual.page import page, write_page

    step("report")
    rows = {row["name"]: row for row in comparison.rows}
    medians = [rows[contender.name] for contender in kept]
    report = make_report(list(kept.values()), metric_tools, medians=medians)
    return write_page(place, page(report.data, report.pictures))

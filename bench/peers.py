"""The peers that a user would pick instead, beside ours: the same images, in turn, accuracy beside speed.

    .venv/bin/python -m bench.peers [--rounds 5] [--count N] [--threads 1 2] [--results DIR]
        [--model shapes] [--with tflite-runtime mo-2024 tensorflow-1 benchmark-app opencv]

Results go to bench/results/peers.json and peers.md. Each of ``--with`` installs what it needs in an
environment of its own; without it the peers are the libraries that are installed here, in the loop that a
user would write. A peer that cannot run is a line with the reason. Whole graphs take every box from a score
of 1e-8 on; ours are measured with that threshold, too. ``ckssd compare --peers`` shows any models' peers.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.context import BUILT_IN_DATA, COCO_TOOLS, Context
from bench.written import RESULTS, load_before, write_results
from ckssd.endings import run_main
from ckssd.errors import CkssdError
from ckssd.install import run_uv
from ckssd.measure.compare import Contender, Record, measure_in_turn
from ckssd.measure.peers import Peer, peer_of
from ckssd.model.custom import CustomOptions
from ckssd.report import say, step

EXTRA = ("tflite-runtime", "mo-2024", "tensorflow-1", "benchmark-app", "opencv")
RUNTIMES = ("litert", "openvino", "onnx", "tensorflow")
TENSORFLOW_1 = "lib,tensorflow,v1.13.1,vprebuilt"
TFLITE_RUNTIME = ("tflite-runtime==2.14.0", "numpy<2", "pillow")
EQUAL = 0.002  # mAP: decoders and resize methods move it by as much
EVERY_SCORE = 1e-8  # the published graphs' own threshold
POSTPROCESSING = {
    "none": " without NMS and ours",
    "nms": " with NonMaxSuppression",
    "detection_output": " with DetectionOutput",
}
SECONDS = 10
IMAGE = "[1,300,300,3]"
LATENCY = ("prediction_time_median_s", "prediction_time_p90_s", "prediction_time_p99_s")


@dataclass
class Found:
    """What there is to measure: ours and peers by contender, and why others are not there."""

    ours: dict[Contender, Any] = field(default_factory=dict)
    peers: dict[Contender, Peer] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def main() -> None:
    """Read the options; an error is one line, not a traceback."""
    parser = argparse.ArgumentParser(prog="bench.peers", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, help="how many images (default: all)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--model", default="shapes", help="tags of the model, installed for each runtime")
    parser.add_argument("--data", default=BUILT_IN_DATA, help="tags of the data set")
    parser.add_argument("--with", dest="extra", nargs="*", choices=EXTRA, default=[])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder (default: bench/results)")
    options = parser.parse_args()
    sys.exit(run_main("bench", lambda: run(options)))


def run(options: argparse.Namespace) -> int:
    """Install what is missing, check each, measure in turn, write the results."""
    busy = load_before()
    with tempfile.TemporaryDirectory(prefix="ckssd-bench-") as name:
        folder = Path(name)
        context = Context(folder, folder / "data", options.rounds)
        os.environ.update(context.environment)
        for tags in (*_packages(options.model), options.data, COCO_TOOLS):
            context.install(tags)
        rows: list[dict[str, Any]] = []
        missing: dict[str, str] = {}
        for threads in options.threads:
            found = _find(options, threads, context)
            _check(found, folder)
            missing |= found.missing
            rows += _rows(_measured(found, options.rounds, folder), set(found.ours), threads)
            if "benchmark-app" in options.extra:
                rows += list(_benchmark_app(context, found, threads, options.rounds))
        _write(options, rows, missing, busy)
    return 0


def _measured(found: Found, rounds: int, folder: Path) -> dict[Contender, dict[str, list[Record]]]:
    every = {**found.ours, **found.peers}
    step(f"{len(every)} contenders, {rounds} rounds in turn")
    return measure_in_turn(list(every), rounds, lambda one, mode: every[one].run(mode, folder))


def _packages(model: str) -> Iterator[str]:
    yield from ("lib,litert", "lib,openvino", "lib,onnxruntime", "lib,tensorflow,vcpu,v2")
    for kind in ("tensorflow,tf", "tflite", "openvino", "onnx"):
        yield f"model,{kind},object-detection,{model}"


def _find(options: argparse.Namespace, threads: int, context: Context) -> Found:
    """Ours by ``ckssd compare``'s own search; beside each its plain loop; then the others."""
    from ckssd.cli import compare
    from ckssd.cli.contenders import find_contenders

    parser = argparse.ArgumentParser()
    compare.add_arguments(parser)
    words = [f"--models={options.model}", f"--runtimes={','.join(RUNTIMES)}", f"--dataset={options.data}"]
    words += [f"--threads={threads}", *([f"--count={options.count}"] if options.count else [])]
    prepared = find_contenders(parser.parse_args(words))
    by_runtime = {one.contender.runtime: one for one in prepared}
    ours = [*prepared, *_at_every_score(by_runtime, context)]
    found = Found({one.contender: one for one in ours})
    loops = [peer_of(one.contender, one.python, one.settings) for one in prepared]
    for peer in (*loops, *_others(options, context, by_runtime)):
        if peer is not None:
            found.peers[peer.contender] = peer
    return found


def _at_every_score(by_runtime: dict[str, Any], context: Context) -> Iterator[Any]:
    """Ours with the whole graphs' score threshold; OpenVINO's with its three ways of NMS."""
    litert, openvino, onnx, tensorflow = (by_runtime[name] for name in RUNTIMES)
    custom = CustomOptions(nms_score_threshold=EVERY_SCORE)
    yield _changed(litert, custom=custom)
    own = onnx.settings.model.own_nms
    lower = replace(own, options=replace(own.options, nms_score_threshold=EVERY_SCORE))
    yield _changed(onnx, own_nms=lower)
    for postprocessing, said in POSTPROCESSING.items():
        ir = context.folder / f"{postprocessing}.xml"
        if not ir.is_file():
            flags = ["--postprocessing", postprocessing, "--confidence_threshold", f"{EVERY_SCORE:g}"]
            where = ["--output_dir", str(ir.parent), "--model_name", ir.stem]
            graph = str(tensorflow.settings.model.file)
            limits = ["--keep_top_k", "100"]
            context.command("ckssd", "mo", "--input_model", graph, *flags, *where, *limits)
        yield _changed(openvino, said, file=ir)


def _changed(prepared: Any, said: str = "", **model: Any) -> Any:
    name = f"{prepared.contender.name}{said}, from score {EVERY_SCORE:g}"
    settings = replace(prepared.settings, model=replace(prepared.settings.model, **model))
    return replace(prepared, contender=replace(prepared.contender, name=name), settings=settings)


def _others(options: argparse.Namespace, context: Context, by_runtime: dict[str, Any]) -> Iterator[Peer]:
    """The same files with other libraries, and the frozen graph as OpenVINO converts it by itself."""
    litert, openvino, onnx, tensorflow = (by_runtime[name] for name in RUNTIMES)
    graph = tensorflow.settings.model.file

    def peer(name: str, kind: str, python: Path, model: Path) -> Peer:
        return Peer(Contender(name, kind, model.name), kind, python, model, litert.settings)

    yield peer("OpenVINO's direct conversion, plain loop", "openvino", openvino.python, graph)
    if "mo-2024" in options.extra:
        from bench.openvino_ir import by_mo_2024

        made = context.folder / "mo 2024 ir" / f"{graph.stem}.xml"
        ir = made if made.is_file() else by_mo_2024(context.folder, graph)
        yield peer("the IR of mo 2024.6, plain loop", "openvino", openvino.python, ir)
    if "tflite-runtime" in options.extra:
        python = _environment(context.folder / "tflite-runtime", TFLITE_RUNTIME)
        yield peer("tflite-runtime 2.14.0, plain loop", "tflite-runtime", python, litert.settings.model.file)
    if "tensorflow-1" in options.extra:
        context.install(TENSORFLOW_1)
        python = Path(context.variables(TENSORFLOW_1)["CK_ENV_LIB_TF_PYTHON_FILE"])
        fast = litert.settings.model.file.with_name("detect_fast_nms.tflite")
        yield peer("TensorFlow 1.13.1's TFLite, fast NMS (ck-tensorflow)", "tensorflow-lite", python, fast)
    if "opencv" in options.extra:
        whole = onnx.settings.model.file.with_name("model.onnx")
        for model in (graph, whole):
            yield peer(f"OpenCV's DNN module, {model.suffix[1:]}", "opencv", litert.python, model)


def _environment(home: Path, packages: Sequence[str]) -> Path:
    python = home / "bin" / "python"
    if not python.exists():
        run_uv(["venv", "--python", "3.11", str(home)])
        run_uv(["pip", "install", "--python", str(python), *packages])
    return python


def _check(found: Found, folder: Path) -> None:
    """Ours have to run; a peer that does not is left out, with its reason."""
    for one in found.ours.values():
        one.check(folder)
    for contender, peer in list(found.peers.items()):
        try:
            peer.check(folder)
        except CkssdError as error:
            say(f"    left out: {contender.name}: {error.got}")
            found.missing[contender.name] = str(error.got)
            del found.peers[contender]


def _rows(
    records: dict[Contender, dict[str, list[Record]]], ours: set[Contender], threads: int
) -> list[dict[str, Any]]:
    """One for each contender: medians, and how much faster our fastest one of equal accuracy is."""
    rates = {
        one: [record["images_per_second"] for record in runs["throughput"]] for one, runs in records.items()
    }
    accuracy = {one: runs["latency"][0]["mAP"] for one, runs in records.items()}
    rows = []
    for one, runs in records.items():
        equal = [mine for mine in ours if accuracy[mine] >= accuracy[one] - EQUAL]
        best = max(equal, key=lambda mine: median(rates[mine]), default=None)
        ratios = [] if best is None else sorted(a / b for a, b in zip(rates[best], rates[one], strict=True))
        times = [record["run_time_state"] for record in runs["latency"]]
        first = runs["latency"][0]
        rows.append(
            {
                "name": one.name,
                "ours": one in ours,
                "threads": threads,
                "versions": first["settings"]["versions"],
                "model": first["settings"]["model_file"],
                "mAP": accuracy[one],
                "recall": first["recall"],
                "latency_ms": [median(time[name] for time in times) * 1e3 for name in LATENCY],
                "images_per_second": median(rates[one]),
                "memory_mb": median(
                    record["settings"]["machine"]["detecting_peak_memory_mb"] for record in runs["latency"]
                ),
                "start_s": median(time["start_to_first_detection_s"] for time in times),
                "ratio": [median(ratios), ratios[0], ratios[-1]] if ratios else None,
                "against": None if best is None else best.name,
                "samples": rates[one],
            }
        )
    return rows


def _benchmark_app(context: Context, found: Found, threads: int, rounds: int) -> Iterator[dict[str, Any]]:
    """OpenVINO's own tool on each IR and on the frozen graph: the network and its postprocessing alone."""
    models = {one.model: one for one in found.peers.values() if one.kind == "openvino"}
    for model, peer in models.items():
        tool = peer.python.parent / "benchmark_app"
        runs = []
        for _ in range(rounds):
            step(f"benchmark_app {model.name}, {threads} threads")
            words = [peer.python, tool, "-m", model, "-d", "CPU", "-nthreads", threads, "-t", SECONDS]
            words += ["-hint", "none", "-nireq", threads, "-nstreams", threads, "-infer_precision", "f32"]
            words += ["-shape", IMAGE] if model.suffix == ".pb" else []
            done = subprocess.run(
                [*map(str, words)],
                cwd=context.folder,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
            )
            said = dict(re.findall(r"(Median|Throughput): +([0-9.]+)", done.stdout))
            if len(said) == 2:
                runs.append(said)
        if not runs:
            found.missing[f"benchmark_app on {model.name}"] = (done.stderr or done.stdout).strip()[-200:]
            continue
        yield {
            "name": f"benchmark_app, {peer.contender.name.removesuffix(', plain loop')} (without pictures)",
            "ours": False,
            "threads": threads,
            "model": model.name,
            "latency_ms": [median(float(run["Median"]) for run in runs)],
            "images_per_second": median(float(run["Throughput"]) for run in runs),
            "samples": [float(run["Throughput"]) for run in runs],
        }


# Why a peer is faster than the best of ours at its accuracy.
REASONS = {
    "the IR of mo 2024.6, plain loop": (
        "its DetectionOutput looks at the 100 best boxes of a class only, so finds others than TensorFlow; "
        "ours goes through every score, with two threads beside the next inference"
    ),
}
COLUMNS = (
    "",
    "threads",
    "mAP",
    "Recall",
    "p50 / p90 / p99 ms",
    "images/s",
    "MB",
    "start s",
    "ours: times as fast",
)


def _write(
    options: argparse.Namespace, rows: list[dict[str, Any]], missing: dict[str, str], busy: str
) -> None:
    """Write peers.json and peers.md."""
    content = {"rounds": options.rounds, "model": options.model, "rows": rows, "missing": missing}
    how = f"model {options.model}, medians of {options.rounds} rounds in turn; {busy}"
    lines = [
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
        *map(_line, sorted(rows, key=lambda row: (row["threads"], -row["images_per_second"]))),
        "",
        *map(_why_faster, (row for row in rows if row.get("ratio") and row["ratio"][0] < 1)),
        *(f"Not measured: {name}: {reason}" for name, reason in missing.items()),
    ]
    write_results(options.results, "peers", content, lines, command="python -m bench.peers", how=how)


def _why_faster(row: dict[str, Any]) -> str:
    said = REASONS.get(row["name"], "the reason is not known")
    return f"Faster than ours, {row['threads']} threads: {row['name']}: {said}.\n"


def _line(row: dict[str, Any]) -> str:
    name = f"**{row['name']}**" if row["ours"] else row["name"]
    versions = ", ".join(
        f"{library} {version}"
        for library, version in row.get("versions", {}).items()
        if library not in ("python", "numpy", "pillow", "simplejpeg", "hotcoco", "faster-coco-eval")
    )
    ratio = (
        "" if not row.get("ratio") else "{:.2f} ({:.2f} to {:.2f}), ".format(*row["ratio"]) + row["against"]
    )
    cells = [
        f"{name}{f'; {versions}' if versions else ''}; {row['model']}",
        str(row["threads"]),
        *(f"{row[key]:.4f}" if key in row else "" for key in ("mAP", "recall")),
        " / ".join(f"{value:.2f}" for value in row["latency_ms"]),
        f"{row['images_per_second']:.1f}",
        *(
            f"{row[key]:{form}}" if key in row else ""
            for key, form in (("memory_mb", ".0f"), ("start_s", ".2f"))
        ),
        "" if row["ours"] else ratio,
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()

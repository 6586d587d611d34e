"""Sub-graph replacement: what the conversion costs, and what it gains over the graph as it is.

Full-size SSD-MobileNet v1, one thread; every contender runs in a process of its own, in turn.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from statistics import median

from bench.context import MODEL, Context, Row, in_turn, median_ratio

OPENVINO = "lib,openvino"
TENSORFLOW = "lib,tensorflow,vcpu,v2"
FROZEN = "model,tensorflow,tf,object-detection,ssd-mobilenet,seeded"
SIZE = "300,300"
IMAGES = {"IR": 100, "TensorFlow": 50, "direct": 15}
DIRECT_TIMES, TENSORFLOW_TIMES = 20, 3
CONVERSION_S, CONVERSION_MB = 4, 400


def measure(context: Context) -> list[Row]:
    """Conversion first, then its IR against the frozen graph itself."""
    for tags in (OPENVINO, TENSORFLOW, FROZEN):
        context.install(tags)
    openvino = Path(context.variables(OPENVINO)["CK_ENV_LIB_OPENVINO_PYTHON_FILE"])
    graph = context.variables(FROZEN)[f"{MODEL}FROZEN_GRAPH"]
    settings = context.write(
        "mo.json", {"input_model": graph, "output_dir": str(context.folder), "model_name": "ir"}
    )
    conversions = [context.run(openvino, "conversion_cost.py", settings) for _ in range(context.rounds)]
    return [*_conversion(conversions), *_latencies(context, openvino, graph)]


def _conversion(runs: list[dict[str, float]]) -> list[Row]:
    seconds, peaks = [run["seconds"] for run in runs], [run["peak_mb"] for run in runs]
    return [
        Row(
            "conversion to OpenVINO, whole process",
            f"under {CONVERSION_S} s",
            f"{median(seconds):.1f} s",
            median(seconds) < CONVERSION_S,
            {"seconds": seconds},
        ),
        Row(
            "peak memory of the conversion",
            f"under {CONVERSION_MB} MB",
            f"{max(peaks):.0f} MB",
            max(peaks) < CONVERSION_MB,
            {"peak_mb": peaks},
        ),
    ]


def _latencies(context: Context, openvino: Path, graph: str) -> list[Row]:
    tensorflow = Path(context.variables(TENSORFLOW)["CK_ENV_LIB_TF_PYTHON_FILE"])
    contenders = {
        "IR": (openvino, "openvino", context.folder / "ir.xml"),
        "TensorFlow": (tensorflow, "tensorflow", graph),
        "direct": (openvino, "openvino", graph),
    }
    images = context.data / "images"
    runs = in_turn(
        {
            name: partial(context.run, python, "graph_latency.py", runtime, model, images, SIZE, IMAGES[name])
            for name, (python, runtime, model) in contenders.items()
        },
        context.rounds,
    )
    milliseconds = {name: [float(run["ms"]) for run in done] for name, done in runs.items()}
    middle = {name: median(values) for name, values in milliseconds.items()}
    targets = {"direct": DIRECT_TIMES, "TensorFlow": TENSORFLOW_TIMES}
    said = {"direct": "OpenVINO's direct conversion", "TensorFlow": "TensorFlow's frozen graph"}
    rows = []
    for name, least in targets.items():
        ratio = median_ratio(milliseconds[name], milliseconds["IR"])
        rows.append(
            Row(
                f"latency against {said[name]}, 1 thread",
                f"at least {least} times faster",
                f"{ratio:.1f} times ({middle['IR']:.1f} and {middle[name]:.1f} ms)",
                ratio >= least,
                {"ms": milliseconds},
            )
        )
    return rows

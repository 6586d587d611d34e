"""Models of 8-bit integers against float ones: time on one thread, and accuracy on the built-in data."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from bench.context import BUILT_IN_DATA, MODEL, Context, Row, median_ratio

PASSES = 40
LEAST_RATIO, MOST_LOSS = 1.5, 0.01
TAGS = "model,{kind},object-detection,{name}"
GRAPHS = {"tflite": f"{MODEL}TFLITE_GRAPH_REGULAR_NMS", "openvino": "CK_ENV_OPENVINO_MODEL_XML"}
LABELS = {"tflite": f"{MODEL}LABELMAP_FILE", "openvino": "CK_ENV_OPENVINO_MODEL_LABELMAP_FILE"}
RUNTIMES = {"tflite": "litert", "openvino": "openvino"}


def measure(context: Context) -> list[Row]:
    """TFLite's own quantisation, and OpenVINO's by NNCF."""
    context.install("lib,openvino")
    pythons = {
        "tflite": context.litert_python,
        "openvino": Path(context.variables("lib,openvino")["CK_ENV_LIB_OPENVINO_PYTHON_FILE"]),
    }
    return [_compare(context, kind, python) for kind, python in pythons.items()]


def _compare(context: Context, kind: str, python: Path) -> Row:
    models = {}
    for size in ("shapes", "seeded"):
        for precision, name in (("float", f"ssd-mobilenet,{size},non-quantized"), ("int8", f"{size}-int8")):
            tags = TAGS.format(kind=kind, name=name)
            context.install(tags)
            models[size, precision] = context.variables(tags)
    graphs = [f"{precision}={models['seeded', precision][GRAPHS[kind]]}" for precision in ("float", "int8")]
    image = sorted((context.data / "images").iterdir())[0]
    arguments = (RUNTIMES[kind], PASSES, image, *graphs)
    times = [context.run(python, "one_thread.py", *arguments) for _ in range(context.rounds)]
    means = {
        precision: _accuracy(context, kind, python, models["shapes", precision])
        for precision in ("float", "int8")
    }
    floats, integers = ([sample[precision] for sample in times] for precision in ("float", "int8"))
    ratio, loss = median_ratio(floats, integers), means["float"] - means["int8"]
    return Row(
        f"int8 against float, {RUNTIMES[kind]}, full size, 1 thread; mAP lost on the built-in data set",
        f"at least {LEAST_RATIO:g} times faster; under {MOST_LOSS:g}",
        f"{ratio:.1f} times ({median(integers):.1f} and {median(floats):.1f} ms); {loss:.4f}",
        ratio >= LEAST_RATIO and loss < MOST_LOSS,
        {"milliseconds": times, "mAP": means},
    )


def _accuracy(context: Context, kind: str, python: Path, model: dict[str, str]) -> float:
    data = context.variables(BUILT_IN_DATA)
    settings: dict[str, Any] = context.settings(
        runtime=RUNTIMES[kind],
        model=model[GRAPHS[kind]],
        labels=model[LABELS[kind]],
        images=data["CK_ENV_DATASET_IMAGE_DIR"],
        annotations=data["CK_ENV_DATASET_ANNOTATIONS"],
    )
    return float(context.run(python, "accuracy.py", context.write("accuracy.json", settings)))

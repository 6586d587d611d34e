"""Models of 8-bit integers against float ones: time on one thread, and accuracy on the built-in data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from bench.context import BUILT_IN_DATA, MODEL, OPENVINO, Context, Row, median_ratio

PASSES = 40
LEAST_RATIO, MOST_LOSS = 1.5, 0.01
TAGS = "model,{kind},object-detection,{name}"
NAMES = {"float": "ssd-mobilenet,{size},non-quantized", "int8": "{size}-int8"}
NEEDED = (
    OPENVINO,
    *(
        TAGS.format(kind=kind, name=name.format(size=size))
        for kind in ("tflite", "openvino")
        for size in ("shapes", "seeded")
        for name in NAMES.values()
    ),
)
GRAPHS = {"tflite": f"{MODEL}TFLITE_GRAPH_REGULAR_NMS", "openvino": "CK_ENV_OPENVINO_MODEL_XML"}
LABELS = {"tflite": f"{MODEL}LABELMAP_FILE", "openvino": "CK_ENV_OPENVINO_MODEL_LABELMAP_FILE"}
RUNTIMES = {"tflite": "litert", "openvino": "openvino"}


def measure(context: Context) -> list[Row]:
    """TFLite's own quantisation, and OpenVINO's by NNCF."""
    return [_compare(context, kind) for kind in RUNTIMES]


def variables_of(context: Context, kind: str, size: str, precision: str) -> dict[str, str]:
    """The variables of an installed model: ``tflite`` or ``openvino``, ``shapes`` or ``seeded``."""
    return context.variables(TAGS.format(kind=kind, name=NAMES[precision].format(size=size)))


def python_of(context: Context, kind: str) -> Path:
    """The interpreter that runs such models."""
    return context.litert_python if kind == "tflite" else context.openvino_python


def settings_of(context: Context, kind: str, model: dict[str, str], **changed: Any) -> dict[str, Any]:
    """A benchmark of such a model."""
    named = {"runtime": RUNTIMES[kind], "file": model[GRAPHS[kind]], "labels": model[LABELS[kind]]}
    return context.settings(model=named, **changed)


@cache
def accuracies(context: Context, kind: str) -> dict[str, float]:
    """The built-in model's mAP on the built-in data in both precisions; measured once."""
    data = context.variables(BUILT_IN_DATA)
    found = {}
    for precision in NAMES:
        model = variables_of(context, kind, "shapes", precision)
        settings = settings_of(
            context,
            kind,
            model,
            images=data["CK_ENV_DATASET_IMAGE_DIR"],
            annotations=data["CK_ENV_DATASET_ANNOTATIONS"],
        )
        file = context.write("accuracy.json", settings)
        found[precision] = float(context.run(python_of(context, kind), "whole_run.py", file)["mAP"])
    return found


def loss(context: Context, kind: str) -> float:
    """How much mAP the 8-bit model loses."""
    means = accuracies(context, kind)
    return means["float"] - means["int8"]


def _compare(context: Context, kind: str) -> Row:
    models = {name: variables_of(context, kind, "seeded", name)[GRAPHS[kind]] for name in NAMES}
    image = sorted((context.data / "images").iterdir())[0]
    arguments = (RUNTIMES[kind], PASSES, image, *(f"{name}={model}" for name, model in models.items()))
    times = [
        context.run(python_of(context, kind), "one_thread.py", *arguments) for _ in range(context.rounds)
    ]
    floats, integers = ([sample[precision] for sample in times] for precision in NAMES)
    ratio, lost = median_ratio(floats, integers), loss(context, kind)
    return Row(
        f"int8 against float, {RUNTIMES[kind]}, full size, 1 thread; mAP lost on the built-in data set",
        f"at least {LEAST_RATIO:g} times faster; under {MOST_LOSS:g}",
        f"{ratio:.1f} times ({median(integers):.1f} and {median(floats):.1f} ms); {lost:.4f}",
        ratio >= LEAST_RATIO and lost < MOST_LOSS,
        {"milliseconds": times, "mAP": accuracies(context, kind)},
    )

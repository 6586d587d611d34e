"""Models of 8-bit integers against float ones: time, accuracy on the built-in data, and images a second."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.context import BUILT_IN_DATA, MODEL, Context, Row, in_turn, median_ratio
from bench.throughput import plain_loop, rate

PASSES = 40
LEAST_RATIO, MOST_LOSS, LEAST_OVER_PLAIN = 1.5, 0.01, 3.0
TAGS = "model,{kind},object-detection,{name}"
NAMES = {"float": "ssd-mobilenet,{size},non-quantized", "int8": "{size}-int8"}
NEEDED = (
    "lib,openvino",
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
    """TFLite's own quantisation and OpenVINO's by NNCF, then the faster one against a plain loop."""
    compared = [_compare(context, kind, python) for kind, python in _pythons(context).items()]
    return [*compared, _fastest(context, compared)]


def _pythons(context: Context) -> dict[str, Path]:
    openvino = context.variables("lib,openvino")
    return {
        "tflite": context.litert_python,
        "openvino": Path(openvino["CK_ENV_LIB_OPENVINO_PYTHON_FILE"]),
    }


def _compare(context: Context, kind: str, python: Path) -> Row:
    models = {}
    for size in ("shapes", "seeded"):
        for precision, name in NAMES.items():
            tags = TAGS.format(kind=kind, name=name.format(size=size))
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


def _fastest(context: Context, compared: list[Row]) -> Row:
    """The 8-bit models in throughput mode on all processors, against a plain loop with two threads."""
    contenders: dict[str, Any] = {"plain": plain_loop(context, 2)}
    for (kind, python), row in zip(_pythons(context).items(), compared, strict=True):
        if row.detail["mAP"]["float"] - row.detail["mAP"]["int8"] >= MOST_LOSS:
            continue
        model = context.variables(TAGS.format(kind=kind, name="seeded-int8"))
        settings = context.settings(
            runtime=RUNTIMES[kind], model=model[GRAPHS[kind]], labels=model[LABELS[kind]], resize="opencv"
        )
        file = context.write(f"fastest-{kind}.json", settings)
        contenders[RUNTIMES[kind]] = partial(context.run, python, "detect_only.py", file)
    runs = in_turn(contenders, context.rounds)
    rates = {name: [rate(run) for run in samples] for name, samples in runs.items()}
    ratios = {name: median_ratio(each, rates["plain"]) for name, each in rates.items() if name != "plain"}
    best = max(ratios, key=ratios.__getitem__)
    shown = ", ".join(f"{name} {ratio:.1f}" for name, ratio in ratios.items())
    return Row(
        "the fastest runtime and precision (mAP within 0.01 of float) against the plain loop with 2 threads",
        f"at least {LEAST_OVER_PLAIN:g} times",
        f"{ratios[best]:.1f} times: {best}, int8, {median(rates[best]):.0f} images/s ({shown})",
        ratios[best] >= LEAST_OVER_PLAIN,
        {"images_per_second": rates},
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

"""TFLite models of 8-bit integers, made from the graph of an installed TFLite model."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path

from ckssd.recipes.package import Package, Used
from ckssd.report import step
from ckssd.tflite.convert import (
    ANCHORS,
    FAST_NMS,
    LABEL_MAP,
    LABELS,
    NO_NMS,
    REGULAR_NMS,
    Conversion,
    convert_graph,
)
from ckssd.tflite.export import GRAPH
from ckssd.tflite.quantize import calibration_images


def quantized_tflite_model(package: Package, staging: Path) -> Used:
    """Quantise the three graphs of the float model that the entry depends on.

    They are calibrated with images drawn for this, of a seed that no other data set here has: the entry's
    ``ckssd.calibration`` gives their number and seed.
    """
    # Here, because they bring NumPy and Pillow, which the other recipes need not wait for.
    from ckssd.coco.shapes import write_shapes_dataset
    from ckssd.tflite.model import detection_options, read_model, with_options

    source = package.dependency("model-source").path("CK_ENV_TENSORFLOW_MODEL_ROOT")
    python = package.dependency("lib-tensorflow").path("CK_ENV_LIB_TF_PYTHON_FILE")
    calibration = package.section["calibration"]
    number, seed = int(calibration["images"]), int(calibration["seed"])
    with tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        step(f"Draw {number} images to calibrate with")
        drawn = Path(work) / "calibration"
        write_shapes_dataset(drawn, images=number, seed=seed)
        images = calibration_images(drawn / "images", number)
        conversions = [
            Conversion(staging / REGULAR_NMS, calibration=images),
            Conversion(staging / NO_NMS, postprocess=False, calibration=images),
        ]
        made = convert_graph(python, source / GRAPH, conversions)
    regular = read_model(staging / REGULAR_NMS)
    fast = dataclasses.replace(detection_options(regular), use_regular_nms=False, max_classes_per_detection=1)
    (staging / FAST_NMS).write_bytes(with_options(regular, fast).data)
    for name in (ANCHORS, LABELS, LABEL_MAP):
        shutil.copyfile(source / name, staging / name)
    return Used(
        tools={"tensorflow": made.tensorflow, "python": made.python},
        extra={"calibration": {"images": number, "seed": seed}},
    )

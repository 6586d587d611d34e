"""Models of 8-bit integers, made from installed float models: TFLite by its converter, OpenVINO by NNCF.

They are calibrated with images drawn for this, of a seed that no other data set here has: the entry's
``ckssd.calibration`` gives their number and seed.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ckssd.recipes.package import Package, Used
from ckssd.recipes.recipe import recipe
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
from ckssd.worker import run_worker


@recipe()
def quantized_tflite_model(package: Package, staging: Path) -> Used:
    """Quantise the three graphs of the float model that the entry depends on."""
    # Here, because it brings NumPy, which the other recipes need not wait for.
    from ckssd.tflite.model import detection_options, read_model, with_options

    source = package.dependency("model-source").path("CK_ENV_TENSORFLOW_MODEL_ROOT")
    python = package.dependency("lib-tensorflow").path("CK_ENV_LIB_TF_PYTHON_FILE")
    with drawn_images(package) as images:
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
        extra={"calibration": package.section["calibration"]},
    )


@recipe()
def quantized_openvino_model(package: Package, staging: Path) -> Used:
    """Quantise the IR that the entry depends on, in the environment that has NNCF."""
    source = package.dependency("model-source")
    python = package.dependency("lib-nncf").path("CK_ENV_LIB_NNCF_PYTHON_FILE")
    model = source.path("CK_ENV_OPENVINO_MODEL_XML")
    with drawn_images(package) as images:
        listed = images[0].parent / "images.json"
        listed.write_text(json.dumps([str(image) for image in images]), encoding="utf-8")
        step("Quantise by NNCF")
        target = staging / model.name
        arguments = ["--model", str(model), "--images", str(listed), "--target", str(target)]
        versions, _ = run_worker(python, "ckssd.graph.quantize", arguments)
    shutil.copyfile(source.path("CK_ENV_OPENVINO_MODEL_LABELMAP_FILE"), staging / LABEL_MAP)
    return Used(tools=versions, extra={"calibration": package.section["calibration"]})


@contextmanager
def drawn_images(package: Package) -> Iterator[tuple[Path, ...]]:
    """Draw the images that the entry calibrates with; they are gone afterwards."""
    # Here, because it brings NumPy and Pillow, which the other recipes need not wait for.
    from ckssd.coco.shapes import write_shapes_dataset

    calibration = package.section["calibration"]
    number, seed = int(calibration["images"]), int(calibration["seed"])
    step(f"Draw {number} images to calibrate with")
    with tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        drawn = Path(work) / "calibration"
        write_shapes_dataset(drawn, images=number, seed=seed)
        yield calibration_images(drawn / "images", number)

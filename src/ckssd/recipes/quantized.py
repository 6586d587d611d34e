"""Models of 8-bit integers: TFLite by its converter, OpenVINO's IR by NNCF.

Packages are calibrated with images drawn for it, whose number and seed the entry's ``ckssd.calibration``
gives; the programs with those that `ckssd.recipes.calibration` finds, and a record beside the model.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ckssd.errors import UsageError
from ckssd.graph.settings import NONE
from ckssd.recipes.calibration import calibration_from_environment, drawn
from ckssd.recipes.calibration_record import Calibration
from ckssd.recipes.openvino_model import optimize_model
from ckssd.recipes.package import Package, Used
from ckssd.recipes.recipe import recipe
from ckssd.report import step
from ckssd.tflite.convert import (
    FAST_NMS,
    LABEL_MAP,
    LABELS,
    NO_NMS,
    REGULAR_NMS,
    Conversion,
    Converted,
    convert_graph,
)
from ckssd.tflite.export import ANCHORS, GRAPH
from ckssd.tflite.program import convert_from_environment
from ckssd.worker import run_worker

PYTHON = "CK_ENV_LIB_NNCF_PYTHON_FILE"
RECORD = "calibration.json"


@recipe()
def quantized_tflite_model(package: Package, staging: Path) -> Used:
    """Quantise the three graphs of the float model that the entry depends on."""
    # Here, because it brings NumPy, which the other recipes need not wait for.
    from ckssd.tflite.model import detection_options, read_model, with_options

    source = package.dependency("model-source").path("CK_ENV_TENSORFLOW_MODEL_ROOT")
    python = package.dependency("lib-tensorflow").path("CK_ENV_LIB_TF_PYTHON_FILE")
    with _drawn_for(package) as calibration:
        conversions = [
            Conversion(staging / REGULAR_NMS, calibration=calibration.images),
            Conversion(staging / NO_NMS, postprocess=False, calibration=calibration.images),
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
    model = source.path("CK_ENV_OPENVINO_MODEL_XML")
    with _drawn_for(package) as calibration:
        python = package.dependency("lib-nncf").path(PYTHON)
        versions = quantize_ir(python, model, calibration.images, staging / model.name)
    shutil.copyfile(source.path("CK_ENV_OPENVINO_MODEL_LABELMAP_FILE"), staging / LABEL_MAP)
    return Used(tools=versions, extra={"calibration": package.section["calibration"]})


def _drawn_for(package: Package) -> AbstractContextManager[Calibration]:
    stated = package.section["calibration"]
    return drawn(int(stated["images"]), int(stated["seed"]))


def convert_tflite(
    env: Mapping[str, str], directory: Path, *, pyav: Callable[[], Path]
) -> tuple[Converted, tuple[str, ...]]:
    """Step 2 as the program ``convert-tflite`` runs it, quantised where ``CK_QUANTIZE`` says so.

    Parameters and errors are those of `convert_from_environment` and `calibration_from_environment`.

    Returns
    -------
    converted
        What was made, with the record of the calibration.
    lines
        What people should know of the calibration.
    """
    with calibration_from_environment(env, directory, pyav) as calibration:
        if calibration is None:
            return convert_from_environment(env, directory), ()
        converted = convert_from_environment(env, directory, calibration.images)
        record = calibration.write_record(converted.files[0].parent / RECORD)
        return dataclasses.replace(converted, files=(*converted.files, record)), calibration.lines


def optimize_ir(
    flags: Mapping[str, Any],
    env: Mapping[str, str],
    directory: Path,
    *,
    openvino: Path,
    nncf: Callable[[], Path],
    pyav: Callable[[], Path],
) -> dict[str, Any]:
    """Convert as `optimize_model` does; where ``CK_QUANTIZE`` says so, quantise the IR that is written.

    ``NAME_int8.xml`` and ``.bin`` are then beside it, with the record of the calibration.

    Parameters
    ----------
    flags
        Of ``ckssd mo``.
    env, directory
        As of `calibration_from_environment`.
    openvino, nncf, pyav
        Interpreters of environments that have them; the others are asked for where they are needed.

    Returns
    -------
    dict
        ``lines`` for people, and ``data``; of a quantised model under ``quantized``.

    Raises
    ------
    UsageError
        The IR is asked for without its postprocessing.
    """
    with calibration_from_environment(env, directory, pyav) as calibration:
        if calibration is None or flags.get("dry_run"):
            return optimize_model(openvino, flags)
        if flags.get("postprocessing") == NONE:
            raise UsageError(
                "An IR without postprocessing is not quantised",
                where="--postprocessing none",
                expected="detection_output",
                advice="leave one of the two out",
            )
        quantizer = nncf()  # before anything is written
        done = optimize_model(openvino, flags)
        model = Path(done["data"]["xml"])
        target = model.with_name(f"{model.stem}_int8.xml")
        versions = quantize_ir(quantizer, model, calibration.images, target)
        record = calibration.write_record(target.with_name(f"{target.stem}.{RECORD}"))
        files = {"xml": str(target), "bin": str(target.with_suffix(".bin")), "calibration": str(record)}
        lines = [*calibration.lines, f"Quantised by NNCF {versions['nncf']}: {', '.join(files.values())}"]
        data = {**done["data"], "quantized": {**files, "tools": versions}}
        return {"lines": [*done["lines"], *lines], "data": data}


def quantize_ir(python: Path, model: Path, images: Sequence[Path], target: Path) -> dict[str, str]:
    """Run `ckssd.detect.quantize` in the Python that has NNCF; return the versions of what did it.

    Raises
    ------
    CkssdError
        What was wrong with the model; nothing is written then.
    """
    step("Quantise by NNCF")
    with tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        listed = Path(work) / "images.json"
        listed.write_text(json.dumps([str(image) for image in images]), encoding="utf-8")
        arguments = ["--model", str(model), "--images", str(listed), "--target", str(target)]
        versions: dict[str, str]
        versions, _ = run_worker(python, "ckssd.detect.quantize", arguments)
    return versions

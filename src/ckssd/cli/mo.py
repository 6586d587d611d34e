r"""Convert a TensorFlow SSD to OpenVINO, by sub-graph replacement, as Model Optimizer did.

    ckssd mo --input_model frozen_inference_graph.pb
    ckssd mo --input_model frozen_inference_graph.pb \
        --tensorflow_use_custom_operations_config ssd_v2_support.json \
        --output="detection_boxes,detection_scores,num_detections"
    ckssd mo --saved_model_dir my_model/saved_model
    ckssd mo --input_model frozen_inference_graph.pb --dry_run --dump DIR
    ckssd mo --input_model frozen_inference_graph.pb --quantize int8 --calibration_images photos/
    ckssd mo --input_model frozen_inference_graph.pb --quantize int8 --calibration_images clip.mp4

The IR takes NHWC images of values 0 to 255; docs/replacers.md shows how to write a replacer of your own.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from ckssd.ck.environments import the_environment
from ckssd.ck.pyav import python_with_pyav
from ckssd.cli.convert import add_calibration_arguments, quantize_variables
from ckssd.cli.result import Result
from ckssd.graph import mo_flags
from ckssd.graph import options as flags
from ckssd.graph.mo import convert
from ckssd.recipes.frozen import PYTHON as TENSORFLOW_PYTHON
from ckssd.recipes.frozen import TENSORFLOW_TAGS, frozen_flags
from ckssd.recipes.openvino_model import PYTHON
from ckssd.recipes.quantized import PYTHON as NNCF_PYTHON
from ckssd.recipes.quantized import optimize_ir

OPENVINO_TAGS = "lib,openvino"
NNCF_TAGS = "lib,nncf"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of the conversion, and those of a quantisation after it."""
    flags.add_arguments(parser)
    mo_flags.add_arguments(parser)
    add = parser.add_argument
    add("--quantize", choices=["int8"], help="write NAME_int8.xml beside NAME.xml too, by NNCF")
    add_calibration_arguments(parser, between="_")


def run(options: argparse.Namespace) -> Result:
    """Convert in a process of its own, which has openvino; only explain without one.

    OpenVINO is native code that can crash on a bad graph: then this process lives to say so.
    """
    notes = [f"Note: {note}" for note in mo_flags.notes_on(getattr(options, mo_flags.DEST))]
    with frozen_flags(flags.as_mapping(options), Path.cwd(), _tensorflow) as given:
        checked = flags.options_from(flags.from_mapping(given))
        if checked.dry_run:
            converted = convert(checked)
            return Result("\n".join([*notes, *converted.lines]), converted.data)
        env = quantize_variables(options)
        tools = {"nncf": _nncf, "pyav": python_with_pyav}
        done = optimize_ir(given, env, Path.cwd(), openvino=_python(), **tools)
        return Result("\n".join([*notes, *done["lines"]]), done["data"])


def _python() -> Path:
    """Our own interpreter if it has openvino, else that of the installed environment."""
    if importlib.util.find_spec("openvino") is not None:
        return Path(sys.executable)
    return Path(the_environment(OPENVINO_TAGS).variables[PYTHON])


def _tensorflow() -> Path:
    return Path(the_environment(TENSORFLOW_TAGS).variables[TENSORFLOW_PYTHON])


def _nncf() -> Path:
    return Path(the_environment(NNCF_TAGS).variables[NNCF_PYTHON])

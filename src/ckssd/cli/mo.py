r"""Convert a frozen TensorFlow SSD graph to OpenVINO, by sub-graph replacement, as Model Optimizer did.

    ckssd mo --input_model frozen_inference_graph.pb
    ckssd mo --input_model frozen_inference_graph.pb \
        --tensorflow_use_custom_operations_config ssd_v2_support.json \
        --output="detection_boxes,detection_scores,num_detections"
    ckssd mo --input_model frozen_inference_graph.pb --dry_run --dump DIR

The IR takes NHWC images of values 0 to 255; docs/replacers.md shows how to write a replacer of your own.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from ckssd.ck.environments import the_environment
from ckssd.cli.result import Result
from ckssd.graph.mo import convert
from ckssd.graph.options import add_arguments, as_mapping, options_from
from ckssd.recipes.openvino_model import PYTHON, optimize_model

OPENVINO_TAGS = "lib,openvino"

__all__ = ["add_arguments", "run"]


def run(options: argparse.Namespace) -> Result:
    """Convert in a process of its own, which has openvino; only explain without one.

    OpenVINO is native code that can crash on a bad graph: then this process lives to say so.
    """
    checked = options_from(options)
    if checked.dry_run:
        converted = convert(checked)
        return Result("\n".join(converted.lines), converted.data)
    result = optimize_model(_python(), as_mapping(options))
    return Result("\n".join(result["lines"]), result["data"])


def _python() -> Path:
    """Our own interpreter if it has openvino, else that of the installed environment."""
    if importlib.util.find_spec("openvino") is not None:
        return Path(sys.executable)
    return Path(the_environment(OPENVINO_TAGS).variables[PYTHON])

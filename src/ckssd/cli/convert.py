"""Step 2: convert tflite_graph.pb to detect.tflite and detect_cut.tflite (without the postprocessing).

ckssd convert --graph graph/tflite_graph.pb --output tflite/
ckssd convert --graph graph/tflite_graph.pb --output tflite/ --quantize int8 --calibration-images photos/
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ckssd.ck.environments import the_environment
from ckssd.cli.chosen import joined
from ckssd.cli.result import Result
from ckssd.recipes.calibration import COUNT, FOLDER, PRECISION
from ckssd.recipes.quantized import convert_tflite
from ckssd.tflite.program import GRAPH_FILE, OUTPUT_DIRECTORY


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--graph", type=Path, required=True, help="what `ckssd export` made: tflite_graph.pb")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="where the TFLite files go")
    parser.add_argument(
        "--tensorflow-tags", default="", help="tags that choose among the installed TensorFlows"
    )
    parser.add_argument(
        "--quantize", choices=["int8"], help="make detect_int8.tflite and detect_cut_int8.tflite"
    )
    parser.add_argument(
        "--calibration-images", type=Path, metavar="DIR", help="images like those that the model will see"
    )
    parser.add_argument("--calibration-count", metavar="N", help="how many of them to use (default: 100)")


def run(options: argparse.Namespace) -> Result:
    """Convert in the TensorFlow environment."""
    variables = {**os.environ, **the_environment(joined("lib,tensorflow", options.tensorflow_tags)).variables}
    variables.update({GRAPH_FILE: str(options.graph.absolute()), OUTPUT_DIRECTORY: str(options.output)})
    variables.update(quantize_variables(options))
    converted, lines = convert_tflite(variables, Path.cwd())
    files = [str(made) for made in converted.files]
    data = {
        "files": files,
        "anchors": converted.num_anchors,
        "classes": converted.num_classes,
        "tensorflow": converted.tensorflow,
    }
    return Result("\n".join([*lines, *files]), data)


def quantize_variables(options: argparse.Namespace) -> dict[str, str]:
    """Return what the flags for quantising say, as the variables of `ckssd.recipes.calibration`."""
    asked = {
        PRECISION: options.quantize,
        FOLDER: options.calibration_images,
        COUNT: options.calibration_count,
    }
    return {name: str(value) for name, value in asked.items() if value is not None}

"""Step 2: convert tflite_graph.pb to detect.tflite and detect_cut.tflite (without the postprocessing).

ckssd convert --graph graph/tflite_graph.pb --output tflite/
ckssd convert --graph graph/tflite_graph.pb --output tflite/ --quantize int8 --calibration-images photos/
ckssd convert --graph graph/tflite_graph.pb --output tflite/ --quantize int8 --calibration-images clip.mp4
ckssd convert --graph graph/tflite_graph.pb --output tflite/ --inference_type QUANTIZED_UINT8
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ckssd.ck.environments import the_environment
from ckssd.ck.pyav import python_with_pyav
from ckssd.cli.chosen import DATASET_TAGS, joined
from ckssd.cli.result import Result
from ckssd.errors import UsageError
from ckssd.recipes.calibration import ANNOTATIONS, COUNT, DEFAULT_COUNT, IMAGES, PRECISION, VARIABLES
from ckssd.recipes.quantized import convert_tflite
from ckssd.tflite.program import GRAPH_FILE, OUTPUT_DIRECTORY
from ckssd.tflite.trained import INFERENCE_TYPE, MEAN, STD


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
    add_calibration_arguments(parser)
    add = parser.add_argument
    add(
        "--inference_type",
        "--inference-type",
        metavar="TYPE",
        help="FLOAT (default), or QUANTIZED_UINT8: detect_uint8.tflite and detect_cut_uint8.tflite, "
        "of a graph that was trained with quantisation",
    )
    add("--mean_values", "--mean-values", metavar="N", help="grey level that is 0 for it (default: 128)")
    add("--std_dev_values", "--std-dev-values", metavar="N", help="grey levels to 1 (default: 128)")


def add_calibration_arguments(parser: argparse.ArgumentParser, between: str = "-") -> None:
    """Declare what says which images calibrate; ``between``: the words of a flag."""

    def add(word: str, metavar: str, text: str) -> None:
        parser.add_argument(f"--calibration{between}{word}", metavar=metavar, help=text)

    add(
        "images",
        "SOURCE",
        "a folder, file, pattern or video of images like those that the model will see",
    )
    add("annotations", "FILE", "take the images of the folder that these COCO annotations name")
    add("dataset", "TAGS", "take the images of an installed data set")
    add("count", "N", f"how many of them to use, evenly spread (default: {DEFAULT_COUNT})")


def run(options: argparse.Namespace) -> Result:
    """Convert in the TensorFlow environment."""
    variables = {**os.environ, **the_environment(joined("lib,tensorflow", options.tensorflow_tags)).variables}
    variables.update({GRAPH_FILE: str(options.graph.absolute()), OUTPUT_DIRECTORY: str(options.output)})
    variables.update(quantize_variables(options))
    trained = {INFERENCE_TYPE: options.inference_type, MEAN: options.mean_values, STD: options.std_dev_values}
    variables.update({name: value or "" for name, value in trained.items()})
    converted, lines = convert_tflite(variables, Path.cwd(), pyav=python_with_pyav)
    files = [str(made) for made in converted.files]
    data = {
        "files": files,
        "anchors": converted.num_anchors,
        "classes": converted.num_classes,
        "tensorflow": converted.tensorflow,
    }
    return Result("\n".join([*lines, *files]), data)


def quantize_variables(options: argparse.Namespace) -> dict[str, str]:
    """Return what the flags for quantising say, as the variables of `ckssd.recipes.calibration`.

    Raises
    ------
    UsageError
        Images are named, but nothing is quantised; or images and a data set are.
    NotInstalledError
        The data set is not installed.
    """
    asked = {
        IMAGES: options.calibration_images,
        ANNOTATIONS: options.calibration_annotations,
        COUNT: options.calibration_count,
    }
    given = {name: str(value) for name, value in asked.items() if value is not None}
    tags = options.calibration_dataset
    if options.quantize is None:
        if given or tags is not None:
            raise UsageError("Images to calibrate with go with --quantize", expected="--quantize int8")
        return {}
    if tags is not None:
        if IMAGES in given or ANNOTATIONS in given:
            raise UsageError("A data set and images both say what to calibrate with", got=tags)
        installed = the_environment(joined(DATASET_TAGS, tags), "--calibration-dataset").variables
        given |= {name: installed[name] for name in VARIABLES if name in installed}
    return {PRECISION: str(options.quantize), **given}

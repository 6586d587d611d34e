"""Step 1: export an SSD to tflite_graph.pb, from its checkpoint or from its frozen graph.

    ckssd export --tags=shapes --output graph/
    ckssd export --model my_model/ --nms=fast --output graph/
    ckssd export --model my_tf2_model/ --output graph/
    ckssd export --saved_model_dir my_tf2_model/saved_model --output graph/
    ckssd export --frozen_graph frozen_inference_graph.pb --output graph/
    ckssd export --frozen_graph frozen_inference_graph.pb --nms=none --output graph/

From a checkpoint (--tags, --model: a folder with pipeline.config and model.ckpt.*) the Object Detection API's
own exporter makes the graph, in an installed TensorFlow. Its own default of 10 detections is not used: the
number comes from --max-detections, else from the model's settings, else it is 100.

A model of TensorFlow 2 (--model: a folder with pipeline.config and checkpoint/ckpt-N.*; --saved_model_dir)
becomes a SavedModel by the API of 2022, unless there is one, then a frozen graph. That takes a TensorFlow 2.

From a frozen graph (--frozen_graph) the same graph is made by sub-graph replacement, with nothing installed:
the Preprocessor becomes the input normalized_input_image_tensor, the Postprocessor becomes
TFLite_Detection_PostProcess with the graph's own anchors, scales, activation, thresholds and limits. Each is
printed with its origin; flags stand above the graph, and a pipeline.config beside it says what it does not.
--nms=none ends the graph at raw_outputs/box_encodings and raw_outputs/class_predictions (scores, class 0 is
the background) and writes flatanchors.txt. --dry_run only explains.

Then: ckssd convert --graph graph/tflite_graph.pb --output tflite/
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ckssd.ck.environments import the_environment
from ckssd.cli.chosen import joined
from ckssd.cli.result import Result
from ckssd.errors import UsageError
from ckssd.model.runtimes import MODEL
from ckssd.tflite.from_frozen import FrozenExport
from ckssd.tflite.frozen_program import export_frozen_from_environment
from ckssd.tflite.program import (
    FROZEN_GRAPH_FILE,
    OUTPUT_DIRECTORY,
    PIPELINE_CONFIG,
    export_from_environment,
)
from ckssd.tflite.saved_model import FILE
from ckssd.tflite.tf2_checkpoint import API_TAGS as API_OF_2022
from ckssd.tflite.tf2_checkpoint import find_checkpoint
from ckssd.tflite.tf2_program import SAVED_MODEL_DIR, frozen_first

CHECKPOINT_TAGS = "model,tensorflow,tf,object-detection"
FLAGS = {
    "nms": "USE_NMS",
    "max_detections": "MAX_DETECTIONS",
    "detections_per_class": "DETECTIONS_PER_CLASS",
    "max_classes_per_detection": "MAX_CLASSES_PER_DETECTION",
    "score_threshold": "NMS_SCORE_THRESHOLD",
    "iou_threshold": "NMS_IOU_THRESHOLD",
}
# Of one kind of export only; with the other they would be ignored silently.
OF_CHECKPOINTS = ("model", "tags", "tensorflow_tags")
OF_FROZEN_GRAPHS = ("pipeline_config", "dry_run")
TENSORFLOW, API = "lib,tensorflow", "model,tensorflow,api"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--model", type=Path, metavar="DIR", help="a folder with pipeline.config and a checkpoint")
    add("--tags", default="", help="instead: tags that choose among the installed checkpoints")
    add(
        "--frozen_graph",
        "--frozen-graph",
        type=Path,
        metavar="FILE",
        help="instead: frozen_inference_graph.pb; needs no TensorFlow, no checkpoint",
    )
    add(
        "--saved_model_dir",
        "--saved-model-dir",
        type=Path,
        metavar="DIR",
        help="instead: a SavedModel of TensorFlow 2's exporter",
    )
    add("--output", type=Path, metavar="DIR", help="where the graph goes (needed without --dry_run)")
    add("--nms", help="regular or fast (default: regular); from a frozen graph also none")
    add("--max-detections", help="per image")
    add("--detections-per-class", help="per image, regular NMS")
    add("--max-classes-per-detection", help="fast NMS")
    add("--score-threshold", help="from 0 to 1 (default: 0.3; from a frozen graph its own)")
    add("--iou-threshold", help="from 0 to 1 (default: 0.6; from a frozen graph its own)")
    add("--tensorflow-tags", default="", help="tags that choose among the installed TensorFlows")
    add(
        "--pipeline_config",
        "--pipeline-config",
        type=Path,
        metavar="FILE",
        help="of a frozen graph, for what it does not say (default: pipeline.config beside it)",
    )
    add("--dry_run", "--dry-run", action="store_true", help="explain the export of a frozen graph only")


def run(options: argparse.Namespace) -> Result:
    """Export by whichever way the flags choose."""
    if options.frozen_graph is not None and options.saved_model_dir is not None:
        raise UsageError("Two models are named", where="--saved_model_dir", expected="it or --frozen_graph")
    frozen = options.frozen_graph is not None or options.saved_model_dir is not None
    refused = OF_CHECKPOINTS if frozen else OF_FROZEN_GRAPHS
    if options.saved_model_dir is not None:
        refused = ("model", "tags")
    for name in refused:
        if getattr(options, name):
            flag = name.replace("_", "-") if frozen else name
            raise UsageError(
                f"this flag is {'not for' if frozen else 'only for'} an export from a frozen graph",
                where=f"--{flag}",
                advice=None if frozen else "name the graph: --frozen_graph",
            )
    if options.output is None and not options.dry_run:
        raise UsageError("nobody says where the graph goes", where="--output", expected="a folder")
    return _from_frozen_graph(options) if frozen else _from_checkpoint(options)


def _from_frozen_graph(options: argparse.Namespace) -> Result:
    """Nothing but the flags counts: variables of an environment are about another model."""
    variables = _flags(options)
    if options.pipeline_config is not None:
        variables[PIPELINE_CONFIG] = str(options.pipeline_config)
    if options.frozen_graph is not None:
        variables[FROZEN_GRAPH_FILE] = str(options.frozen_graph)
    else:
        tensorflow = the_environment(joined(f"{TENSORFLOW},v2", options.tensorflow_tags)).variables
        variables |= {**tensorflow, SAVED_MODEL_DIR: str(options.saved_model_dir)}
    with frozen_first(variables, Path.cwd()) as named:
        exported = export_frozen_from_environment(named, Path.cwd(), dry_run=options.dry_run)
    assert exported is not None, "a graph is named"  # noqa: S101
    return _of_frozen_graph(exported)


def _of_frozen_graph(exported: FrozenExport) -> Result:
    files = [str(made) for made in exported.files]
    data = dict(exported.data)
    if files:
        data.update({"graph": files[0], "graph_text": files[1], "files": files})
    return Result("\n".join([*exported.lines, *files]), data)


def _from_checkpoint(options: argparse.Namespace) -> Result:
    """Collect the variables as CK would, then export."""
    variables = dict(os.environ)
    tensorflow_2 = options.model is not None and find_checkpoint(options.model) is not None
    suffix = ",v2" if tensorflow_2 else ""
    variables.update(the_environment(joined(TENSORFLOW + suffix, options.tensorflow_tags)).variables)
    if not tensorflow_2 or not (options.model / "saved_model" / FILE).is_file():
        variables.update(the_environment(API_OF_2022 if tensorflow_2 else API).variables)
    if options.model:
        variables.update(
            {f"{MODEL}ROOT": str(options.model), f"{MODEL}WEIGHTS_FILE": "", f"{MODEL}PIPELINE_CONFIG": ""}
        )
    else:
        variables.update(the_environment(joined(CHECKPOINT_TAGS, options.tags)).variables)
    variables.update(_flags(options))
    with frozen_first(variables, Path.cwd()) as named:
        if (frozen := export_frozen_from_environment(named, Path.cwd())) is not None:
            return _of_frozen_graph(frozen)
    exported = export_from_environment(variables, Path.cwd())
    data = {
        "graph": str(exported.graph),
        "graph_text": str(exported.graph_text),
        "notes": list(exported.notes),
    }
    notes = [f"Note: {note}" for note in exported.notes]
    return Result("\n".join([*notes, str(exported.graph), str(exported.graph_text)]), data)


def _flags(options: argparse.Namespace) -> dict[str, str]:
    given = {name: getattr(options, flag) for flag, name in FLAGS.items() if getattr(options, flag)}
    return given if options.output is None else {**given, OUTPUT_DIRECTORY: str(options.output)}

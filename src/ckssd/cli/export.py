"""Step 1: export an SSD checkpoint to tflite_graph.pb, by the Object Detection API's own exporter.

    ckssd export --tags=shapes --output graph/
    ckssd export --model my_model/ --nms=fast --output graph/

A model folder holds pipeline.config and model.ckpt.*. The exporter's own default of 10 detections is not
used: the number comes from --max-detections, else from the model's settings, else it is 100.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ckssd.ck.environments import the_environment
from ckssd.cli.detect import MODEL, joined
from ckssd.cli.result import Result
from ckssd.tflite.program import OUTPUT_DIRECTORY, export_from_environment

CHECKPOINT_TAGS = "model,tensorflow,tf,object-detection"
FLAGS = {
    "nms": "USE_NMS",
    "max_detections": "MAX_DETECTIONS",
    "detections_per_class": "DETECTIONS_PER_CLASS",
    "max_classes_per_detection": "MAX_CLASSES_PER_DETECTION",
    "score_threshold": "NMS_SCORE_THRESHOLD",
    "iou_threshold": "NMS_IOU_THRESHOLD",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="a folder with pipeline.config and model.ckpt.*"
    )
    parser.add_argument(
        "--tags", default="", help="instead: tags that choose among the installed checkpoints"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="where the graph goes")
    parser.add_argument("--nms", help="regular or fast (default: regular)")
    parser.add_argument("--max-detections", help="per image")
    parser.add_argument("--detections-per-class", help="per image, regular NMS")
    parser.add_argument("--max-classes-per-detection", help="fast NMS")
    parser.add_argument("--score-threshold", help="from 0 to 1 (default: 0.3)")
    parser.add_argument("--iou-threshold", help="from 0 to 1 (default: 0.6)")
    parser.add_argument(
        "--tensorflow-tags", default="", help="tags that choose among the installed TensorFlows"
    )


def run(options: argparse.Namespace) -> Result:
    """Collect the variables as CK would, then export."""
    variables = dict(os.environ)
    variables.update(the_environment(joined("lib,tensorflow", options.tensorflow_tags)).variables)
    variables.update(the_environment("model,tensorflow,api").variables)
    if options.model:
        variables.update(
            {f"{MODEL}_ROOT": str(options.model), f"{MODEL}_WEIGHTS_FILE": "", f"{MODEL}_PIPELINE_CONFIG": ""}
        )
    else:
        variables.update(the_environment(joined(CHECKPOINT_TAGS, options.tags)).variables)
    variables.update({name: getattr(options, flag) for flag, name in FLAGS.items() if getattr(options, flag)})
    variables[OUTPUT_DIRECTORY] = str(options.output)
    exported = export_from_environment(variables, Path.cwd())
    data = {"graph": str(exported.graph), "graph_text": str(exported.graph_text)}
    return Result(f"{exported.graph}\n{exported.graph_text}", data)

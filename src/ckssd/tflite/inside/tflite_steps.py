"""Does export and conversion steps in one process of an installed TensorFlow (1.11 to 2.x).

    python tflite_steps.py JOB.json

The job is ``{"steps": [{"do": "export" | "freeze" | "convert" | "anchors", ...}, ...], "result":
"RESULT.json"}``; one process does many steps because importing TensorFlow costs more than most of them.
Stands alone with ``exporting.py``: Python 3.6 or later, TensorFlow and (to export and freeze) a prepared
Object Detection API.
"""
# mypy: ignore-errors

import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # PYTHONSAFEPATH leaves it out
from exporting import as_written

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # spares the import of Keras 3

INPUT = "normalized_input_image_tensor"
POSTPROCESS = "TFLite_Detection_PostProcess"
WITH_POSTPROCESS = [POSTPROCESS] + [f"{POSTPROCESS}:{index}" for index in (1, 2, 3)]
WITHOUT_POSTPROCESS = ["raw_outputs/box_encodings", "raw_outputs/class_predictions"]
STEP_MARK = "ckssd-step: "


def say(text):
    """Name the step that begins; the driver shows lines with this mark."""
    sys.stdout.write(STEP_MARK + text + "\n")
    sys.stdout.flush()


def write_bytes(path, data):
    """Write a file so that it never exists half."""
    temporary = Path(path + ".part")
    temporary.write_bytes(data)
    temporary.replace(path)


def export(step, result):
    """Checkpoint to tflite_graph.pb by the Object Detection API's own export function."""
    from object_detection.ckssd_compat import tf  # first: the API of 2022 asks which TensorFlow it is in

    # isort: split
    from object_detection import export_tflite_ssd_graph_lib

    config = read_config(step)
    tf.reset_default_graph()
    as_written(export_tflite_ssd_graph_lib.export_tflite_graph)(
        config,
        step["checkpoint"],
        step["output_directory"],
        add_postprocessing_op=True,
        max_detections=step["max_detections"],
        max_classes_per_detection=step["max_classes_per_detection"],
        detections_per_class=step["detections_per_class"],
        use_regular_nms=step["use_regular_nms"],
    )
    make_deterministic(str(Path(step["output_directory"]) / "tflite_graph.pb"))


def freeze(step, result):
    """Checkpoint to frozen_inference_graph.pb by the same API's function for TensorFlow's own runtime."""
    from object_detection.ckssd_compat import tf  # first: the API of 2022 asks which TensorFlow it is in

    # isort: split
    from object_detection import exporter

    config = read_config(step)
    tf.reset_default_graph()
    with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:  # a SavedModel and more come with it
        as_written(exporter.export_inference_graph)("image_tensor", config, step["checkpoint"], folder)
        frozen = read_graph(str(Path(folder) / "frozen_inference_graph.pb"))
    write_bytes(step["output"], frozen.SerializeToString(deterministic=True))


def read_config(step):
    """The pipeline configuration that a step names, changed by its ``config_override``."""
    from google.protobuf import text_format
    from object_detection.protos import pipeline_pb2

    config = pipeline_pb2.TrainEvalPipelineConfig()
    text_format.Merge(Path(step["pipeline_config"]).read_text(encoding="utf-8"), config)
    text_format.Merge(step["config_override"], config)
    return config


def make_deterministic(path):
    """Write a graph's attributes in a fixed order: protobuf's maps have another one in each process."""
    data = read_graph(path).SerializeToString(deterministic=True)
    write_bytes(path, data)


def read_graph(path):
    """Read a GraphDef from its binary file."""
    try:
        from tensorflow.compat.v1 import GraphDef
    except ImportError:  # TensorFlow 1.11 and 1.12
        from tensorflow import GraphDef
    graph = GraphDef()
    graph.ParseFromString(Path(path).read_bytes())
    return graph


def node_of(graph, name, path):
    """The node of that name, or an end with a line that says which graph lacks it."""
    for node in graph.node:
        if node.name == name:
            return node
    raise SystemExit(f"the graph {path} has no node {name}")


def anchors(step, result):
    """Write the anchors constant: one line ``ycenter xcenter h w`` for each anchor, in units of the image."""
    from tensorflow.python.framework import tensor_util

    graph = read_graph(step["graph"])
    constant = node_of(graph, "anchors", step["graph"])
    values = tensor_util.MakeNdarray(constant.attr["value"].tensor)
    if values.ndim != 2 or values.shape[1] != 4:
        raise SystemExit(f"the anchors of {step['graph']} have shape {list(values.shape)}, not [P, 4]")
    # Nine digits give every float32 back exactly.
    lines = [" ".join(f"{value:.9g}" for value in row) for row in values]
    write_bytes(step["output"], ("\n".join(lines) + "\n").encode("ascii"))
    result["anchors"] = len(lines)
    result["num_classes"] = count_classes(graph, step["graph"])


def count_classes(graph, path):
    """The number of classes without the background; a graph without NMS says it beside the scores."""
    if any(node.name == POSTPROCESS for node in graph.node):
        return int(node_of(graph, POSTPROCESS, path).attr["num_classes"].i)
    scores = node_of(graph, WITHOUT_POSTPROCESS[1], path)
    if "_num_classes" not in scores.attr:
        raise SystemExit(f"the graph {path} has no node {POSTPROCESS}")
    return int(scores.attr["_num_classes"].i)


def converter_class():
    """The TFLite converter that reads frozen graphs, wherever this TensorFlow keeps it."""
    import tensorflow as tf

    if int(tf.__version__.split(".")[0]) >= 2:
        return tf.compat.v1.lite.TFLiteConverter
    if hasattr(tf, "lite"):
        return tf.lite.TFLiteConverter
    lite = tf.contrib.lite
    return getattr(lite, "TFLiteConverter", None) or lite.TocoConverter


def convert(step, result):
    """tflite_graph.pb to a TFLite file, with or without the postprocessing op."""
    if step["calibration"]:
        need_tensorflow_2("quantising")
    graph = read_graph(step["graph"])
    shape = [dim.size for dim in node_of(graph, INPUT, step["graph"]).attr["shape"].shape.dim]
    outputs = WITH_POSTPROCESS if step["postprocess"] else WITHOUT_POSTPROCESS
    for name in outputs:
        node_of(graph, name.split(":")[0], step["graph"])
    converter = converter_class().from_frozen_graph(
        step["graph"], input_arrays=[INPUT], output_arrays=outputs, input_shapes={INPUT: shape}
    )
    converter.allow_custom_ops = bool(step["postprocess"])
    if step.get("levels"):
        quantize_as_trained(converter, *step["levels"])
    if step["calibration"]:
        quantize(converter, step["calibration"], height=shape[1], width=shape[2])
    write_bytes(step["output"], converter.convert())


def need_tensorflow_2(purpose):
    """End with one line where this TensorFlow is older."""
    import tensorflow as tf

    if int(tf.__version__.split(".")[0]) < 2:
        raise SystemExit(f"{purpose} needs TensorFlow 2, this is {tf.__version__}")


def quantize_as_trained(converter, mean, std):
    """Make the converter take the ranges of FakeQuant nodes: uint8 throughout."""
    import tensorflow as tf

    if int(tf.__version__.split(".")[0]) >= 2:
        converter.inference_type = tf.uint8
    else:
        lite = tf.lite if hasattr(tf, "lite") and hasattr(tf.lite, "constants") else tf.contrib.lite
        converter.inference_type = lite.constants.QUANTIZED_UINT8
    converter.quantized_input_stats = {INPUT: (mean, std)}


def quantize(converter, images, height, width):
    """Make the converter quantise: int8 inside, uint8 image in, float boxes and scores out."""
    import numpy as np
    import tensorflow as tf
    from PIL import Image

    def samples():
        for path in images:
            try:
                with Image.open(path) as image:
                    pixels = image.convert("RGB").resize((width, height), Image.BILINEAR)
            except OSError as error:
                raise SystemExit(f"the calibration image {path} cannot be read: {error}") from None
            yield [np.asarray(pixels, np.float32)[np.newaxis] * (2.0 / 255.0) - 1.0]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.inference_input_type = tf.uint8
    if not converter.allow_custom_ops:  # then nothing may stay in float
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]


STEPS = {"export": export, "freeze": freeze, "convert": convert, "anchors": anchors}


def main(argv):
    """Do the steps of the job file, in order, and write what was learned."""
    job = json.loads(Path(argv[1]).read_text(encoding="ascii"))
    result = {}
    for step in job["steps"]:
        say(step["say"])
        STEPS[step["do"]](step, result)
    import tensorflow as tf

    result["tensorflow"] = tf.__version__
    result["python"] = sys.version.split()[0]
    write_bytes(job["result"], json.dumps(result, sort_keys=True).encode("ascii"))


if __name__ == "__main__":
    main(sys.argv)

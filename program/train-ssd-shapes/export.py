"""Write a trained checkpoint as a model of the TensorFlow detection model zoo is laid out.

checkpoint, model.ckpt.{data-00000-of-00001,index,meta} (inference variables only), pipeline.config,
frozen_inference_graph.pb and labelmap.pbtxt, by the Object Detection API's own exporter.
Stands alone and speaks Python 3.7.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow.compat.v1 as tf
from object_detection import exporter

import ssd
from images import read_annotations

FROM_EXPORTER = (
    "frozen_inference_graph.pb",
    "model.ckpt.data-00000-of-00001",
    "model.ckpt.index",
    "model.ckpt.meta",
)
CHECKPOINT_STATE = """model_checkpoint_path: "model.ckpt"
all_model_checkpoint_paths: "model.ckpt"
"""


def label_map(categories):
    """The label map of a COCO category list, as text."""
    item = 'item {{\n  name: "{name}"\n  id: {id}\n  display_name: "{name}"\n}}\n'
    return "".join(item.format(name=category["name"], id=category["id"]) for category in categories)


def export(pipeline_path, checkpoint, categories, output):
    """Export a checkpoint prefix to a new or existing folder; files of the same names are replaced."""
    pipeline = ssd.read_pipeline(pipeline_path)
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        weights = inference_checkpoint(checkpoint, str(Path(scratch, "weights", "model.ckpt")))
        exporter.profile_inference_graph = lambda graph: None  # it prints some 400 lines
        exporter.export_inference_graph("image_tensor", pipeline, weights, scratch)
        for name in FROM_EXPORTER:
            shutil.copyfile(str(Path(scratch, name)), str(output / name))
    slim_meta_graph(output / "model.ckpt.meta")
    shutil.copyfile(pipeline_path, str(output / "pipeline.config"))
    # The exporter writes the folder it worked in; a relative name stays right wherever the files go.
    (output / "checkpoint").write_text(CHECKPOINT_STATE, encoding="utf-8")
    (output / "labelmap.pbtxt").write_text(label_map(categories), encoding="utf-8")


def slim_meta_graph(path):
    """Leave out the notes on output shapes, a tenth of the file, which TensorFlow infers again."""
    meta = tf.MetaGraphDef()
    meta.ParseFromString(path.read_bytes())
    for node in meta.graph_def.node:
        node.attr.pop("_output_shapes", None)
    path.write_bytes(meta.SerializeToString())


def inference_checkpoint(source, target):
    """Copy a checkpoint without the optimizer's slots and with the step, which the exporter asks for."""
    reader = tf.train.load_checkpoint(source)
    with tf.Graph().as_default(), tf.Session() as session:
        variables = [
            tf.Variable(reader.get_tensor(name), name=name)
            for name in sorted(reader.get_variable_to_shape_map())
            if not name.endswith(("/Adam", "/Adam_1")) and name not in ("beta1_power", "beta2_power")
        ]
        step = int(source.rsplit("-", 1)[1])
        variables.append(tf.Variable(step, name="global_step", dtype=tf.int64))
        session.run(tf.global_variables_initializer())
        return tf.train.Saver(variables).save(session, target, write_meta_graph=False)


def main():
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    pipeline = str(Path(__file__).resolve().parent / "pipeline.config")
    parser.add_argument("checkpoint", help="checkpoint prefix, or a folder to take the newest of")
    parser.add_argument("dataset", help="a data set of the same categories, for the label map")
    parser.add_argument("output", help="folder for the model")
    parser.add_argument("--pipeline", default=pipeline)
    arguments = parser.parse_args()
    checkpoint = arguments.checkpoint
    if Path(checkpoint).is_dir():
        checkpoint = tf.train.latest_checkpoint(checkpoint)
    if checkpoint is None:
        raise SystemExit(f"no checkpoint in {arguments.checkpoint}: train first")
    categories = read_annotations(arguments.dataset)["categories"]
    export(arguments.pipeline, checkpoint, categories, arguments.output)
    print(arguments.output)


if __name__ == "__main__":
    main()

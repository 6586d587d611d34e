"""Writes all that an exported model has from its configuration and the values of its variables.

For the scripts beside it; nothing here is a program. Python 3.6 or later, TensorFlow 1.11 to 2.x and a
prepared Object Detection API.
"""
# mypy: ignore-errors

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # spares the import of Keras 3

STEP_MARK = "ckssd-step: "
# As in every exported model: relative, so that the folder can be moved.
STATE = 'model_checkpoint_path: "model.ckpt"\nall_model_checkpoint_paths: "model.ckpt"\n'


def say(text):
    """Name the step that begins; the driver shows lines with this mark."""
    sys.stdout.write(STEP_MARK + text + "\n")
    sys.stdout.flush()


def read_job(path):
    """What the driver wants."""
    return json.loads(Path(path).read_text(encoding="ascii"))


def read_config(path):
    """The pipeline configuration."""
    from google.protobuf import text_format
    from object_detection.protos import pipeline_pb2

    config = pipeline_pb2.TrainEvalPipelineConfig()
    text_format.Merge(Path(path).read_text(encoding="utf-8"), config)
    return config


def one_thread_session(tf):
    """With several threads the order of additions, hence the last digits, would differ from run to run."""
    return tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1))


def save(tf, values, prefix):
    """Write the values as a checkpoint."""
    tf.reset_default_graph()
    variables = [tf.Variable(value, name=name, dtype=value.dtype) for name, value in sorted(values.items())]
    with one_thread_session(tf) as session:
        session.run(tf.variables_initializer(variables))
        tf.train.Saver(variables).save(session, prefix, write_meta_graph=False)


def as_written(function):
    """The function without AutoGraph, which rewrites loops of Python: the API, made for graphs, has none.

    The graph is the same, byte for byte, and a third of the time is saved.
    """
    import tensorflow as tf

    try:
        return tf.autograph.experimental.do_not_convert(function)
    except AttributeError:  # TensorFlow 1, which rewrites nothing
        return function


def export(tf, config, checkpoint, folder):
    """The exporter's whole folder: checkpoint, graphs, SavedModel; equal bytes for equal values."""
    from object_detection import exporter
    from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

    tf.reset_default_graph()
    as_written(exporter.export_inference_graph)("image_tensor", config, checkpoint, folder)
    make_deterministic(Path(folder) / "frozen_inference_graph.pb", tf.GraphDef())
    make_deterministic(Path(folder) / "model.ckpt.meta", meta_graph_pb2.MetaGraphDef())
    make_deterministic(Path(folder) / "saved_model" / "saved_model.pb", saved_model_pb2.SavedModel())
    (Path(folder) / "checkpoint").write_text(STATE)


def make_deterministic(path, message):
    """Write a message's maps in a fixed order: protobuf has another one in each process."""
    message.ParseFromString(path.read_bytes())
    path.write_bytes(message.SerializeToString(deterministic=True))


def finish(tf, config, values, job, started):
    """Export the values (name to array) to the job's folder and write what was learned."""
    work = tempfile.mkdtemp(prefix="ckssd-")
    try:
        checkpoint = os.path.join(work, "model.ckpt")
        save(tf, values, checkpoint)
        say("Export the checkpoint and the frozen graph")
        export(tf, config, checkpoint, job["output_directory"])
    finally:
        shutil.rmtree(work)
    shutil.copyfile(job["pipeline_config"], os.path.join(job["output_directory"], "pipeline.config"))
    result = {
        "tensorflow": tf.__version__,
        "python": sys.version.split()[0],
        "variables": len(values),
        "weights": int(sum(value.size for value in values.values())),
        "seconds": round(time.time() - started, 1),
    }
    Path(job["result"]).write_text(json.dumps(result, sort_keys=True))

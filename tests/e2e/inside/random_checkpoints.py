"""Checkpoints of random weights for several SSD configurations, of any architecture, in one process.

python random_checkpoints.py pipeline.config FOLDER [...]

Each folder then holds pipeline.config and model.ckpt.*. Stands alone: TensorFlow and a prepared Object
Detection API.
"""

import shutil
import sys
from pathlib import Path

import numpy as np
from google.protobuf import text_format
from object_detection.ckssd_compat import tf  # first: the API of 2022 asks which TensorFlow it is in

SCORE_BIAS = -3.0


def value_of(variable, draws):
    """He-normal kernels, batch normalisation that changes nothing, scores below the middle."""
    name, shape = variable.op.name, variable.shape.as_list()
    kind = name.rsplit("/", 1)[-1]
    if kind in ("gamma", "moving_variance"):
        return np.ones(shape, np.float32)
    if kind == "biases" and "ClassPredictor" in name:
        return np.full(shape, SCORE_BIAS, np.float32)
    if len(shape) == 4:
        inputs = shape[0] * shape[1] * (1 if kind == "depthwise_weights" else shape[2])
        return (draws.standard_normal(shape) * np.sqrt(2.0 / inputs)).astype(np.float32)
    return np.zeros(shape, variable.dtype.base_dtype.as_numpy_dtype)


def main(config_file, folder):
    """Build the model of a configuration and save it with drawn values."""
    from object_detection.builders import model_builder
    from object_detection.protos import pipeline_pb2

    config = pipeline_pb2.TrainEvalPipelineConfig()
    text_format.Merge(Path(config_file).read_text(), config)
    tf.reset_default_graph()
    model = model_builder.build(config.model, is_training=False, add_summaries=False)
    resizer = config.model.ssd.image_resizer.fixed_shape_resizer
    model.predict(tf.zeros([1, resizer.height, resizer.width, 3]), None)
    tf.train.get_or_create_global_step()
    draws = np.random.RandomState(7)
    variables = sorted(tf.global_variables(), key=lambda variable: variable.op.name)
    feeds = {variable.initializer.inputs[1]: value_of(variable, draws) for variable in variables}
    Path(folder).mkdir(parents=True, exist_ok=True)
    with tf.Session() as session:
        session.run([variable.initializer for variable in variables], feeds)
        tf.train.Saver(variables).save(session, str(Path(folder) / "model.ckpt"), write_meta_graph=False)
    shutil.copyfile(config_file, str(Path(folder) / "pipeline.config"))


for start in range(1, len(sys.argv), 2):
    main(*sys.argv[start : start + 2])

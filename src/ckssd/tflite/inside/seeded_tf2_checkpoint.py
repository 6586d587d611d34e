"""Makes a model folder of TensorFlow 2 with seeded random weights for an SSD configuration.

    python seeded_tf2_checkpoint.py JOB.json

The job is that of ``seeded_checkpoint.py``, whose weights and noise images these are; here the network is
one of the API's Keras models, and the folder that of its exporter: ``checkpoint/ckpt-0.*``, ``saved_model``,
``pipeline.config``. Stands alone with ``exporting.py`` and ``seeded_checkpoint.py``: TensorFlow 2 and a
prepared Object Detection API of 2022.
"""
# mypy: ignore-errors

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # PYTHONSAFEPATH leaves it out
from exporting import as_written, read_config, read_job, say
from seeded_checkpoint import (
    BOX_ENCODING_STD,
    CLASS_LOGIT_MEAN,
    CLASS_LOGIT_STD,
    generator,
    initial_value,
    noise_image,
    standardised,
)

# Names of Keras, and those of TF-Slim that the same weights are drawn as.
KINDS = {
    "kernel": "weights",
    "depthwise_kernel": "depthwise_weights",
    "pointwise_kernel": "pointwise_weights",
}
HEADS = (("ClassPredictor", CLASS_LOGIT_MEAN, CLASS_LOGIT_STD), ("BoxPredictor", 0.0, BOX_ENCODING_STD))


def for_one_pass(config):
    """A copy of the configuration in which batch normalization keeps the statistics of the one pass."""
    once = type(config)()
    once.CopyFrom(config)
    ssd = once.model.ssd
    ssd.feature_extractor.override_base_feature_extractor_hyperparams = True
    predictor = getattr(ssd.box_predictor, ssd.box_predictor.WhichOneof("box_predictor_oneof"))
    for part in (ssd.feature_extractor, predictor):
        part.conv_hyperparams.batch_norm.decay = 0.0
    return once


def name_of(variable):
    """The variable's name without its port."""
    return variable.name.split(":")[0]


def drawn(variable, seed):
    """The value that a variable begins with."""
    scope, _, kind = name_of(variable).rpartition("/")
    name = scope + "/" + KINDS.get(kind, kind)
    return initial_value(name, variable.shape.as_list(), variable.dtype.as_numpy_dtype, seed)


def build(tf, config, seed, count):
    """The model with its weights, its statistics and its predictors set."""
    from object_detection.builders import model_builder

    resizer = config.model.ssd.image_resizer.fixed_shape_resizer
    side = max(resizer.height, resizer.width)
    images = np.stack([noise_image(generator(seed, "image {}".format(k)), side) for k in range(count)])
    images = images[:, : resizer.height, : resizer.width].astype(np.float32)
    model = model_builder.build(for_one_pass(config).model, is_training=True)

    def predict(pixels):
        return model.predict(*model.preprocess(tf.constant(pixels)))

    predict(images[:1])  # makes the variables
    for variable in model.variables:
        variable.assign(drawn(variable, seed))
    tf.keras.backend.set_learning_phase(1)  # batch normalization normalizes by the images, and keeps that
    prediction = predict(images)
    tf.keras.backend.set_learning_phase(0)
    if not all(np.any(v.numpy()) for v in model.variables if name_of(v).endswith("/moving_variance")):
        raise SystemExit("batch normalization kept no statistics of the images")
    scale_predictors(model.variables, prediction)
    return model


def scale_predictors(variables, prediction):
    """Standardise the predictors for each feature map (if each has its own), anchor and class."""
    outputs = {
        "ClassPredictor": prediction["class_predictions_with_background"].numpy(),
        "BoxPredictor": prediction["box_encodings"].numpy(),
    }
    cells = [shape[1] * shape[2] for shape in (each.shape.as_list() for each in prediction["feature_maps"])]
    named = {name_of(variable): variable for variable in variables}
    for head, mean, std in HEADS:
        values = outputs[head].reshape(outputs[head].shape[0], outputs[head].shape[1], -1)
        biases = [name for name in named if "/" + head in name and name.endswith("/bias")]
        begin = 0
        for bias, positions in zip(biases, [sum(cells)] if len(biases) == 1 else cells):
            scope = bias.rpartition("/")[0]
            kernel = named.get(scope + "/pointwise_kernel", named.get(scope + "/kernel"))
            per_position = kernel.shape[-1] // values.shape[-1]
            end = begin + positions * per_position
            piece = values[:, begin:end].reshape(len(values), positions, per_position, -1)
            weights, offsets = standardised(kernel.numpy(), piece, mean, np.array(std))
            kernel.assign(weights)
            named[bias].assign(offsets)
            begin = end
        if not biases or begin != values.shape[1]:
            raise SystemExit("the {} of this network is not where it is looked for".format(head))


def finish(tf, config, model, job, started):
    """Export the model to the job's folder and write what was learned."""
    from object_detection import exporter_lib_v2

    variables = list(model.variables)
    output = Path(job["output_directory"])
    with tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        tf.train.CheckpointManager(tf.train.Checkpoint(model=model), work, max_to_keep=1).save()
        say("Export the checkpoint and the SavedModel")
        as_written(exporter_lib_v2.export_inference_graph)("image_tensor", config, work, str(output))
    shutil.copyfile(job["pipeline_config"], str(output / "pipeline.config"))
    result = {
        "tensorflow": tf.__version__,
        "python": sys.version.split()[0],
        "variables": len(variables),
        "weights": int(sum(np.prod(variable.shape) for variable in variables)),
        "seconds": round(time.time() - started, 1),
    }
    Path(job["result"]).write_text(json.dumps(result, sort_keys=True))


def main(argv):
    """Do the job of the file and write what was learned."""
    started = time.time()
    job = read_job(argv[1])
    say("Start TensorFlow")
    import tensorflow as tf

    if int(tf.__version__.split(".")[0]) < 2:
        raise SystemExit("a model of TensorFlow 2 needs TensorFlow 2, this is " + tf.__version__)
    # With several threads the order of additions, hence the last digits, would differ from run to run.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.get_logger().setLevel("ERROR")
    config = read_config(job["pipeline_config"])
    say("Draw the weights and pass {} images through the network".format(job["images"]))
    model = build(tf, config, job["seed"], job["images"])
    finish(tf, config, model, job, started)


if __name__ == "__main__":
    main(sys.argv)

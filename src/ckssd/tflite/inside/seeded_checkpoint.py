"""Makes a checkpoint of seeded random weights for an SSD configuration, with all that an exported model has.

    python seeded_checkpoint.py JOB.json

The job is ``{"pipeline_config", "output_directory", "seed", "images", "result"}``. The weights are
He-normal (He et al. 2015, arXiv:1502.01852), drawn for each variable from the seed and the variable's name.
One training-mode pass over structured noise fills the statistics of batch normalization; the predictors are
scaled so that some dozens of detections of an image are above 0.3. Stands alone with ``exporting.py``:
Python 3.6 or later, TensorFlow 1.11 to 2.x and a prepared Object Detection API.
"""
# mypy: ignore-errors

import hashlib
import os
import sys
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # PYTHONSAFEPATH leaves it out
from exporting import finish, one_thread_session, read_config, read_job, say

CLASS_LOGIT_MEAN, CLASS_LOGIT_STD = -7.0, 1.6
BOX_ENCODING_STD = (1.0, 1.0, 0.8, 0.8)  # ty, tx, th, tw
# The scope of the predictor that all feature maps share, in networks with one.
SHARED = "WeightSharedConvolutionalBoxPredictor/"


def generator(seed, name):
    """A generator of its own for each name; RandomState's streams are the same in every NumPy."""
    digest = hashlib.sha256("{}/{}".format(seed, name).encode("utf-8")).digest()
    return np.random.RandomState(np.frombuffer(digest, dtype="<u4").astype(np.uint32))


def initial_value(name, shape, dtype, seed):
    """The value of a variable before the pass over the images."""
    kind = name.rsplit("/", 1)[-1]
    if kind in ("weights", "depthwise_weights", "pointwise_weights"):
        height, width, channels = shape[:3]
        fan_in = height * width * (1 if kind == "depthwise_weights" else channels)
        drawn = generator(seed, name).standard_normal(tuple(shape))
        return (drawn * np.sqrt(2.0 / fan_in)).astype(dtype)
    if kind == "gamma":
        return np.ones(shape, dtype)
    # Also the moving variance: an update with decay 0 is v - (v - new), exact only from 0.
    return np.zeros(shape, dtype)


def noise_image(random, size):
    """One image ``[size, size, 3]`` uint8: octaves of smooth noise, on it boxes of colour, some striped.

    Every image has as much of each: the network's random features, hence the number of detections, then
    differ less from image to image.
    """
    image = np.full((size, size, 3), 128.0)
    for octave, share in ((2, 40.0), (3, 45.0), (4, 45.0), (5, 40.0), (6, 30.0)):
        points = 2**octave + 1
        image += share * enlarged(random.uniform(-1, 1, (points, points, 3)), size)
    rows, columns = np.mgrid[0:size, 0:size] / float(size)
    for box in range(16):
        height, width = random.uniform(0.08, 0.4, 2)
        top, left = random.uniform(-0.1, 1.0 - height), random.uniform(-0.1, 1.0 - width)
        angle, waves = random.uniform(0, np.pi), random.uniform(10, 40)
        inside = (rows > top) & (rows < top + height) & (columns > left) & (columns < left + width)
        image[inside] = 0.35 * image[inside] + 0.65 * random.uniform(0, 255, 3)
        if box % 2:
            along = rows[inside] * np.sin(angle) + columns[inside] * np.cos(angle)
            image[inside] += 50.0 * np.sin(2 * np.pi * waves * along)[:, None]
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def enlarged(grid, size):
    """A grid ``[n + 1, n + 1, 3]`` of values as an image ``[size, size, 3]``, bilinear."""
    place = np.arange(size) * (len(grid) - 1) / float(size)
    below = place.astype(int)
    share = (place - below)[:, None, None]
    rows = grid[below] * (1 - share) + grid[below + 1] * share
    share = share[None, :, 0]
    return rows[:, below] * (1 - share) + rows[:, below + 1] * share


def standardised(weights, outputs, mean, std):
    """Weights and biases of a predictor whose outputs get this mean and standard deviation.

    ``weights`` is ``[height, width, inputs, A*C]`` (its biases being 0), ``outputs`` is
    ``[images, positions, A, C]``; ``mean`` and ``std`` are numbers or of shape ``[C]``.
    """
    outputs = outputs.astype(np.float64)
    scale = std / np.maximum(outputs.std(axis=(0, 1)), 1e-6)
    biases = mean - outputs.mean(axis=(0, 1)) * scale
    return (weights * scale.reshape(-1)).astype(weights.dtype), biases.reshape(-1).astype(weights.dtype)


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


def make_values(tf, config, seed, count):
    """Name to value of every variable of the model."""
    from object_detection.builders import model_builder

    size = config.model.ssd.image_resizer.fixed_shape_resizer.height
    images = np.stack([noise_image(generator(seed, "image {}".format(k)), size) for k in range(count)])
    tf.reset_default_graph()
    model = model_builder.build(for_one_pass(config).model, is_training=True, add_summaries=False)
    inputs = tf.constant(images.astype(np.float32))
    prediction = model.predict(*model.preprocess(inputs))
    tf.train.get_or_create_global_step()
    outputs = [prediction["box_encodings"], prediction["class_predictions_with_background"]]
    # The collections say what the Saver of the exporter will want.
    variables = tf.global_variables()
    feeds = {}
    for variable in variables:
        dtype = variable.dtype.base_dtype.as_numpy_dtype
        value = initial_value(variable.op.name, variable.shape.as_list(), dtype, seed)
        feeds[variable.initializer.inputs[1]] = value
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    # Few runs: each new set of fetches costs TensorFlow a pass over the whole graph.
    with one_thread_session(tf) as session:
        session.run([variable.initializer for variable in variables], feeds)
        (boxes, classes), _ = session.run([outputs, updates], whole_updates(tf.get_default_graph()))
        values = session.run({variable.op.name: variable for variable in variables})
    maps = [shape_of(feature_map) for feature_map in prediction["feature_maps"]]
    scale_predictors(values, boxes, classes, maps)
    return values


def whole_updates(graph):
    """Feeds by which moving averages take all of the new value: ResNet's scope has a decay of its own."""
    deltas = [
        each.inputs[1].op
        for each in graph.get_operations()
        if each.type in ("AssignSub", "AssignSubVariableOp") and "/AssignMovingAvg" in each.name
    ]
    return {delta.inputs[1]: 1.0 for delta in deltas if delta.type == "Mul"}  # (old - new) * (1 - decay)


def shape_of(feature_map):
    """Positions in a feature map ``[images, height, width, depth]``."""
    _, height, width, _ = feature_map.shape.as_list()
    return height * width


def scale_predictors(values, boxes, classes, maps):
    """Standardise the predictors for each anchor and class (or box coordinate), in place.

    Each feature map has a predictor of its own, or all of them share one.
    """
    images, anchors, columns = classes.shape
    boxes = boxes.reshape(images, anchors, 4)
    if any(name.startswith(SHARED) for name in values):
        prefixes, maps, box_head = [SHARED], [sum(maps)], "BoxPredictor"
    else:
        prefixes, box_head = ["BoxPredictor_{}/".format(k) for k in range(len(maps))], "BoxEncodingPredictor"
    counts = [
        values[weights_of(values, prefix + "ClassPredictor")].shape[-1] // columns for prefix in prefixes
    ]
    ends = np.cumsum(np.multiply(maps, counts))
    if ends[-1] != anchors:
        raise SystemExit("the feature maps have {} anchors, the predictions {}".format(ends[-1], anchors))
    for prefix, positions, per_position, end in zip(prefixes, maps, counts, ends):
        begin = end - positions * per_position
        for part, outputs, mean, std in (
            ("ClassPredictor", classes, CLASS_LOGIT_MEAN, CLASS_LOGIT_STD),
            (box_head, boxes, 0.0, np.array(BOX_ENCODING_STD)),
        ):
            name = weights_of(values, prefix + part)
            piece = outputs[:, begin:end].reshape(images, positions, per_position, -1)
            values[name], values[prefix + part + "/biases"] = standardised(values[name], piece, mean, std)


def weights_of(values, scope):
    """The name of a predictor's last weights; a separable one has two."""
    pointwise = scope + "/pointwise_weights"
    return pointwise if pointwise in values else scope + "/weights"


def main(argv):
    """Do the job of the file and write what was learned."""
    started = time.time()
    job = read_job(argv[1])
    say("Start TensorFlow")
    from object_detection.ckssd_compat import tf

    tf.logging.set_verbosity(tf.logging.ERROR)
    config = read_config(job["pipeline_config"])
    say("Draw the weights and pass {} images through the network".format(job["images"]))
    values = make_values(tf, config, job["seed"], job["images"])
    finish(tf, config, values, job, started)


if __name__ == "__main__":
    main(sys.argv)

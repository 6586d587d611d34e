"""The detection model in TensorFlow 1.15 graphs, built by the Object Detection API from pipeline.config."""

from pathlib import Path

import tensorflow.compat.v1 as tf
from google.protobuf import text_format
from object_detection.builders import model_builder
from object_detection.protos import pipeline_pb2

from images import SIDE


def read_pipeline(path):
    """Parse a pipeline.config."""
    pipeline = pipeline_pb2.TrainEvalPipelineConfig()
    text_format.Merge(Path(path).read_text(encoding="utf-8"), pipeline)
    return pipeline


def session_config(threads):
    """Settings of a session on ``threads`` cores."""
    return tf.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=2)


def losses(pipeline, images, boxes, classes, counts):
    """Return the losses (classification, localization, regularization) of a training batch.

    Parameters
    ----------
    images
        float32 [b, 300, 300, 3], 0..255; b is static.
    boxes, classes, counts
        [b, m, 4] (ymin, xmin, ymax, xmax in 0..1), [b, m] from 0, [b]: how many of the m are valid.
    """
    model = model_builder.build(pipeline.model, is_training=True)
    size = images.shape[0].value
    truth_boxes = [boxes[k, : counts[k]] for k in range(size)]
    truth_classes = [tf.one_hot(classes[k, : counts[k]], pipeline.model.ssd.num_classes) for k in range(size)]
    model.provide_groundtruth(truth_boxes, truth_classes)
    shapes = tf.constant([[SIDE, SIDE, 3]] * size)
    prediction = model.predict((2.0 / 255.0) * images - 1.0, shapes)
    parts = model.loss(prediction, shapes)
    return (
        parts["Loss/classification_loss"],
        parts["Loss/localization_loss"],
        tf.add_n(model.regularization_losses()),
    )


class Detector:
    """An inference graph of its own whose variables come from a checkpoint."""

    def __init__(self, pipeline, threads):
        graph = tf.Graph()
        with graph.as_default():
            model = model_builder.build(pipeline.model, is_training=False)
            self._images = tf.placeholder(tf.uint8, [None, SIDE, SIDE, 3])
            shapes = tf.tile([[SIDE, SIDE, 3]], [tf.shape(self._images)[0], 1])
            inputs = (2.0 / 255.0) * tf.cast(self._images, tf.float32) - 1.0
            found = model.postprocess(model.predict(inputs, shapes), shapes)
            self._outputs = [
                found["detection_boxes"],
                found["detection_scores"],
                found["detection_classes"] + 1,
            ]
            self._saver = tf.train.Saver(tf.global_variables())
        self._session = tf.Session(graph=graph, config=session_config(threads))

    def restore(self, checkpoint):
        """Take the weights of a checkpoint."""
        self._saver.restore(self._session, checkpoint)

    def __call__(self, images):
        """Detect in uint8 [n, 300, 300, 3]; boxes [n, 100, 4], scores [n, 100], classes [n, 100] from 1."""
        return self._session.run(self._outputs, {self._images: images})

"""Latency of a frozen graph with TensorFlow: ``tensorflow_latency.py IMAGES.npz MODEL`` prints seconds.

One thread, one image at a time; the first image is run three times before, to warm up. The seconds are a list
in a list, as of the one model. For TensorFlow 1.13 on Python 3.7, too.
"""

import json
import sys
import time

import numpy as np
import tensorflow as tf

try:
    tf1 = tf.compat.v1
    tf1.Session  # noqa: B018 - TensorFlow 1.13 has the module, but not all of it
except AttributeError:
    tf1 = tf

OUTPUTS = ["detection_boxes:0", "detection_scores:0", "detection_classes:0", "num_detections:0"]

images_file, model_file = sys.argv[1:]
images = np.load(images_file)
inputs = [images[name][np.newaxis] for name in images.files]
definition = tf1.GraphDef()
with open(model_file, "rb") as stream:
    definition.ParseFromString(stream.read())
with tf1.Graph().as_default() as graph:
    tf1.import_graph_def(definition, name="")
one_thread = tf1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
session = tf1.Session(graph=graph, config=one_thread)
for _ in range(3):
    session.run(OUTPUTS, {"image_tensor:0": inputs[0]})
seconds = []
for image in inputs:
    began = time.perf_counter()
    session.run(OUTPUTS, {"image_tensor:0": image})
    seconds.append(time.perf_counter() - began)
print(json.dumps([seconds]))

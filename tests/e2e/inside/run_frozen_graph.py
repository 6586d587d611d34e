"""Runs frozen detection graphs with TensorFlow itself on images of an .npz; for TensorFlow 1 and 2.

python run_frozen_graph.py frozen_inference_graph.pb images.npz detections.json [...]
"""

import json
import sys

import numpy as np
import tensorflow as tf

tf = getattr(tf.compat, "v1", tf)


def main(graph_file, images_file, output):
    definition = tf.GraphDef()
    with open(graph_file, "rb") as stream:
        definition.ParseFromString(stream.read())
    images = np.load(images_file)
    names = ["detection_boxes", "detection_scores", "detection_classes", "num_detections"]
    results = {}
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
        tensors = [graph.get_tensor_by_name(name + ":0") for name in names]
        with tf.Session() as session:
            for name in images.files:
                values = session.run(tensors, {"image_tensor:0": images[name][None]})
                boxes, scores, classes = (value[0][: int(values[3][0])] for value in values[:3])
                results[name] = {
                    "boxes": boxes.tolist(),
                    "scores": scores.tolist(),
                    "classes": classes.astype(int).tolist(),
                }
    with open(output, "w") as stream:
        json.dump(results, stream)


for start in range(1, len(sys.argv), 3):
    main(*sys.argv[start : start + 3])

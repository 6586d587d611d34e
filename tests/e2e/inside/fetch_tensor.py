"""One tensor of a frozen graph for each image of an .npz, by TensorFlow itself.

python fetch_tensor.py frozen_inference_graph.pb TENSOR images.npz values.npz
"""

import sys

import numpy as np
import tensorflow as tf

tf = getattr(tf.compat, "v1", tf)


def main(graph_file, tensor, images_file, output):
    definition = tf.GraphDef()
    with open(graph_file, "rb") as stream:
        definition.ParseFromString(stream.read())
    images = np.load(images_file)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
        fetched = graph.get_tensor_by_name(tensor)
        with tf.Session() as session:
            values = {
                name: session.run(fetched, {"image_tensor:0": images[name][None]}) for name in images.files
            }
    np.savez(output, **values)


main(*sys.argv[1:])

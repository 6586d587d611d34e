"""Make a checkpoint of two classes from one of six: ``two_classes.py CHECKPOINT TARGET``, in TensorFlow.

As if somebody had fine-tuned the built-in model for circles and squares: the class predictors keep what is
for the background and the first two classes.
"""

import sys

import numpy as np
import tensorflow as tf

CLASSES, KEPT = 7, (0, 1, 2)  # with the background
source, target = sys.argv[1:]
tf1 = tf.compat.v1
reader = tf.train.load_checkpoint(source)
with tf1.Graph().as_default(), tf1.Session() as session:
    for name in sorted(reader.get_variable_to_shape_map()):
        value = reader.get_tensor(name)
        if "/ClassPredictor/" in name:
            by_class = value.reshape((*value.shape[:-1], -1, CLASSES))[..., KEPT]
            value = by_class.reshape((*value.shape[:-1], -1))
        tf1.get_variable(name, initializer=np.asarray(value))
    session.run(tf1.global_variables_initializer())
    tf1.train.Saver().save(session, target)

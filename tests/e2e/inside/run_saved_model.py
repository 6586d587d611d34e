"""Runs a SavedModel of a detector with TensorFlow 2 itself on images of an .npz.

python run_saved_model.py SAVED_MODEL images.npz detections.json
"""

import json
import os
import sys

import numpy as np

os.environ["TF_USE_LEGACY_KERAS"] = "1"
import tensorflow as tf

loaded = tf.saved_model.load(sys.argv[1])
function = loaded.signatures["serving_default"]
images = np.load(sys.argv[2])
results = {}
for name in images.files:
    found = {key: value.numpy()[0] for key, value in function(tf.constant(images[name][None])).items()}
    count = int(found["num_detections"])
    results[name] = {
        "boxes": found["detection_boxes"][:count].tolist(),
        "scores": found["detection_scores"][:count].tolist(),
        "classes": found["detection_classes"][:count].astype(int).tolist(),
    }
with open(sys.argv[3], "w") as stream:
    json.dump(results, stream)

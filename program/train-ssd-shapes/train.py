"""Train the built-in SSD-MobileNet v1 from scratch on a cache of shapes; a run can be stopped and goes on.

Adam with warm-up and cosine decay to zero, gradient clip, no moving average. The order of images and the
augmentation depend on the seed and the step alone; sums over threads make weights differ in the last bits.
Stands alone and speaks Python 3.7 (TensorFlow 1.15, Object Detection API of July 2020).
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

# Before TensorFlow starts: MKL's threads must not spin while the data thread works.
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("KMP_BLOCKTIME", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow.compat.v1 as tf

import ssd
from augment import Batches, prefetch
from evaluate import measure
from images import SIDE

WARM_UP_STEPS = 200
CLIP_NORM = 10.0
LOG_EVERY = 20


def learning_rate(step, steps, peak):
    """Linear warm-up, then a cosine to zero."""
    if step < WARM_UP_STEPS:
        return peak * (step + 1) / WARM_UP_STEPS
    return 0.5 * peak * (1.0 + math.cos(math.pi * (step - WARM_UP_STEPS) / max(1, steps - WARM_UP_STEPS)))


class Trainer:
    """The training graph and its session."""

    def __init__(self, pipeline, max_boxes, seed, threads):
        size = pipeline.train_config.batch_size
        graph = tf.Graph()
        with graph.as_default():
            tf.set_random_seed(seed)
            self._images = tf.placeholder(tf.uint8, [size, SIDE, SIDE, 3])
            self._boxes = tf.placeholder(tf.float32, [size, max_boxes, 4])
            self._classes = tf.placeholder(tf.int32, [size, max_boxes])
            self._counts = tf.placeholder(tf.int32, [size])
            self._rate = tf.placeholder(tf.float32, [])
            images = vary_light(tf.cast(self._images, tf.float32))
            parts = ssd.losses(pipeline, images, self._boxes, self._classes, self._counts)
            self._parts = list(parts)
            self._update = _update_op(tf.add_n(self._parts), self._rate)
            self._saver = tf.train.Saver(tf.global_variables(), max_to_keep=2)
            start = tf.global_variables_initializer()
        self._session = tf.Session(graph=graph, config=ssd.session_config(threads))
        self._session.run(start)

    def step(self, batch, rate):
        """Do one step; returns the losses (classification, localization, regularization)."""
        images, boxes, classes, counts = batch
        feed = {
            self._images: images,
            self._boxes: boxes,
            self._classes: classes,
            self._counts: counts,
            self._rate: rate,
        }
        return self._session.run([self._parts, self._update], feed)[0]

    def save(self, prefix, step):
        """Write a checkpoint with the optimizer's state; returns its name."""
        return self._saver.save(self._session, str(prefix), step, write_meta_graph=False)

    def restore(self, checkpoint):
        """Go on from a checkpoint."""
        self._saver.restore(self._session, checkpoint)


def _update_op(loss, rate):
    optimizer = tf.train.AdamOptimizer(rate)
    gradients, variables = zip(*optimizer.compute_gradients(loss))
    clipped, _ = tf.clip_by_global_norm(gradients, CLIP_NORM)
    # The batch-norm statistics are moved by these; without them evaluation sees initial values.
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        return optimizer.apply_gradients(list(zip(clipped, variables)))


def vary_light(images):
    """Change contrast (0.7 to 1.3) and brightness (by up to 30 grey levels) of each image of a batch."""
    size = images.shape[0].value
    contrast = tf.random_uniform([size, 1, 1, 1], 0.7, 1.3)
    brightness = tf.random_uniform([size, 1, 1, 1], -30.0, 30.0)
    return tf.clip_by_value((images - 127.5) * contrast + 127.5 + brightness, 0.0, 255.0)


def resume(trainer, folder):
    """Restore the newest checkpoint of a folder; returns the number of steps already done."""
    newest = tf.train.latest_checkpoint(str(folder))
    if newest is None:
        return 0
    trainer.restore(newest)
    return int(newest.rsplit("-", 1)[1])


def append(path, record):
    """Add a line of JSON to a log and show it."""
    line = json.dumps(record)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    print(line, flush=True)


def rounded(values):
    """Six digits are enough for a log."""
    return {key: round(value, 6) if isinstance(value, float) else value for key, value in values.items()}


def train(options):
    """Run the training that the command line asks for."""
    pipeline = ssd.read_pipeline(options.pipeline)
    with np.load(options.cache) as file:
        cache = {name: file[name] for name in file.files}
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    log = output / "log.jsonl"
    trainer = Trainer(pipeline, cache["boxes"].shape[1], options.seed, options.threads)
    detector = ssd.Detector(pipeline, options.threads)
    done = resume(trainer, output)
    batches = Batches(cache, pipeline.train_config.batch_size, options.seed)
    last = min(options.steps, options.stop_at or options.steps)
    append(log, {"event": "start", "step": done, "steps": options.steps, "images": len(cache["images"])})
    started, sums, since = time.time(), np.zeros(3), 0
    for step, batch in prefetch(batches, done, last):
        rate = learning_rate(step, options.steps, options.learning_rate)
        sums += trainer.step(batch, rate)
        since += 1
        if not np.isfinite(sums).all():
            raise SystemExit(f"the loss is not finite at step {step + 1}")
        if (step + 1) % LOG_EVERY == 0:
            names = ("classification", "localization", "regularization")
            record = dict(zip(names, (sums / since).tolist()), step=step + 1, rate=rate)
            record["seconds_per_step"] = (time.time() - started) / since
            append(log, rounded(record))
            started, sums, since = time.time(), np.zeros(3), 0
        if (step + 1) % options.evaluate_every == 0 or step + 1 == last:
            begun = time.time()
            saved = trainer.save(output / "train.ckpt", step + 1)
            detector.restore(saved)
            metrics = measure(options.validation, detector, limit=options.evaluate_images)
            append(output / "curve.jsonl", rounded(dict(metrics, step=step + 1)))
            started += time.time() - begun


def main():
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    pipeline = str(Path(__file__).resolve().parent / "pipeline.config")
    parser.add_argument("cache", help="training images (.npz, by cache.py)")
    parser.add_argument("validation", help="data set to measure on: images/, annotations/instances_val.json")
    parser.add_argument(
        "output", help="folder for checkpoints, log.jsonl and curve.jsonl; a run there goes on"
    )
    parser.add_argument("--pipeline", default=pipeline)
    parser.add_argument("--steps", type=int, default=6448, help="length of the schedule")
    parser.add_argument("--stop-at", type=int, help="stop after so many steps of it")
    parser.add_argument("--learning-rate", type=float, default=4e-3, help="at its peak")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--evaluate-every", type=int, default=500, help="steps; also saves a checkpoint")
    parser.add_argument("--evaluate-images", type=int, default=250, help="how many validation images")
    train(parser.parse_args())


if __name__ == "__main__":
    main()

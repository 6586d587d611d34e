"""Makes a checkpoint of given values for an SSD configuration, with all that an exported model has.

    python given_checkpoint.py JOB.json

The job is ``{"pipeline_config", "output_directory", "values", "result"}``; ``values`` is an ``.npz`` file
with an array for each variable. The names and shapes have to be those of the configuration's network, all
of them. Stands alone with ``exporting.py``: Python 3.6 or later, TensorFlow 1.11 to 2.x and a prepared
Object Detection API.
"""
# mypy: ignore-errors

import os
import sys
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # PYTHONSAFEPATH leaves it out
from exporting import as_written, finish, read_config, read_job, say


def wanted_shapes(tf, config):
    """Name to shape of every variable of the configuration's network."""
    from object_detection.builders import model_builder

    tf.reset_default_graph()
    model = model_builder.build(config.model, is_training=False, add_summaries=False)
    size = config.model.ssd.image_resizer.fixed_shape_resizer
    images = tf.zeros([1, size.height, size.width, 3], tf.float32)
    as_written(model.predict)(*model.preprocess(images))
    return {variable.op.name: tuple(variable.shape.as_list()) for variable in tf.global_variables()}


def difference(wanted, given):
    """The first thing in which the given shapes are not the wanted ones; None where there is none."""
    for what, names in (
        ("lack", sorted(set(wanted) - set(given))),
        ("have a variable that the network lacks:", sorted(set(given) - set(wanted))),
    ):
        if names:
            return "the values {} {} ({} such)".format(what, names[0], len(names))
    for name in sorted(wanted):
        if wanted[name] != given[name]:
            return "{} has shape {}, the network's {}".format(name, given[name], wanted[name])
    return None


def main(argv):
    """Do the job of the file and write what was learned."""
    started = time.time()
    job = read_job(argv[1])
    say("Start TensorFlow")
    from object_detection.ckssd_compat import tf

    tf.logging.set_verbosity(tf.logging.ERROR)
    config = read_config(job["pipeline_config"])
    with np.load(job["values"]) as stored:
        values = {name: stored[name] for name in stored.files}
    fault = difference(wanted_shapes(tf, config), {name: value.shape for name, value in values.items()})
    if fault is not None:
        raise SystemExit("the weights do not fit the configuration: " + fault)
    values["global_step"] = np.int64(0)  # the exporter's Saver wants it
    finish(tf, config, values, job, started)


if __name__ == "__main__":
    main(sys.argv)

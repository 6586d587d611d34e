"""Exports a checkpoint of TensorFlow 2's Object Detection API to a SavedModel, once it is sure that it fits.

    python export_tf2_checkpoint.py JOB.json

The job is ``{"pipeline_config": FILE, "checkpoint": PREFIX, "output_directory": DIR, "result": FILE}``. The
API's own exporter takes what it finds and leaves the rest at random. Stands alone with ``exporting.py``:
TensorFlow 2 and a prepared Object Detection API of 2022.
"""
# mypy: ignore-errors

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # PYTHONSAFEPATH leaves it out
from exporting import as_written, read_config, read_job, say

SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
MOST = 5


def build(tf, config):
    """The configuration's model, with its variables made."""
    from object_detection.builders import model_builder

    model = model_builder.build(config.model, is_training=False)
    pixels, shapes = model.preprocess(tf.zeros([1, 64, 64, 3]))
    model.predict(pixels, shapes)
    return model


def wanted_of(tf, model):
    """What a checkpoint of this model has: key to shape."""
    with tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        prefix = tf.train.Checkpoint(model=model).write(os.path.join(work, "own"))
        return shapes_in(tf, prefix)


def shapes_in(tf, prefix):
    """Key to shape of the variables of a model in a checkpoint."""
    try:
        reader = tf.train.load_checkpoint(prefix)
        found = reader.get_variable_to_shape_map()
    except Exception as error:  # noqa: BLE001 - whatever a damaged file makes TensorFlow raise
        raise SystemExit(
            "TensorFlow cannot read the checkpoint: " + str(error).splitlines()[0][:300]
        ) from None
    return {
        key[: -len(SUFFIX)]: tuple(shape)
        for key, shape in found.items()
        if key.startswith("model/") and key.endswith(SUFFIX) and "OPTIMIZER_SLOT" not in key
    }


def check(wanted, given):
    """End with one line if the checkpoint has not the variables of the configuration."""
    misfits = ["{} is missing".format(key) for key in sorted(set(wanted) - set(given))]
    misfits += [
        "{} is {}, not {}".format(key, list(given[key]), list(wanted[key]))
        for key in sorted(set(wanted) & set(given))
        if given[key] != wanted[key]
    ]
    if misfits:
        more = len(misfits) - MOST
        raise SystemExit(
            "the checkpoint does not fit its configuration in {} of {} variables: {}{}".format(
                len(misfits),
                len(wanted),
                "; ".join(misfits[:MOST]),
                "; and {} more".format(more) if more > 0 else "",
            )
        )


def main(argv):
    """Do the job of the file and write what was learned."""
    job = read_job(argv[1])
    say("Start TensorFlow")
    import tensorflow as tf

    if int(tf.__version__.split(".")[0]) < 2:
        raise SystemExit("a model of TensorFlow 2 needs TensorFlow 2, this is " + tf.__version__)
    tf.get_logger().setLevel("ERROR")
    config = read_config(job["pipeline_config"])
    say("Check the checkpoint against the configuration")
    check(wanted_of(tf, build(tf, config)), shapes_in(tf, job["checkpoint"]))
    say("Export the checkpoint to a SavedModel")
    from object_detection import exporter_lib_v2

    prefix = Path(job["checkpoint"])
    with tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        for part in prefix.parent.glob(prefix.name + ".*"):
            shutil.copyfile(str(part), os.path.join(work, part.name))
        state = 'model_checkpoint_path: "{}"\n'.format(prefix.name)
        Path(work, "checkpoint").write_text(state)
        export = as_written(exporter_lib_v2.export_inference_graph)
        export("image_tensor", config, work, job["output_directory"])
    Path(job["result"]).write_text(
        json.dumps({"tensorflow": tf.__version__, "python": sys.version.split()[0]}), encoding="ascii"
    )


if __name__ == "__main__":
    main(sys.argv)

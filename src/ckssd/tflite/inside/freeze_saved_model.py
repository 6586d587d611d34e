"""Freezes a SavedModel of a detector: variables become constants, loops and calls plain nodes.

    python freeze_saved_model.py JOB.json

The job is ``{"saved_model": DIR, "signature": NAME, "output": FILE, "result": FILE}``. The graph's
outputs get the names that they have in the signature. Stands alone: Python 3.8 or later, TensorFlow 2.
"""
# mypy: ignore-errors

import json
import os
import sys
from pathlib import Path

STEP_MARK = "ckssd-step: "

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # spares the import of Keras 3


def say(text):
    """Name the step that begins; the driver shows lines with this mark."""
    sys.stdout.write(STEP_MARK + text + "\n")
    sys.stdout.flush()


def load(tf, folder):
    """The SavedModel; an end with one line where it is none."""
    try:
        return tf.saved_model.load(folder)
    except Exception as error:  # noqa: BLE001 - whatever its files make TensorFlow raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise SystemExit(
            "TensorFlow {} cannot load it: {}".format(
                tf.__version__, lines[0][:400] if lines else type(error).__name__
            )
        ) from None


def freeze(tf, function):
    """The function's graph with constants, and with its outputs under the signature's names."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    names = sorted(function.structured_outputs)
    frozen = convert_variables_to_constants_v2(function, lower_control_flow=True)
    graph = frozen.graph.as_graph_def()
    taken = {node.name for node in graph.node}
    for name, tensor in zip(names, frozen.outputs):
        if name not in taken:
            node = graph.node.add(name=name, op="Identity", input=[tensor.name])
            node.attr["T"].type = tensor.dtype.as_datatype_enum
    return graph, names


def main(argv):
    """Do the job of the file and write what was learned."""
    job = json.loads(Path(argv[1]).read_text(encoding="ascii"))
    say("Start TensorFlow")
    import tensorflow as tf

    if int(tf.__version__.split(".")[0]) < 2:
        raise SystemExit("freezing a SavedModel needs TensorFlow 2, this is " + tf.__version__)
    tf.get_logger().setLevel("ERROR")
    say("Freeze the SavedModel")
    loaded = load(tf, job["saved_model"])  # its variables end with it
    graph, names = freeze(tf, loaded.signatures[job["signature"]])
    Path(job["output"]).write_bytes(graph.SerializeToString(deterministic=True))
    result = {"tensorflow": tf.__version__, "python": sys.version.split()[0], "outputs": names}
    Path(job["result"]).write_text(json.dumps(result, sort_keys=True), encoding="ascii")


if __name__ == "__main__":
    main(sys.argv)

"""Converts TensorFlow graphs to ONNX in one process of an installed TensorFlow 2 with tf2onnx.

    python onnx_steps.py JOB.json

The job is ``{"steps": [{"graph", "output", "inputs", "outputs", "say"}, ...], "opset", "result":
"RESULT.json"}``. Stands alone: the project's library is not there.
"""
# mypy: ignore-errors

import json
import sys
from pathlib import Path

STEP_MARK = "ckssd-step: "


def convert(step, opset):
    """One frozen graph, from its inputs to its outputs, to an ONNX file."""
    import tensorflow as tf
    import tf2onnx

    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(Path(step["graph"]).read_bytes())
    cut = tf.compat.v1.graph_util.extract_sub_graph(graph, [name.split(":")[0] for name in step["outputs"]])
    made, _ = tf2onnx.convert.from_graph_def(
        cut, input_names=step["inputs"], output_names=step["outputs"], opset=opset
    )
    temporary = Path(step["output"] + ".part")
    temporary.write_bytes(made.SerializeToString(deterministic=True))
    temporary.replace(step["output"])


def main(argv):
    """Do the steps of the job file, in order, and write which versions did them."""
    job = json.loads(Path(argv[1]).read_text(encoding="ascii"))
    for step in job["steps"]:
        sys.stdout.write(STEP_MARK + step["say"] + "\n")
        sys.stdout.flush()
        convert(step, job["opset"])
    import onnx
    import tensorflow as tf
    import tf2onnx

    versions = {module.__name__: module.__version__ for module in (onnx, tf, tf2onnx)}
    versions["python"] = sys.version.split()[0]
    Path(job["result"]).write_text(json.dumps(versions), encoding="ascii")


if __name__ == "__main__":
    main(sys.argv)

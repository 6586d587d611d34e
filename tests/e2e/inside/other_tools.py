"""What people's tools make of a frozen graph: prefixed, with Identity nodes, and by graph_transforms.

python other_tools.py frozen_inference_graph.pb FOLDER [NAME ...]

For TensorFlow 1.15, which has graph_transforms. Each of ``WAYS`` (or those named) becomes FOLDER/NAME.pb.
"""

import sys
from pathlib import Path

import tensorflow as tf

tf = getattr(tf.compat, "v1", tf)

OUTPUTS = ["detection_boxes", "detection_scores", "detection_classes", "num_detections"]


def prefixed(definition):
    """Read into a graph and written again, as many scripts do."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition)  # its default name is import
        return graph.as_graph_def()


def with_identities(definition):
    """An Identity behind every third node that computes with floats, and read in its place."""
    graph = tf.GraphDef()
    added, names = {}, {}
    for count, node in enumerate(definition.node):
        kind = node.attr["T"].type
        ends = node.name in OUTPUTS or "while" in node.name or node.name.startswith("Preprocessor/map")
        if (
            count % 3 == 0
            and kind == 1
            and not ends
            and node.op not in ("Unpack", "Split", "Switch", "Merge")
        ):
            added[node.name] = tf.NodeDef(name=node.name + "/debug", op="Identity", input=[node.name])
            added[node.name].attr["T"].type = kind
            names[node.name] = node.name + "/debug"
    for node in definition.node:
        copy = graph.node.add()
        copy.CopyFrom(node)
        for port, name in enumerate(node.input):
            if name in names and "while" not in node.name:
                copy.input[port] = names[name]
        if node.name in added:
            graph.node.add().CopyFrom(added[node.name])
    graph.versions.CopyFrom(definition.versions)
    return graph


def transformed(*transforms):
    """By TensorFlow's transform_graph."""

    def make(definition):
        from tensorflow.tools.graph_transforms import TransformGraph

        return TransformGraph(definition, ["image_tensor"], OUTPUTS, list(transforms))

    return make


FOLD = "fold_constants(ignore_errors=true)"
WAYS = {
    "import": prefixed,
    "identities": with_identities,
    "fold_constants": transformed(FOLD),
    "fold_batch_norms": transformed(FOLD, "fold_batch_norms"),
    "fold_old_batch_norms": transformed("fold_old_batch_norms"),
    "merge_duplicate_nodes": transformed("merge_duplicate_nodes"),
    "strip_unused_nodes": transformed("strip_unused_nodes"),
    "remove_identities": transformed("remove_nodes(op=Identity, op=StopGradient)"),
    "sorted": transformed("sort_by_execution_order"),
    "all": transformed("strip_unused_nodes", FOLD, "fold_batch_norms", "merge_duplicate_nodes"),
}


def main(source, folder, names):
    definition = tf.GraphDef()
    definition.ParseFromString(Path(source).read_bytes())
    for name in names or WAYS:
        (Path(folder) / (name + ".pb")).write_bytes(WAYS[name](definition).SerializeToString())


main(sys.argv[1], sys.argv[2], sys.argv[3:])

"""TensorFlow.js graph models of SSDs: read without TensorFlow, and turned back into a checkpoint's variables.

``tensorflowjs_converter`` freezes a graph, folds its constants and writes the rest as JSON with shards of raw
numbers. What it folded can be undone, so the model becomes one that every tool for checkpoints takes.
"""

from ckssd.tfjs.graph_model import GraphModel, Node, read_graph_model
from ckssd.tfjs.unfold import BATCH_NORM_EPSILON, variables_of

__all__ = ["BATCH_NORM_EPSILON", "GraphModel", "Node", "read_graph_model", "variables_of"]

"""A graph as it was read, in the form that the exporter of TensorFlow 1 gives its frozen graphs."""

from __future__ import annotations

from ckssd.errors import InputError
from ckssd.graph.attributes import DataType
from ckssd.graph.foreign.loops import IMAGE, IMAGES, SCOPE, refuse_functions, unroll
from ckssd.graph.foreign.normalised import normalise_last
from ckssd.graph.foreign.scope import scope_of, take_off_scope
from ckssd.graph.foreign.tools import undo
from ckssd.graph.graph import Graph
from ckssd.graph.node import Output

# What the functions of TensorFlow 2's SavedModels give, in the order of their names.
OUTPUTS = (
    "detection_anchor_indices",
    "detection_boxes",
    "detection_classes",
    "detection_multiclass_scores",
    "detection_scores",
    "num_detections",
    "raw_detection_boxes",
    "raw_detection_scores",
)
BOXES, CLASSES = "detection_boxes", "detection_classes"
# What inlining a function leaves of its call.
_CALL = "Func/"
# The function of a signature, inlined.
_CALLED = "PartitionedCall/"
_INPUT, _IMAGE_TENSOR = "input_tensor", "image_tensor"


def in_known_form(graph: Graph) -> list[str]:
    """Edit a graph in place; return what was done, for people.

    Raises
    ------
    InputError
        If it is a graph of TensorFlow 2's exporter whose form is not known.
    """
    scope = scope_of(graph)
    of_tensorflow_2 = scope is not None and scope.endswith(_CALLED)
    if of_tensorflow_2 or scope is None:
        refuse_functions(graph)
    if of_tensorflow_2:
        _skip_calls(graph)
        _name_outputs(graph)
    done = []
    if scope:
        take_off_scope(graph, scope)
        done.append(f"the scope {scope} was taken off all names")
    if of_tensorflow_2:
        if unroll(graph):
            done.append("the Preprocessor's loop over the images of a batch was made straight, for one image")
        else:
            _mark_ends(graph)
        if _INPUT in graph and _IMAGE_TENSOR not in graph:
            graph.rename(_INPUT, _IMAGE_TENSOR)
    elif scope is not None and IMAGES not in graph:
        done += undo(graph)
        if normalise_last(graph):
            done.append("images are normalised after they are resized, which gives the same")
    return done


def _skip_calls(graph: Graph) -> None:
    """Connect past what is left of calls: arguments and results by other names, and waiting for variables."""
    for node in list(graph):
        if node.op == "Identity" and node.inputs and node.inputs[0]:
            if node.controls:
                node.controls, node.raw = [], None
            if node.name.startswith(_CALL):
                graph.redirect(Output(node.name), node.inputs[0])


def _name_outputs(graph: Graph) -> None:
    """Give the nodes Identity, Identity_1, … the names of the outputs that they are."""
    found = [f"Identity_{index}" if index else "Identity" for index in range(len(OUTPUTS))]
    if BOXES in graph:
        return
    if not all(name in graph for name in found) or f"Identity_{len(OUTPUTS)}" in graph:
        return
    classes = _origin(graph, found[OUTPUTS.index(CLASSES)])
    # The label of class 0 is 1, which is added at the very end: so this one is told from the others.
    if graph.node(classes.node).op not in ("AddV2", "Add"):
        raise InputError(
            "The graph's outputs are in another order than in a SavedModel of the Object Detection API",
            where=f"{graph.source}, node {classes.node}",
            expected=", ".join(OUTPUTS),
            advice="name the SavedModel instead, which has their names: --saved_model_dir",
        )
    graph.rename_all(dict(zip(found, OUTPUTS, strict=True)))


def _origin(graph: Graph, name: str) -> Output:
    """What a node passes on, back through any number of Identity nodes."""
    tensor, seen = Output(name), set()
    while (node := graph.node(tensor.node)).op == "Identity" and node.inputs and node.inputs[0]:
        if node.name in seen:
            break
        seen.add(node.name)
        tensor = node.inputs[0]
    return tensor


def _mark_ends(graph: Graph) -> None:
    """Give the Preprocessor of exporters without a loop the nodes by which one with a loop is found."""
    inside = {node.name for node in graph if node.name.startswith(SCOPE)}
    entries, exits = set(), set()
    for node in graph:
        for tensor in node.inputs:
            if tensor and node.name in inside and tensor.node not in inside:
                entries.add(tensor)
            elif tensor and node.name not in inside and tensor.node in inside:
                exits.add(tensor)
    entries = {tensor for tensor in entries if graph.node(tensor.node).op != "Const"}
    images = {tensor for tensor in exits if graph.node(tensor.node).attribute("T") == DataType.FLOAT}
    if len(entries) != 1 or len(images) != 1:
        return  # no configuration will fit, and its error names what does not
    (entry,), (exit_,) = entries, images
    readers = [(node, port) for node, port in graph.readers(entry) if node.name in inside]
    kind = graph.node(exit_.node).attribute("T") or DataType.FLOAT
    image = graph.add("Identity", IMAGE, [entry], {"T": DataType.FLOAT})
    for node, port in readers:
        graph.connect(image, node, port)
    outside = [(node, port) for node, port in graph.readers(exit_) if node.name not in inside]
    last = graph.add("Identity", IMAGES, [exit_], {"T": kind})
    for node, port in outside:
        graph.connect(last, node, port)

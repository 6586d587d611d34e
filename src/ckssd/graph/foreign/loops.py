"""Makes straight code of the loop that TensorFlow 2's exporter puts around the Preprocessor.

It runs once for each image of a batch, and a model of that exporter takes one image. So what the loop's body
computes is computed outside of it, under the same names: the values are the same, bit for bit.

A lowered loop is Enter, Merge, Switch, Exit and NextIteration; its elements are in lists, which
TensorListFromTensor makes of the images, and TensorListStack puts together again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ckssd.errors import InputError
from ckssd.graph.attributes import DataType, Shape
from ckssd.graph.graph import INPUT_OPS, Graph
from ckssd.graph.node import Node, Output

FUNCTIONAL_OPS = (
    "While",
    "StatelessWhile",
    "If",
    "StatelessIf",
    "PartitionedCall",
    "StatefulPartitionedCall",
)
LOOP_OPS = ("Enter", "Merge", "Switch", "Exit", "NextIteration", "LoopCond")
SCOPE, POSTPROCESSOR = "Preprocessor/", "Postprocessor/"
IMAGE, IMAGES, SIZES = f"{SCOPE}image", f"{SCOPE}images", f"{SCOPE}true_shapes"
_PASSING = ("Identity", "StopGradient")
_STACK, _SET, _GET, _FROM = (
    "TensorListStack",
    "TensorListSetItem",
    "TensorListGetItem",
    "TensorListFromTensor",
)
_IN_BODY = re.compile(r".*/while/|map/|Preprocessor/")


def refuse_functions(graph: Graph) -> None:
    """Raise InputError for a graph whose loops and calls are still functions of their own."""
    node = next((each for each in graph if each.op in FUNCTIONAL_OPS), None)
    if node is not None:
        raise InputError(
            "The graph's control flow is not lowered",
            where=f"{graph.source}, node {node.name}",
            expected="no functions: convert_variables_to_constants_v2(…, lower_control_flow=True)",
            got=node.op,
            advice="or name the SavedModel that the graph was frozen from: --saved_model_dir",
        )


def unroll(graph: Graph) -> bool:
    """Compute the Preprocessor's loop outside of it, for the one image; tell whether there was one.

    Raises
    ------
    InputError
        If the loop carries something from one image to the next.
    """
    stacks = [node for node in graph if node.op == _STACK and not node.name.startswith(POSTPROCESSOR)]
    items = {stack.name: _item(graph, stack) for stack in stacks}
    if not stacks:
        return False
    taken = [tensor.node for tensor in items.values()]
    images = _elements(graph, _computed_from(graph, taken))
    body = _computed_from(graph, taken) - _computed_from(graph, [tensor.node for tensor in images])
    for name in body:
        _check_straight(graph, graph.node(name))
    for stack in stacks:
        _put_together(graph, stack, items[stack.name])
    for tensor in images:
        _one_image(graph, tensor)
    _name(graph, body)
    return True


def _item(graph: Graph, stack: Node) -> Output:
    """The tensor that the body stores in the list which is stacked."""
    path = ("Exit", "Switch", "Merge", "NextIteration", _SET)
    node = stack
    for op in path:
        node = _read(graph, node, 1 if node.op == "Merge" else 0)
        if node.op != op:
            raise InputError(
                "A loop around the Preprocessor has another form",
                where=f"{graph.source}, node {node.name}",
                expected=f"{op}, on the way from {stack.name} into the loop",
                got=node.op,
            )
    item = node.inputs[2] if len(node.inputs) > 2 else None
    if item is None:
        raise InputError("A loop stores nothing", where=f"{graph.source}, node {node.name}")
    return item


def _computed_from(graph: Graph, names: Iterable[str]) -> set[str]:
    """These nodes, and all that they read; what they wait for does not count."""
    seen: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue += [tensor.node for tensor in graph.node(name).inputs if tensor is not None]
    return seen


def _read(graph: Graph, node: Node, port: int) -> Node:
    """The node behind an input, past those that only pass its value on."""
    seen: set[str] = set()
    while port < len(node.inputs) and (tensor := node.inputs[port]) is not None and node.name not in seen:
        seen.add(node.name)
        node, port = graph.node(tensor.node), 0
        if node.op not in _PASSING:
            break
    return node


def _elements(graph: Graph, inside: set[str]) -> list[Output]:
    """Let who takes an element of a list read the only one of its tensor; return those tensors."""
    tensors: dict[Output, Node] = {}
    for node in [graph.node(name) for name in inside if graph.node(name).op == _GET]:
        source = node
        for op in ("Switch", "Merge", "Enter", _FROM):
            source = _read(graph, source, 0)
            if source.op != op:
                raise InputError(
                    "A loop around the Preprocessor reads a list of another origin",
                    where=f"{graph.source}, node {node.name}",
                    expected=op,
                    got=f"{source.name} ({source.op})",
                )
        tensor = source.inputs[0]
        if tensor is None:
            raise InputError("A list is made of nothing", where=f"{graph.source}, node {source.name}")
        if tensor not in tensors:
            types = {"T": node.attribute("element_dtype") or DataType.FLOAT, "squeeze_dims": [0]}
            tensors[tensor] = graph.add("Squeeze", IMAGE, [tensor], types)
        graph.redirect(Output(node.name), Output(tensors[tensor].name))
    return list(tensors)


def _check_straight(graph: Graph, node: Node) -> None:
    """The body must not depend on what the loop did before; what it only waits for, it need not."""
    if node.op in LOOP_OPS or node.op.startswith("TensorList"):
        raise InputError(
            "A loop around the Preprocessor carries something from one image to the next",
            where=f"{graph.source}, node {node.name}",
            expected="each image by itself",
            got=node.op,
        )
    if node.controls:
        node.controls, node.raw = [], None


def _put_together(graph: Graph, stack: Node, item: Output) -> None:
    """A batch of the one element, in place of the stack of all."""
    kind = stack.attribute("element_dtype") or DataType.FLOAT
    name = IMAGES if kind == DataType.FLOAT else SIZES
    packed = graph.add("Pack", name, [item], {"T": kind, "N": 1, "axis": 0})
    graph.redirect(Output(stack.name), Output(packed.name))


def _one_image(graph: Graph, tensor: Output) -> None:
    """The image input takes a batch of one: the loop was for any number."""
    node = graph.node(tensor.node)
    shape = node.attribute("shape")
    if node.op in INPUT_OPS and isinstance(shape, Shape) and shape.dims and shape.dims[0] != 1:
        node.set_attribute("shape", Shape((1, *shape.dims[1:])))


def _name(graph: Graph, body: set[str]) -> None:
    """Names as the Preprocessor has them without a loop around it."""
    names = {}
    for name in sorted(body):
        found = list(_IN_BODY.finditer(name))
        if found and not name.startswith(SCOPE):
            names[name] = SCOPE + name[found[-1].end() :]
    graph.rename_all(names)

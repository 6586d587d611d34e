"""Undoes what people's tools do to a frozen graph, where no configuration would fit it then.

Only nodes of the Preprocessor and the Postprocessor are touched, which are replaced anyway, and constants.
"""

from __future__ import annotations

from ckssd.graph.graph import Graph
from ckssd.graph.node import Node, Output

SCOPES = ("Preprocessor/", "Postprocessor/")
_KEPT = ("raw_box_encodings", "raw_box_scores", "raw_box_locations")
_LOOP = "Preprocessor/map/"
_SHAPE, _INNER_SHAPE = f"{_LOOP}Shape", f"{_LOOP}TensorArrayUnstack/Shape"
_SCATTER = f"{_LOOP}TensorArrayUnstack/TensorArrayScatter/TensorArrayScatterV3"
# A number and a cast of it; anchors are computed from hundreds of nodes, and no part has them to itself.
LARGEST_TREE = 8


def undo(graph: Graph) -> list[str]:
    """Edit a graph in place; return what was done, for people."""
    done = []
    if count := _unshare_constants(graph):
        done.append(f"{count} constants that parts of the graph shared were given to each")
    if count := _skip_identities(graph):
        done.append(f"{count} Identity nodes in the Postprocessor were passed over")
    _split_shapes(graph)
    return done


def _scope_of(name: str) -> str:
    return next((scope for scope in SCOPES if name.startswith(scope)), "")


def _unshare_constants(graph: Graph) -> int:
    """Give a scope its own copy of each constant that it reads of another part: it goes with the scope."""
    copies: dict[tuple[str, str], str] = {}
    for node in list(graph):
        scope = _scope_of(node.name)
        for port, tensor in enumerate(node.inputs):
            if tensor is None or tensor.node not in graph or _scope_of(tensor.node) == scope:
                continue
            tree = _constant_tree(graph, tensor.node)
            if _is_shared(graph, tree, scope):
                graph.connect(Output(_copied_tree(graph, tree, scope, copies), tensor.port), node, port)
    return len(copies)


def _is_shared(graph: Graph, tree: list[str], scope: str) -> bool:
    """Whether another part than this scope reads one of the nodes, or they belong to another."""
    readers = {reader for name in tree for reader in graph.reader_names(name)} - set(tree)
    belongs = bool(tree) and not scope and bool(_scope_of(tree[-1]))
    return belongs or any(_scope_of(name) != scope for name in readers)


def _constant_tree(graph: Graph, name: str) -> list[str]:
    """The few nodes that a constant is computed from, each before those that read it; none if it is none."""
    visited = [name]
    for each in visited:  # grows; a node that is read twice is there twice
        if len(visited) > LARGEST_TREE or each not in graph:
            return []
        node = graph.node(each)
        if not node.inputs and node.op != "Const":
            return []
        visited += [tensor.node for tensor in node.inputs if tensor]
    return list(dict.fromkeys(reversed(visited)))


def _copied_tree(graph: Graph, tree: list[str], scope: str, copies: dict[tuple[str, str], str]) -> str:
    for name in tree:
        if (scope, name) not in copies:
            copy = _copied(graph, graph.node(name), f"{scope}{name.rpartition('/')[2]}_of_its_own")
            for port, tensor in enumerate(copy.inputs):
                if tensor:
                    graph.connect(Output(copies[scope, tensor.node], tensor.port), copy, port)
            copies[scope, name] = copy.name
    return copies[scope, tree[-1]]


def _copied(graph: Graph, source: Node, name: str) -> Node:
    copy = graph.add(source.op, name, source.inputs)
    copy.raw_attributes, copy.other_fields = dict(source.raw_attributes), source.other_fields
    return copy


def _skip_identities(graph: Graph) -> int:
    """Let what reads an Identity of the Postprocessor read what that reads; loops need theirs."""
    count = 0
    for node in list(graph):
        tensor = node.inputs[0] if node.op == "Identity" and len(node.inputs) == 1 else None
        name = node.name.rpartition("/")[2]
        if tensor and _scope_of(node.name) and "/while/" not in node.name and name not in _KEPT:
            readers = graph.readers(Output(node.name))
            count += bool(readers)
            for reader, port in readers:
                graph.connect(tensor, reader, port)
    return count


def _split_shapes(graph: Graph) -> None:
    """Tools that merge equal nodes leave one of the loop's two questions for the shape of its images."""
    missing = [name for name in (_SHAPE, _INNER_SHAPE) if name not in graph]
    there = [name for name in (_SHAPE, _INNER_SHAPE) if name in graph]
    if len(missing) == 1 and _SCATTER in graph:
        copy = _copied(graph, graph.node(there[0]), missing[0])
        graph.add_control(copy.name, _SCATTER)  # so that pruning leaves it

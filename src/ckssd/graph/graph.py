"""A TensorFlow graph that can be edited: nodes with numbered ports, control edges, walks, checks.

Edges are stored where TensorFlow stores them, at the reading node: input port n of a node names the tensor
(node and output port) that it reads. A node that is not edited keeps the bytes it was read from.
"""

from __future__ import annotations

import difflib
import graphlib
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping

from ckssd.errors import InputError
from ckssd.graph import attributes
from ckssd.graph.node import Node, Output, sources

# A while loop's way back; every other cycle is a fault.
LOOP_BACK_OPS = ("NextIteration", "RefNextIteration")
VARIABLE_OPS = ("Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable", "TemporaryVariable")
INPUT_OPS = ("Placeholder", "PlaceholderV2")
# More input ports than any operation has; a port beyond is a slip in an extension.
MOST_PORTS = 10_000


class Graph:
    """Nodes by name, in the order of the file.

    Parameters
    ----------
    nodes
        With unique names.
    other_fields
        Fields of the GraphDef besides its nodes (versions, function library), as bytes.
    source
        What errors call this graph: its file.

    Attributes
    ----------
    scope
        What the nodes' names began with in the file; empty: they have the names of the file.
    """

    def __init__(self, nodes: Iterable[Node], other_fields: bytes = b"", source: str = "the graph") -> None:
        self._nodes: dict[str, Node] = {}
        # Who may read a node; entries are only added, so readers() looks at the inputs themselves.
        self._readers: dict[str, dict[str, None]] = {}
        self.other_fields = other_fields
        self.source = source
        self.scope = ""
        for node in nodes:
            self._insert(node)

    def _insert(self, node: Node) -> None:
        if node.name in self._nodes:
            raise InputError("Two nodes have the same name", where=self.source, got=node.name)
        self._nodes[node.name] = node
        for name in sources(node):
            self._readers.setdefault(name, {})[node.name] = None

    def __iter__(self) -> Iterator[Node]:
        """The nodes, in order."""
        return iter(self._nodes.values())

    def __len__(self) -> int:
        """How many nodes there are."""
        return len(self._nodes)

    def __contains__(self, name: object) -> bool:
        """Whether a node has this name."""
        return name in self._nodes

    def node(self, name: str) -> Node:
        """Return the node with this name.

        Raises
        ------
        InputError
            If there is none; the advice lists names that are close.
        """
        if name not in self._nodes:
            near = self.near(name)
            raise InputError(
                "The graph has no such node",
                where=self.source,
                expected=name,
                advice=f"close names: {', '.join(near)}" if near else None,
            )
        return self._nodes[name]

    def near(self, name: str, count: int = 3) -> list[str]:
        """Return names of nodes that look like ``name``: in the same scope, if it has any."""
        scope = name.rpartition("/")[0]
        depth = name.count("/")
        known = [
            other for other in self._nodes if other.rpartition("/")[0] == scope or other.count("/") < depth
        ]
        return difflib.get_close_matches(name, known, count)

    def add(
        self,
        op: str,
        name: str,
        inputs: Iterable[Output | Node | None] = (),
        attributes_: Mapping[str, attributes.Value | str] | None = None,
    ) -> Node:
        """Add a node; a Node among the inputs stands for its output 0, None for a port connected later.

        The name gets a number at its end if it is taken.
        """
        ports = [Output(each.name) if isinstance(each, Node) else each for each in inputs]
        node = Node(_free_name(name, self._nodes), op, ports)
        for attribute, value in (attributes_ or {}).items():
            node.set_attribute(attribute, value)
        self._insert(node)
        return node

    def add_constant(self, name: str, value: attributes.Tensor) -> Node:
        """Add a Const node with this tensor."""
        return self.add("Const", name, (), {"dtype": attributes.element_type(value), "value": value})

    def connect(self, source: Output | Node, target: Node, port: int = 0) -> None:
        """Let input ``port`` of ``target`` read ``source``; ports in between stay unconnected.

        Raises
        ------
        InputError
            If the target is not in the graph, or the port makes no sense.
        """
        if port < 0 or port > MOST_PORTS:
            raise InputError("A node has no such input port", where=target.name, got=port)
        tensor = Output(source.name) if isinstance(source, Node) else source
        node = self.node(target.name)
        node.inputs.extend([None] * (port + 1 - len(node.inputs)))
        node.inputs[port] = tensor
        node.raw = None
        self._readers.setdefault(tensor.node, {})[node.name] = None

    def add_control(self, first: str, then: str) -> None:
        """Let a node wait for another one."""
        node = self.node(then)
        node.controls.append(first)
        node.raw = None
        self._readers.setdefault(first, {})[then] = None

    def readers(self, tensor: Output) -> list[tuple[Node, int]]:
        """Return who reads a tensor: nodes with their input ports, in the order of the graph's edges."""
        found = []
        for name in self._readers.get(tensor.node, ()):
            node = self._nodes.get(name)
            if node is not None:
                found += [(node, port) for port, read in enumerate(node.inputs) if read == tensor]
        return found

    def reader_names(self, name: str) -> list[str]:
        """Return the names of all nodes that read any output of a node or wait for it."""
        return [
            reader
            for reader in self._readers.get(name, ())
            if reader in self._nodes and name in set(sources(self._nodes[reader]))
        ]

    def redirect(self, old: Output, new: Output) -> None:
        """Let everybody who reads ``old`` read ``new``."""
        for reader, port in self.readers(old):
            self.connect(new, reader, port)

    def rename(self, old: str, name: str) -> str:
        """Give a node another name, with a number at its end if it is taken; return the name that it got.

        Raises
        ------
        InputError
            If no node is called ``old``.
        """
        return self.rename_all({self.node(old).name: name})[old]

    def rename_all(self, names: Mapping[str, str]) -> dict[str, str]:
        """Give nodes other names, from old to new; return the names that they got.

        A name that is taken gets a number at its end.
        """
        taken, given = set(self._nodes) - set(names), {}
        for old, name in names.items():
            given[old] = _free_name(name, taken)
            taken.add(given[old])
        for node in self:
            if node.name in given or not given.keys().isdisjoint(sources(node)):
                node.name, node.raw = given.get(node.name, node.name), None
                node.inputs = [
                    Output(given.get(each.node, each.node), each.port) if each else None
                    for each in node.inputs
                ]
                node.controls = [given.get(control, control) for control in node.controls]
        self._nodes = {each.name: each for each in self._nodes.values()}
        self._readers = {}
        for each in self._nodes.values():
            for source in sources(each):
                self._readers.setdefault(source, {})[each.name] = None
        return given

    def remove(self, names: Iterable[str]) -> None:
        """Take nodes out; control edges from them end, data edges are left for :meth:`check` to find."""
        gone = set(names) & set(self._nodes)
        waiting = {reader for name in gone for reader in self._readers.get(name, ())} - gone
        for name in gone:
            del self._nodes[name]
        for name in waiting & set(self._nodes):
            node = self._nodes[name]
            if not gone.isdisjoint(node.controls):
                node.controls = [control for control in node.controls if control not in gone]
                node.raw = None

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """Return the names of the nodes that these depend on, and these."""
        return self._walk(names, sources)

    def descendants(self, names: Iterable[str]) -> set[str]:
        """Return the names of the nodes that depend on these, and these."""
        return self._walk(names, lambda node: self.reader_names(node.name))

    def _walk(self, names: Iterable[str], following: Callable[[Node], Iterable[str]]) -> set[str]:
        seen = {name for name in names if name in self._nodes}
        queue = deque(sorted(seen))
        while queue:
            for name in following(self._nodes[queue.popleft()]):
                if name in self._nodes and name not in seen:
                    seen.add(name)
                    queue.append(name)
        return seen

    def prune(self, outputs: Iterable[str]) -> list[str]:
        """Remove every node that none of the outputs needs; return the names of those removed."""
        needed = self.ancestors(self.node(name).name for name in outputs)
        unused = [name for name in self._nodes if name not in needed]
        self.remove(unused)
        return unused

    def sinks(self) -> list[str]:
        """Return the nodes that nobody reads, as Model Optimizer chose its outputs without --output."""
        return [name for name in self._nodes if not self.reader_names(name)]

    def inputs(self) -> list[Node]:
        """Return the placeholders."""
        return [node for node in self if node.op in INPUT_OPS]

    def check(self, after: str) -> None:
        """Check that every input is connected to a node that exists, and that there is no cycle.

        Parameters
        ----------
        after
            What was done last, for the error: reading, or the name of a replacer.

        Raises
        ------
        InputError
            Names the node and what it reads, or the cycle.
        """
        for node in self:
            if node.op in LOOP_BACK_OPS and not node.inputs:
                # OpenVINO 2026.4 crashes on these.
                raise InputError(
                    f"After {after}, a loop's way back leads nowhere",
                    where=f"{self.source}, node {node.name}",
                    expected=f"one input of a {node.op}",
                )
            for port, tensor in enumerate(node.inputs):
                if tensor is None or tensor.node not in self._nodes:
                    raise InputError(
                        f"After {after}, a node reads a tensor that does not exist",
                        where=f"{self.source}, node {node.name}, input {port}",
                        got=tensor or "nothing connected",
                    )
            for control in node.controls:
                if control not in self._nodes:
                    raise InputError(
                        f"After {after}, a node waits for one that does not exist",
                        where=f"{self.source}, node {node.name}",
                        got=control,
                    )
        self._check_cycles(after)

    def _check_cycles(self, after: str) -> None:
        edges = {
            node.name: [name for name in sources(node) if self._nodes[name].op not in LOOP_BACK_OPS]
            for node in self
        }
        try:
            graphlib.TopologicalSorter(edges).prepare()
        except graphlib.CycleError as error:
            cycle = error.args[1]
            shown = cycle if len(cycle) <= 6 else [*cycle[:5], "…", cycle[-1]]
            raise InputError(
                f"After {after}, the graph has a cycle", where=self.source, got=" → ".join(shown)
            ) from error


def _free_name(name: str, taken: Container[str]) -> str:
    """The name, with a number at its end if it is taken."""
    number, free = 1, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free

"""One operation of a TensorFlow graph: what it reads, by numbered ports, and its attributes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ckssd.errors import InputError
from ckssd.graph import attributes, wire


@dataclass(frozen=True)
class Output:
    """Output port ``port`` of the node called ``node``: a tensor."""

    node: str
    port: int = 0

    def __str__(self) -> str:
        """The tensor's name: ``node:port``."""
        return f"{self.node}:{self.port}"


@dataclass
class Node:
    """One operation.

    Attributes
    ----------
    name, op
        The node's name, unique in the graph, and its operation.
    inputs
        The tensor that each input port reads; None while nothing is connected.
    controls
        Names of the nodes that have to run before this one.
    raw_attributes
        Attribute name to AttrValue bytes; :meth:`attribute` and :meth:`set_attribute` translate.
    other_fields
        Fields of the NodeDef that are kept as they are: device, debug information.
    raw
        The NodeDef's bytes as they were read; None once the node was edited.
    """

    name: str
    op: str
    inputs: list[Output | None] = field(default_factory=list)
    controls: list[str] = field(default_factory=list)
    raw_attributes: dict[str, wire.Buffer] = field(default_factory=dict)
    other_fields: bytes = b""
    raw: wire.Buffer | None = None

    @property
    def id(self) -> str:
        """The name, as the seed's replacers call it."""
        return self.name

    def attribute(self, name: str) -> attributes.Value | None:
        """Return an attribute's value, or None if the node has no such attribute.

        Raises
        ------
        InputError
            If the attribute's bytes cannot be read.
        """
        raw = self.raw_attributes.get(name)
        if raw is None:
            return None
        try:
            return attributes.decode(raw)
        except ValueError as error:
            raise InputError(
                "A node's attribute cannot be read", where=f"{self.name}, attribute {name}", got=error
            ) from error

    def set_attribute(self, name: str, value: attributes.Value | str) -> None:
        """Give an attribute a value; the others stay the bytes they are."""
        self.raw_attributes[name] = attributes.encode(value)
        self.raw = None

    def constant(self) -> attributes.Tensor | None:
        """Return a Const node's tensor; None for every other node."""
        value = self.attribute("value") if self.op == "Const" else None
        return value if isinstance(value, np.ndarray) else None


def sources(node: Node) -> list[str]:
    """Return the names of the nodes that a node reads or waits for."""
    return [tensor.node for tensor in node.inputs if tensor is not None] + node.controls

"""Reads and writes frozen graphs: serialized GraphDef messages, of any size, without TensorFlow.

A node's bytes are kept until it is edited, so that reading and writing gives the same file.
Field numbers: tensorflow/core/framework/{graph,node_def}.proto.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ckssd.errors import InputError
from ckssd.graph import wire
from ckssd.graph.graph import VARIABLE_OPS, Graph
from ckssd.graph.node import Node, Output

EXPECTED = "a frozen graph (binary GraphDef), such as frozen_inference_graph.pb"
_NODE = 1
_NAME, _OP, _INPUT, _ATTRIBUTE = 1, 2, 3, 5
LONGEST_START = 4096
_TEXT_STARTS = (b"node {", b"node{", b"node:", b"versions", b"library", b"saved_model", b"meta_graph")


def read_graph(path: Path, expected: str = EXPECTED) -> Graph:
    """Read a frozen graph.

    Parameters
    ----------
    expected
        For the error: which graph the caller needs.

    Raises
    ------
    InputError
        If the file is missing, empty, truncated, or something else: text, a SavedModel, a TFLite file, ….
    """
    data = read_bytes(path, expected)
    if not data:
        raise InputError("The graph file is empty", where=path, expected=expected)
    try:
        return parse_graph(data, str(path))
    except wire.Truncated as error:
        raise _not_a_graph("The graph file is truncated, or no graph", path, data, error, expected) from error
    except ValueError as error:
        raise _not_a_graph("The file is no graph", path, data, error, expected) from error


def read_bytes(path: Path, expected: str = EXPECTED) -> bytes:
    """Return a graph file's bytes; InputError for what is no readable file."""
    if path.is_dir():
        saved = (path / "saved_model.pb").is_file()
        raise InputError(
            f"This is a {'SavedModel ' if saved else ''}directory, not a frozen graph",
            where=path,
            expected=expected,
            advice="name the .pb file in it" if not saved else "name the frozen_inference_graph.pb beside it",
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            "The graph file cannot be read", where=path, expected=expected, got=error.strerror or error
        ) from error


def parse_graph(data: bytes, source: str) -> Graph:
    """Take a GraphDef apart.

    Raises
    ------
    wire.Malformed, ValueError
        If the bytes are no GraphDef.
    InputError
        If two nodes have the same name.
    """
    nodes, others = [], []
    for field in wire.fields(data):
        if field.number == _NODE:
            nodes.append(_parse_node(field.message()))
        elif field.number > 4:
            raise wire.Malformed(f"a GraphDef has no field {field.number}")
        else:
            others.append(bytes(field.raw))
    if not nodes:
        raise wire.Malformed("no nodes")
    return Graph(nodes, b"".join(others), source)


def _parse_node(data: memoryview) -> Node:
    node = Node("", "", raw=data)
    others = []
    for field in wire.fields(data):
        if field.number == _NAME:
            node.name = field.text()
        elif field.number == _OP:
            node.op = field.text()
        elif field.number == _INPUT:
            _add_input(node, field.text())
        elif field.number == _ATTRIBUTE:
            name, value = _parse_entry(field.message())
            node.raw_attributes[name] = value
        else:
            others.append(bytes(field.raw))
    if not node.name or not node.op:
        raise wire.Malformed("a node without a name or an operation")
    node.other_fields = b"".join(others)
    return node


def _add_input(node: Node, text: str) -> None:
    """``name``, ``name:port``, or ``^name`` for a control edge."""
    if text.startswith("^"):
        node.controls.append(text[1:])
        return
    name, colon, port = text.rpartition(":")
    if colon and port.isascii() and port.isdigit() and len(port) < 6:
        node.inputs.append(Output(name, int(port)))
    else:
        node.inputs.append(Output(text))


def _parse_entry(data: memoryview) -> tuple[str, memoryview]:
    """One entry of the attribute map: its name, and its AttrValue's bytes."""
    name, value = "", data[:0]
    for field in wire.fields(data):
        if field.number == 1:
            name = field.text()
        elif field.number == 2:
            value = field.message()
    return name, value


def _not_a_graph(what: str, path: Path, data: bytes, reason: Exception, expected: str) -> InputError:
    """Say what the file is instead, where its first bytes tell."""
    beginning = data[:LONGEST_START]
    start = re.sub(rb"^(\s*#[^\n]*\n)*\s*", b"", beginning)
    got, advice = str(reason), None
    if data[4:8] == b"TFL3":
        what, got = "This is a TFLite model, not a frozen graph", "TFLite"
    elif data[:1] == b"\x08":
        what, got = "This is a SavedModel, not a frozen graph", "saved_model.pb"
        advice = "name the frozen_inference_graph.pb beside its directory"
    elif start[:1] == b"<":
        what, got = "The file is no graph", "an HTML or XML page"
    elif start.startswith(_TEXT_STARTS):
        what, got = "The graph is in text form (.pbtxt)", "text"
        advice = "write it with as_text=False"
    elif _is_text(beginning):
        what, got = "The file is no graph", "text"
    return InputError(what, where=path, expected=expected, got=got, advice=advice)


def _is_text(beginning: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(beginning)  # its end may be half a letter
    except UnicodeDecodeError:
        return False
    return "".join(text.split()).isprintable()


def write_graph(graph: Graph, path: Path) -> None:
    """Write a graph as a GraphDef; nodes that were not edited as the bytes they were read from."""
    with path.open("wb") as stream:
        for chunk in serialize(graph):
            stream.write(chunk)


def serialize(graph: Graph) -> Iterator[wire.Buffer]:
    """The GraphDef's bytes in pieces, so that a large graph is never copied as a whole."""
    for node in graph:
        data = node.raw if node.raw is not None else _encode_node(node)
        yield wire.bytes_field_start(_NODE, len(data))
        yield data
    yield graph.other_fields


def _encode_node(node: Node) -> bytes:
    parts = [wire.bytes_field(_NAME, node.name.encode()), wire.bytes_field(_OP, node.op.encode())]
    parts += [wire.bytes_field(_INPUT, text.encode()) for text in _input_texts(node)]
    parts.append(node.other_fields)
    for name, value in node.raw_attributes.items():
        entry = wire.bytes_field(1, name.encode()) + wire.bytes_field(2, value)
        parts.append(wire.bytes_field(_ATTRIBUTE, entry))
    return b"".join(parts)


def _input_texts(node: Node) -> Iterator[str]:
    for tensor in node.inputs:
        if tensor is None:
            raise InputError("A node's input is not connected", where=node.name)
        yield tensor.node if tensor.port == 0 else str(tensor)
    for control in node.controls:
        yield f"^{control}"


def check_frozen(graph: Graph) -> None:
    """Raise InputError if variables are left in the graph."""
    variables = [node.name for node in graph if node.op in VARIABLE_OPS]
    if variables:
        raise InputError(
            "The graph is not frozen: variables are left in it",
            where=graph.source,
            got=f"{len(variables)}: {_some(variables)}",
            advice="export it by export_inference_graph.py, or freeze it with its checkpoint",
        )


def _some(names: Iterable[str], count: int = 3) -> str:
    listed = list(names)
    return ", ".join(listed[:count]) + (", …" if len(listed) > count else "")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a graph file."""
    return hashlib.sha256(read_bytes(path)).hexdigest()

"""A GraphDef in protobuf's text format (.pbtxt), for people and for tools that read only that.

Written from the wire format with the few message types that a GraphDef has; a field that is not known here is
written by its number, as protobuf's own printer does. Field numbers: tensorflow/core/framework/*.proto.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ckssd.graph import wire
from ckssd.graph.attributes import DataType

INDENT = "  "


@dataclass(frozen=True)
class _Kind:
    """How a field is written: ``kind`` is a scalar's type, or the name of a message in `_MESSAGES`."""

    name: str
    kind: str


def _kinds(text: str) -> dict[int, _Kind]:
    """``1 name string`` and so on, by commas."""
    parts = (each.split() for each in text.split(","))
    return {int(index): _Kind(name, kind) for index, name, kind in parts}


_MESSAGES = {
    "graph": _kinds("1 node node, 2 library library, 3 version int, 4 versions versions"),
    "versions": _kinds("1 producer int, 2 min_consumer int, 3 bad_consumers int"),
    "node": _kinds("1 name string, 2 op string, 3 input string, 4 device string, 5 attr attribute"),
    "attribute": _kinds("1 key string, 2 value value"),
    "value": _kinds(
        "1 list list, 2 s bytes, 3 i int, 4 f float, 5 b bool, 6 type type, 7 shape shape, 8 tensor tensor, "
        "9 placeholder string, 10 func function"
    ),
    "list": _kinds(
        "2 s bytes, 3 i int, 4 f float, 5 b bool, 6 type type, 7 shape shape, 8 tensor tensor, "
        "9 func function"
    ),
    "function": _kinds("1 name string, 2 attr attribute"),
    "shape": _kinds("2 dim dim, 3 unknown_rank bool"),
    "dim": _kinds("1 size int, 2 name string"),
    "tensor": _kinds(
        "1 dtype type, 2 tensor_shape shape, 3 version_number int, 4 tensor_content bytes, "
        "5 float_val float, 6 double_val double, 7 int_val int, 8 string_val bytes, 9 scomplex_val float, "
        "10 int64_val int, 11 bool_val bool, 12 dcomplex_val double, 13 half_val int"
    ),
    "library": {},
}
_ESCAPES = {0x22: '\\"', 0x27: "\\'", 0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}
_CHARACTERS = [
    _ESCAPES.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}") for byte in range(256)
]


def graph_text(data: Iterable[wire.Buffer]) -> Iterator[str]:
    """Give the lines of a GraphDef whose bytes come in pieces that end between fields or anywhere."""
    yield from _message(b"".join(data), "graph", "")


def _message(data: wire.Buffer, kind: str, indent: str) -> Iterator[str]:
    known = _MESSAGES[kind]
    for field in wire.fields(data):
        as_known = known.get(field.number, _Kind(str(field.number), "unknown"))
        if as_known.kind in _MESSAGES:
            yield f"{indent}{as_known.name} {{\n"
            yield from _message(field.message(), as_known.kind, indent + INDENT)
            yield f"{indent}}}\n"
        else:
            for value in _scalars(field, as_known.kind):
                yield f"{indent}{as_known.name}: {value}\n"


def _scalars(field: wire.Field, kind: str) -> list[str]:
    """A field's value; a packed one has several."""
    if kind in ("string", "bytes"):
        return [quoted(field.message())]
    if kind == "unknown":
        return [quoted(field.payload) if field.kind == wire.BYTES else str(_number(field))]
    if kind in ("float", "double"):
        return _floats(field, "<f4" if kind == "float" else "<f8")
    values = wire.varints(field.payload) if field.kind == wire.BYTES else [field.integer()]
    return [_whole(value, kind) for value in values]


def _number(field: wire.Field) -> int:
    if field.kind == wire.VARINT:
        return field.value
    return int(struct.unpack("<I" if field.kind == wire.FIXED32 else "<Q", field.payload)[0])


def _floats(field: wire.Field, packed: str) -> list[str]:
    return [_real(value) for value in np.frombuffer(field.payload, packed)]


def _real(value: np.floating) -> str:
    """The shortest decimal number that is this one."""
    if not np.isfinite(value):
        return "nan" if np.isnan(value) else ("inf" if value > 0 else "-inf")
    return re.sub(r"\.0$", "", str(value))


def _whole(value: int, kind: str) -> str:
    if kind == "bool":
        return "true" if value else "false"
    if kind == "type" and value in DataType.__members__.values():
        return f"DT_{DataType(value).name}"
    return str(value)


def quoted(data: wire.Buffer) -> str:
    """Return bytes as a string of the text format."""
    return '"' + "".join([_CHARACTERS[byte] for byte in bytes(data)]) + '"'

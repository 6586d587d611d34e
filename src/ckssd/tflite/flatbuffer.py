"""FlatBuffers as bytes: just enough to read a TFLite file, to patch it in place and to write a small one.

A table is reached by slot numbers, as in the schema. Reading needs no generated code and no import that costs
half a second; writing lays children behind their parent, because an offset can only point forwards.
Source of the layout: https://flatbuffers.dev/internals/
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Union

BLOB_ALIGNMENT = 16  # TFLite wants the data of a constant at a multiple of 16 bytes


class Malformed(Exception):  # noqa: N818 - never seen outside this room
    """No flatbuffer of the expected shape; callers turn this into an InputError with the file's name."""


@dataclass(frozen=True)
class Table:
    """One table of a flatbuffer: where it starts in ``data``."""

    data: bytes | bytearray
    position: int

    @classmethod
    def root(cls, data: bytes | bytearray) -> Table:
        """The table that the file's first offset points at."""
        return cls(data, _u32(data, 0))

    def field(self, slot: int) -> int | None:
        """Position of the field's value, or None where the table leaves it out."""
        vtable = self.position - _unpack("<i", self.data, self.position)
        entry = 4 + 2 * slot
        if entry >= _unpack("<H", self.data, vtable):
            return None
        offset = _unpack("<H", self.data, vtable + entry)
        return self.position + offset if offset else None

    def number(self, slot: int, kind: str, default: int = 0) -> int:
        """A scalar; ``kind`` is its struct letter, such as ``b`` or ``I``."""
        position = self.field(slot)
        return default if position is None else _unpack("<" + kind, self.data, position)

    def text(self, slot: int) -> str:
        """A string; empty where it is left out."""
        return self.blob(slot).decode("utf-8")

    def blob(self, slot: int) -> bytes:
        """The bytes of a byte vector or string; empty where it is left out."""
        start, length = self.vector(slot)
        if start + length > len(self.data):
            raise Malformed(f"a vector of {length} bytes ends behind the file")
        return bytes(self.data[start : start + length])

    def numbers(self, slot: int, kind: str = "i") -> tuple[int | float, ...]:
        """A vector of numbers; ``kind`` is their struct letter."""
        start, length = self.vector(slot)
        if start + length * struct.calcsize("<" + kind) > len(self.data):
            raise Malformed(f"a vector of {length} numbers ends behind the file")
        return struct.unpack_from(f"<{length}{kind}", self.data, start)

    def integers(self, slot: int, kind: str = "i") -> tuple[int, ...]:
        """The same for integers."""
        return tuple(int(number) for number in self.numbers(slot, kind))

    def table(self, slot: int) -> Table | None:
        """A table; None where it is left out."""
        position = self.field(slot)
        return None if position is None else Table(self.data, position + _u32(self.data, position))

    def tables(self, slot: int) -> list[Table]:
        """A vector of tables."""
        start, length = self.vector(slot)
        if start + 4 * length > len(self.data):
            raise Malformed(f"a vector of {length} tables ends behind the file")
        positions = range(start, start + 4 * length, 4)
        return [Table(self.data, position + _u32(self.data, position)) for position in positions]

    def vector(self, slot: int) -> tuple[int, int]:
        """Position of a vector's first element, and the number of elements; (0, 0) where it is left out."""
        position = self.field(slot)
        if position is None:
            return 0, 0
        start = position + _u32(self.data, position)
        return start + 4, _u32(self.data, start)


def replace_vector(data: bytearray, table: Table, slot: int, elements: bytes, count: int) -> None:
    """Point a vector field at new elements, which are appended to the end of the file."""
    position = table.field(slot)
    if position is None:
        raise Malformed(f"slot {slot} is not there to be replaced")
    data.extend(bytes(-(len(data) + 4) % BLOB_ALIGNMENT))
    struct.pack_into("<I", data, position, len(data) - position)
    data.extend(struct.pack("<I", count) + elements)


def remove_table(data: bytearray, table: Table, slot: int, index: int) -> None:
    """Take one element out of a vector of tables; its bytes stay in the file, nothing points at them."""
    start, length = table.vector(slot)
    for position in range(start + 4 * index, start + 4 * (length - 1), 4):
        following = _u32(data, position + 4)
        struct.pack_into("<I", data, position, following + 4)  # the same target, from 4 bytes earlier
    struct.pack_into("<I", data, start - 4, length - 1)


@dataclass(frozen=True)
class Scalar:
    """A number to be written, with its struct letter."""

    kind: str
    value: int


@dataclass(frozen=True)
class Vector:
    """Numbers to be written as a vector, with their struct letter."""

    kind: str
    values: Sequence[int | float]


NewTable = dict[int, "NewValue"]
NewValue = Union[Scalar, Vector, bytes, str, "list[NewTable]", NewTable]


def write(root: NewTable, identifier: bytes) -> bytes:
    """Serialise a tree of tables (slot to value) into a flatbuffer file."""
    out = bytearray(4 + len(identifier))
    out[4:] = identifier
    _place(out, 0, root)
    return bytes(out)


def _place(out: bytearray, pointer: int, value: NewValue) -> None:
    """Append ``value`` and let the offset at ``pointer`` point at it."""
    if isinstance(value, dict):
        _write_table(out, pointer, value)
    elif isinstance(value, list):
        start = _begin(out, pointer, 4, len(value))
        out.extend(bytes(4 * len(value)))
        for index, element in enumerate(value):
            _place(out, start + 4 * index, element)
    elif isinstance(value, Vector):
        _begin(out, pointer, struct.calcsize("<" + value.kind), len(value.values))
        out.extend(struct.pack(f"<{len(value.values)}{value.kind}", *value.values))
    elif isinstance(value, str):
        encoded = value.encode("utf-8")
        _begin(out, pointer, 4, len(encoded))
        out.extend(encoded + b"\0")
    elif isinstance(value, bytes):
        _begin(out, pointer, BLOB_ALIGNMENT, len(value))
        out.extend(value)
    else:
        raise TypeError(f"{value!r} cannot stand behind an offset")


def _begin(out: bytearray, pointer: int, alignment: int, length: int) -> int:
    """Write a vector's length so that its elements are aligned; return where the elements start."""
    out.extend(bytes(-(len(out) + 4) % max(alignment, 4)))
    struct.pack_into("<I", out, pointer, len(out) - pointer)
    out.extend(struct.pack("<I", length))
    return len(out)


def _write_table(out: bytearray, pointer: int, fields: NewTable) -> None:
    slots = 1 + max(fields, default=-1)
    offsets, size = _inline_layout(fields)
    vtable_size = 4 + 2 * slots
    out.extend(bytes(-(len(out) + vtable_size) % 4))
    vtable = struct.pack(f"<HH{slots}H", vtable_size, size, *(offsets.get(slot, 0) for slot in range(slots)))
    out.extend(vtable)
    position = len(out)
    struct.pack_into("<I", out, pointer, position - pointer)
    out.extend(bytes(size))
    struct.pack_into("<i", out, position, vtable_size)  # the vtable lies right before its table
    for slot, value in fields.items():
        if isinstance(value, Scalar):
            struct.pack_into("<" + value.kind, out, position + offsets[slot], value.value)
        else:
            _place(out, position + offsets[slot], value)


def _inline_layout(fields: NewTable) -> tuple[dict[int, int], int]:
    """Where each field (a scalar of up to 4 bytes, or an offset) lies in its table, and the table's size."""
    offsets: dict[int, int] = {}
    size = 4
    for slot, value in fields.items():
        width = struct.calcsize("<" + value.kind) if isinstance(value, Scalar) else 4
        size += -size % width
        offsets[slot] = size
        size += width
    return offsets, size + -size % 4


def _u32(data: bytes | bytearray, position: int) -> int:
    return _unpack("<I", data, position)


def _unpack(form: str, data: bytes | bytearray, position: int) -> int:
    try:
        (number,) = struct.unpack_from(form, data, position)
    except struct.error as error:
        raise Malformed(f"an offset points to byte {position} of {len(data)}") from error
    return int(number)

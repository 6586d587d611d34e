"""Protocol Buffers' wire format, as far as a GraphDef needs it: fields in, fields out, nothing interpreted.

What is not understood is kept as the bytes it was, so that a graph that was only read is written as it was.
Format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 10
_UINT64 = 1 << 64
_LARGEST_INT64 = (1 << 63) - 1

Buffer = bytes | memoryview


class Malformed(ValueError):  # noqa: N818  (not an error for people: readers of a format turn it into one)
    """These bytes are no message."""


class Truncated(Malformed):
    """A field goes on behind the end of the bytes."""


class Field(NamedTuple):
    """One field of a message; ``raw`` are its bytes with the tag, ``payload`` those of a BYTES field."""

    number: int
    kind: int
    value: int
    payload: memoryview
    raw: memoryview

    def message(self) -> memoryview:
        """The payload of a string, bytes or message field; Malformed for a number."""
        if self.kind != BYTES:
            raise Malformed(f"field {self.number} holds a number, not bytes")
        return self.payload

    def text(self) -> str:
        """The payload as text."""
        return bytes(self.message()).decode("utf-8")  # UnicodeDecodeError is a ValueError, like Malformed

    def integer(self) -> int:
        """The value of a varint field, as a signed 64-bit number."""
        if self.kind != VARINT:
            raise Malformed(f"field {self.number} is no whole number")
        return signed(self.value)

    def float32(self) -> float:
        """The value of a float field."""
        if self.kind != FIXED32:
            raise Malformed(f"field {self.number} is no float")
        return float(struct.unpack("<f", self.payload)[0])


def fields(data: Buffer) -> Iterator[Field]:
    """Take a message apart.

    Raises
    ------
    Truncated, Malformed
        If the bytes end within a field, or are no message at all.
    """
    view = memoryview(data)
    position, end = 0, len(view)
    while position < end:
        start = position
        tag, position = read_varint(view, position)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise Malformed("a field has the number 0")
        value, payload = 0, view[:0]
        if kind == VARINT:
            value, position = read_varint(view, position)
        else:
            if kind == BYTES:
                size, position = read_varint(view, position)
            elif kind in _FIXED_SIZES:
                size = _FIXED_SIZES[kind]
            else:
                raise Malformed(f"field {number} has the unknown wire type {kind}")
            if size > end - position:
                raise Truncated(f"field {number} needs {size} bytes, {end - position} are left")
            payload = view[position : position + size]
            position += size
        yield Field(number, kind, value, payload, view[start:position])


def read_varint(view: memoryview, position: int) -> tuple[int, int]:
    """Return the unsigned number at ``position``, and where it ends."""
    result = 0
    for count in range(_LONGEST_VARINT):
        if position >= len(view):
            raise Truncated("the bytes end within a number")
        byte = view[position]
        position += 1
        result |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return result % _UINT64, position
    raise Malformed("a number of more than ten bytes")


def signed(value: int) -> int:
    """Return an unsigned 64-bit number as the signed one with the same bits."""
    return value - _UINT64 if value > _LARGEST_INT64 else value


def varints(data: Buffer) -> list[int]:
    """Return the signed numbers of a packed repeated field."""
    view, position, values = memoryview(data), 0, []
    while position < len(view):
        value, position = read_varint(view, position)
        values.append(signed(value))
    return values


def varint(value: int) -> bytes:
    """Encode a number; a negative one as 64 bits."""
    rest = value % _UINT64
    encoded = bytearray()
    while rest >= 0x80:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)


def integer_field(number: int, value: int) -> bytes:
    """Encode a varint field."""
    return varint(number << 3 | VARINT) + varint(value)


def bytes_field(number: int, data: Buffer) -> bytes:
    """Encode a string, bytes or message field."""
    return bytes_field_start(number, len(data)) + bytes(data)


def bytes_field_start(number: int, size: int) -> bytes:
    """Encode what stands before the payload of a BYTES field."""
    return varint(number << 3 | BYTES) + varint(size)


def float_field(number: int, value: float) -> bytes:
    """Encode a float field."""
    return varint(number << 3 | FIXED32) + struct.pack("<f", value)

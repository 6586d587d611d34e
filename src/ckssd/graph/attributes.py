"""Values of node attributes: TensorFlow's AttrValue, TensorProto and TensorShapeProto as Python values.

The Python type says which kind of attribute it is: DataType, Shape, NumPy array (a tensor), bool, int, float,
bytes, or a list of these. Field numbers: tensorflow/core/framework/{attr_value,tensor,tensor_shape}.proto.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.graph import wire

Tensor = npt.NDArray[Any]
LARGEST_TENSOR = 2**31


class DataType(enum.IntEnum):
    """TensorFlow's element types, as far as frozen SSD graphs have them."""

    FLOAT = 1
    DOUBLE = 2
    INT32 = 3
    UINT8 = 4
    INT16 = 5
    INT8 = 6
    STRING = 7
    INT64 = 9
    BOOL = 10
    HALF = 19


@dataclass(frozen=True)
class Shape:
    """A tensor's shape; -1 stands for an unknown size, ``dims`` None for an unknown rank."""

    dims: tuple[int, ...] | None

    def __str__(self) -> str:
        """The shape as people write it: [1, ?, 4]."""
        if self.dims is None:
            return "[…]"
        return "[" + ", ".join("?" if size < 0 else str(size) for size in self.dims) + "]"


Value = DataType | Shape | Tensor | bool | int | float | bytes | list[Any]

_NUMPY: dict[DataType, np.dtype[Any]] = {
    DataType.FLOAT: np.dtype("<f4"),
    DataType.DOUBLE: np.dtype("<f8"),
    DataType.INT32: np.dtype("<i4"),
    DataType.UINT8: np.dtype("u1"),
    DataType.INT16: np.dtype("<i2"),
    DataType.INT8: np.dtype("i1"),
    DataType.INT64: np.dtype("<i8"),
    DataType.BOOL: np.dtype("?"),
    DataType.HALF: np.dtype("<f2"),
}
_LIST, _STRING, _INT, _FLOAT, _BOOL, _TYPE, _SHAPE, _TENSOR = 1, 2, 3, 4, 5, 6, 7, 8
# TensorProto's fields of single values: number to the format of a packed float; None: whole numbers.
_VALUE_FIELDS = {5: "<f4", 6: "<f8", 7: None, 10: None, 11: None, 13: None}


def decode(data: wire.Buffer) -> Value | None:
    """Return an AttrValue as a Python value; None for one that is empty or of a kind without a meaning here.

    Raises
    ------
    wire.Malformed, ValueError
        If the bytes are no AttrValue.
    """
    value: Value | None = None
    for field in wire.fields(data):
        if field.number == _LIST:
            value = _decode_list(field.message())
        elif field.number in _DECODERS:
            value = _DECODERS[field.number](field)
    return value


def _decode_list(data: memoryview) -> list[Any]:
    """A list; its numbers may be packed into one field."""
    values: list[Any] = []
    for field in wire.fields(data):
        if field.kind == wire.BYTES and field.number in (_INT, _BOOL, _TYPE):
            numbers = wire.varints(field.payload)
            values += [_decode_number(field.number, number) for number in numbers]
        elif field.kind == wire.BYTES and field.number == _FLOAT:
            values += np.frombuffer(field.payload, "<f4").tolist()
        elif field.number in _DECODERS:
            values.append(_DECODERS[field.number](field))
    return values


def _decode_number(number: int, value: int) -> DataType | bool | int:
    if number == _TYPE:
        return data_type(value)
    return bool(value) if number == _BOOL else value


def data_type(value: int) -> DataType:
    """Return the element type of this number; Malformed for one that no SSD graph has."""
    if value not in DataType.__members__.values():
        raise wire.Malformed(f"unknown element type {value}")
    return DataType(value)


def _decode_shape(data: memoryview) -> Shape:
    sizes: list[int] = []
    for field in wire.fields(data):
        if field.number == 2:
            size = [part.integer() for part in wire.fields(field.message()) if part.number == 1]
            sizes.append(size[-1] if size else 0)
        elif field.number == 3 and field.integer():
            return Shape(None)
    return Shape(tuple(sizes))


def _decode_tensor(data: memoryview) -> Tensor:
    """A TensorProto; missing values repeat the last one, as TensorFlow has it."""
    dtype, shape, content, values = DataType.FLOAT, Shape(()), None, _no_values()
    for field in wire.fields(data):
        if field.number == 1:
            dtype = data_type(field.integer())
        elif field.number == 2:
            shape = _decode_shape(field.message())
        elif field.number == 4:
            content = field.message()
        elif field.number == 8:
            raise wire.Malformed("a tensor of strings has no numbers")
        elif field.number in _VALUE_FIELDS:
            values = np.concatenate([values, _values(field)])
    if dtype not in _NUMPY:
        raise wire.Malformed(f"a tensor of type {dtype.name} has no numbers")
    return _filled(_NUMPY[dtype], shape, content, values, half=dtype is DataType.HALF)


def _no_values() -> Tensor:
    return np.empty(0)


def _values(field: wire.Field) -> Tensor:
    packed = _VALUE_FIELDS[field.number]
    if packed is None:
        numbers = wire.varints(field.payload) if field.kind == wire.BYTES else [field.integer()]
        return np.array(numbers, dtype=np.int64)
    return np.frombuffer(field.payload, packed)


def _filled(
    dtype: np.dtype[Any], shape: Shape, content: memoryview | None, values: Tensor, *, half: bool
) -> Tensor:
    if shape.dims is None or any(size < 0 for size in shape.dims):
        raise wire.Malformed(f"a tensor with the shape {shape}")
    size = 1
    for side in shape.dims:
        size *= side
    if content is not None and len(content) > 0:
        if len(content) != size * dtype.itemsize:
            raise wire.Malformed(f"{len(content)} bytes for a tensor of {size} {dtype.name} values")
        return np.frombuffer(content, dtype).reshape(shape.dims)
    if size > LARGEST_TENSOR or len(values) > size:
        raise wire.Malformed(f"{len(values)} values for a tensor of {size}")
    if half:
        values = values.astype(np.uint16).view(np.float16)
    filled = np.zeros(size, dtype)
    filled[: len(values)] = values
    if len(values):
        filled[len(values) :] = values[-1]
    return filled.reshape(shape.dims)


_DECODERS: dict[int, Callable[[wire.Field], Any]] = {
    _STRING: lambda field: bytes(field.message()),
    _INT: lambda field: field.integer(),
    _FLOAT: lambda field: field.float32(),
    _BOOL: lambda field: bool(field.integer()),
    _TYPE: lambda field: data_type(field.integer()),
    _SHAPE: lambda field: _decode_shape(field.message()),
    _TENSOR: lambda field: _decode_tensor(field.message()),
}


def encode(value: Value | str) -> bytes:
    """Return a Python value as an AttrValue; its type decides the kind.

    Raises
    ------
    TypeError
        If no kind of attribute fits.
    """
    if isinstance(value, list | tuple):
        return wire.bytes_field(_LIST, b"".join(encode(item) for item in value))
    if isinstance(value, DataType):
        return wire.integer_field(_TYPE, value)
    if isinstance(value, bool | np.bool_):
        return wire.integer_field(_BOOL, int(value))
    if isinstance(value, int | np.integer):
        return wire.integer_field(_INT, int(value))
    if isinstance(value, float | np.floating):
        return wire.float_field(_FLOAT, float(value))
    if isinstance(value, str | bytes):
        return wire.bytes_field(_STRING, value.encode() if isinstance(value, str) else value)
    if isinstance(value, Shape):
        return wire.bytes_field(_SHAPE, _encode_shape(value))
    if isinstance(value, np.ndarray):
        return wire.bytes_field(_TENSOR, _encode_tensor(value))
    raise TypeError(f"no attribute can hold a {type(value).__name__}")


def _encode_shape(shape: Shape) -> bytes:
    if shape.dims is None:
        return wire.integer_field(3, 1)
    return b"".join(wire.bytes_field(2, wire.integer_field(1, size)) for size in shape.dims)


def _encode_tensor(array: Tensor) -> bytes:
    kinds = [kind for kind, dtype in _NUMPY.items() if dtype == array.dtype]
    if not kinds:
        raise TypeError(f"no tensor can hold {array.dtype} values")
    shape = _encode_shape(Shape(array.shape))
    return (
        wire.integer_field(1, kinds[0])
        + wire.bytes_field(2, shape)
        + wire.bytes_field(4, np.ascontiguousarray(array).tobytes())
    )


def numpy_type(kind: DataType) -> np.dtype[Any]:
    """Return NumPy's name for an element type; KeyError for one without numbers."""
    return _NUMPY[kind]


def element_type(array: Tensor) -> DataType:
    """Return TensorFlow's name for an array's element type."""
    return next(kind for kind, dtype in _NUMPY.items() if dtype == array.dtype)

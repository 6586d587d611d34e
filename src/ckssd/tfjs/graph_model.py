"""Reads a TensorFlow.js graph model: ``model.json`` and the shards beside it.

The format: https://github.com/tensorflow/tfjs/blob/master/tfjs-core/src/io/types.ts (ModelJSON). All is
checked against itself, because a shard that is short or a weight that is left out would only show as a
worse model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.errors import InputError
from ckssd.json_file import read_object

Array = npt.NDArray[Any]
TYPES = {"float32": np.dtype("<f4"), "int32": np.dtype("<i4"), "bool": np.dtype("?")}


@dataclass(frozen=True)
class Node:
    """One node: its inputs as written (``name``, ``name:1``, ``^name``), its attributes as in JSON."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class GraphModel:
    """The nodes in their order, and the value of every ``Const`` among them by its name."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]


def read_graph_model(path: Path) -> GraphModel:
    """Read ``model.json`` and its shards.

    Raises
    ------
    InputError
        It is no graph model; it contradicts itself; a shard is missing, too long or too short; a weight is
        quantised, of an unknown type, or no number.
    """
    model = read_object(path, "nodes of a TensorFlow.js model")
    nodes = tuple(_nodes(model.get("modelTopology"), path))
    weights = dict(_weights(model.get("weightsManifest"), path))
    constants = {node.name for node in nodes if node.op == "Const"}
    for names, what in (
        (constants - weights.keys(), "a constant of the graph has no weights"),
        (weights.keys() - constants, "weights belong to no constant of the graph"),
    ):
        if names:
            raise InputError(what, where=path, got=_some(names))
    return GraphModel(nodes, weights)


def _nodes(topology: object, path: Path) -> Iterator[Node]:
    listed = topology.get("node") if isinstance(topology, dict) else None
    if not isinstance(listed, list):
        raise InputError(
            "This is no TensorFlow.js graph model", where=path, expected="a list modelTopology.node"
        )
    seen = set()
    for index, entry in enumerate(listed):
        node = _node(entry)
        if node is None or node.name in seen:
            raise InputError(
                "A node of a TensorFlow.js model is malformed or there twice",
                where=f"{path}: modelTopology.node[{index}]",
                expected="name, op, input and attr",
                got=None if node is None else node.name,
            )
        seen.add(node.name)
        yield node


def _node(entry: object) -> Node | None:
    if not isinstance(entry, dict):
        return None
    name, op = entry.get("name"), entry.get("op")
    inputs, attributes = entry.get("input", []), entry.get("attr", {})
    texts = isinstance(inputs, list) and all(isinstance(text, str) for text in [name, op, *inputs])
    if not (texts and isinstance(attributes, dict)):
        return None
    return Node(str(name), str(op), tuple(inputs), attributes)


def _weights(manifest: object, path: Path) -> Iterator[tuple[str, Array]]:
    groups = manifest if isinstance(manifest, list) else None
    if not groups or not all(isinstance(group, dict) for group in groups):
        raise InputError(
            "A TensorFlow.js model names no weights", where=path, expected="a list weightsManifest"
        )
    seen: set[str] = set()
    for index, group in enumerate(groups):
        where = f"{path}: weightsManifest[{index}]"
        for name, array in _group(group, path, where):
            if name in seen:
                raise InputError("Weights are there twice", where=where, got=name)
            seen.add(name)
            yield name, array


def _group(group: Mapping[str, Any], path: Path, where: str) -> Iterator[tuple[str, Array]]:
    paths, listed = group.get("paths"), group.get("weights")
    if not isinstance(paths, list) or not isinstance(listed, list):
        raise InputError("Weights of a TensorFlow.js model are malformed", where=where)
    data = b"".join(_shard(name, path) for name in paths)
    at = 0
    for number, weight in enumerate(listed):
        name, dtype, shape = _described(weight, f"{where}.weights[{number}]")
        end = at + math.prod(shape) * dtype.itemsize
        if end > len(data):
            raise InputError("The shards are too short", where=f"{where}: {name}", got=f"{len(data)} bytes")
        yield name, _array(data[at:end], dtype, shape, f"{where}: {name}")
        at = end
    if at != len(data):
        raise InputError("The shards are too long", where=where, expected=f"{at} bytes", got=len(data))


def _shard(name: object, path: Path) -> bytes:
    inner = PurePosixPath(name) if isinstance(name, str) and "\0" not in name else None
    if inner is None or inner.is_absolute() or ".." in inner.parts:
        raise InputError("A shard of a TensorFlow.js model is not beside it", where=path, got=repr(name))
    try:
        return (path.parent / inner).read_bytes()
    except OSError as error:
        raise InputError(
            "A shard of a TensorFlow.js model cannot be read", where=path.parent / inner, got=error.strerror
        ) from error


def _described(weight: object, where: str) -> tuple[str, np.dtype[Any], tuple[int, ...]]:
    table = weight if isinstance(weight, dict) else {}
    name, kind, shape = table.get("name"), table.get("dtype"), table.get("shape")
    if "quantization" in table:
        raise InputError(
            "Weights are quantised, so the checkpoint's own cannot be had back",
            where=f"{where}: {name}",
            expected="a model converted without quantization",
            got=f"quantization {str(table['quantization'])[:100]}",
        )
    sizes = isinstance(shape, list) and all(
        isinstance(size, int) and not isinstance(size, bool) and size >= 0 for size in shape
    )
    if not isinstance(name, str) or not sizes or not isinstance(kind, str) or kind not in TYPES:
        raise InputError(
            "A weight of a TensorFlow.js model is malformed or of a type that is not read",
            where=where,
            expected=f"name, shape and dtype ({', '.join(TYPES)})",
            got=str(weight)[:100],
        )
    return name, TYPES[kind], tuple(shape or ())


def _array(data: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], where: str) -> Array:
    array = np.frombuffer(data, dtype).reshape(shape)
    if dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError("Weights are no finite numbers", where=where)
    return array


def _some(names: set[str]) -> str:
    shown = sorted(names)[:3]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")

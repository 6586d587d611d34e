"""Reading and writing frozen graphs, and what is said about files that are none."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import InputError
from ckssd.graph import wire
from ckssd.graph.attributes import DataType, Shape, Value, decode, encode
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import check_frozen, parse_graph, read_graph, serialize, write_graph
from ckssd.graph.node import Node, Output


def as_bytes(graph: Graph) -> bytes:
    return b"".join(bytes(part) for part in serialize(graph))


def test_a_graph_that_was_read_is_written_byte_for_byte(shapes_graph: Path, tmp_path: Path) -> None:
    graph = read_graph(shapes_graph)
    write_graph(graph, tmp_path / "again.pb")
    assert (tmp_path / "again.pb").read_bytes() == shapes_graph.read_bytes()
    assert len(graph) == 2599


def test_an_edit_keeps_every_attribute_that_it_does_not_touch(shapes_graph: Path) -> None:
    graph = read_graph(shapes_graph)
    node = graph.node("FeatureExtractor/MobilenetV1/MobilenetV1/Conv2d_0/Conv2D")
    others = {name: bytes(value) for name, value in node.raw_attributes.items() if name != "padding"}
    node.set_attribute("padding", "VALID")
    again = parse_graph(as_bytes(graph), "again")
    edited = again.node(node.name)
    assert edited.attribute("padding") == b"VALID"
    assert {n: bytes(v) for n, v in edited.raw_attributes.items() if n != "padding"} == others
    untouched = [each for each in graph if each.name != node.name]
    assert all(bytes(each.raw or b"") == bytes(again.node(each.name).raw or b"") for each in untouched)


def test_every_node_written_anew_says_the_same(shapes_graph: Path) -> None:
    graph = read_graph(shapes_graph)
    for node in graph:
        node.raw = None
    for node, again in zip(graph, parse_graph(as_bytes(graph), "again"), strict=True):
        assert (node.name, node.op, node.inputs, node.controls) == (
            again.name,
            again.op,
            again.inputs,
            again.controls,
        )
        assert node.raw_attributes == again.raw_attributes
        assert node.other_fields == again.other_fields


def test_unknown_fields_and_the_device_of_an_edited_node_stay() -> None:
    device = wire.bytes_field(4, b"/cpu:0") + wire.bytes_field(6, b"\x0a\x01a")
    data = wire.bytes_field(1, b"a") + wire.bytes_field(2, b"Const") + device
    versions = wire.bytes_field(4, wire.integer_field(1, 1286))
    graph = parse_graph(wire.bytes_field(1, data) + versions, "memory")
    graph.node("a").set_attribute("dtype", DataType.FLOAT)
    again = parse_graph(as_bytes(graph), "memory")
    assert again.node("a").other_fields == device
    assert again.other_fields == versions


def test_more_than_100_megabytes(tmp_path: Path) -> None:
    weights = np.arange(30_000_000, dtype=np.float32)
    graph = Graph([])
    graph.add_constant("weights", weights)
    write_graph(graph, tmp_path / "large.pb")
    assert (tmp_path / "large.pb").stat().st_size > 120_000_000
    found = read_graph(tmp_path / "large.pb").node("weights").constant()
    np.testing.assert_array_equal(found, weights)


@pytest.mark.parametrize(
    "value",
    [
        DataType.INT64,
        Shape((-1, 300, 300, 3)),
        Shape(None),
        Shape(()),
        True,
        -7,
        0.5,
        b"SAME",
        [1, -2, 3],
        [0.5, 0.25],
        [DataType.FLOAT, DataType.BOOL],
        [Shape((1,)), Shape(None)],
        [],
    ],
    ids=str,
)
def test_an_attribute_says_what_it_was_given(value: Value) -> None:
    assert decode(encode(value)) == value


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "u1", "i2", "i1", "i8", "?", "f2"])
def test_a_tensor_keeps_type_shape_and_values(dtype: str) -> None:
    tensor = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
    found = decode(encode(tensor))
    assert isinstance(found, np.ndarray)
    assert found.dtype == tensor.dtype
    np.testing.assert_array_equal(found, tensor)


def tensor_proto(dtype: DataType, sizes: list[int], values: bytes) -> bytes:
    shape = b"".join(wire.bytes_field(2, wire.integer_field(1, size)) for size in sizes)
    return wire.bytes_field(8, wire.integer_field(1, dtype) + wire.bytes_field(2, shape) + values)


def test_a_tensor_of_single_values_repeats_the_last_one() -> None:
    packed = tensor_proto(DataType.INT32, [4], wire.bytes_field(7, wire.varint(5) + wire.varint(-6)))
    found = decode(packed)
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [5, -6, -6, -6]
    one = decode(tensor_proto(DataType.FLOAT, [], wire.float_field(5, 0.25)))
    assert isinstance(one, np.ndarray)
    assert one.shape == ()
    assert one == 0.25


@given(st.binary(max_size=30))
def test_random_bytes_are_an_attribute_or_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode(data)


FILES = {
    "empty": (b"", "empty"),
    "not a graph": (b"\xff" * 60, "no graph"),
    "text": (b'node {\n  name: "a"\n}\n', "text form"),
    "text after comments": (b'# a\n# b\n\nnode {\n  name: "a"\n}\n', "text form"),
    "a manual": ("# Title\n\nSome *words* — é\n".encode(), "no graph: .*got text"),
    "a long manual, cut within a letter": ("é".encode() * 5000, "no graph: .*got text"),
    "page": (b"<!DOCTYPE html><html></html>", "no graph"),
    "TFLite": (b"\x1c\x00\x00\x00TFL3" + bytes(40), "TFLite"),
    "SavedModel": (b"\x08\x01\x12\x04\x0a\x02\x0a\x00", "SavedModel"),
    "other message": (wire.bytes_field(9, b"abc"), "no graph"),
    "no nodes": (wire.bytes_field(4, b""), "no graph"),
    "nameless node": (wire.bytes_field(1, wire.bytes_field(2, b"Const")), "no graph"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_graph_is_said_to_be_what_it_is(kind: str, tmp_path: Path) -> None:
    data, said = FILES[kind]
    path = tmp_path / "file.pb"
    path.write_bytes(data)
    with pytest.raises(InputError, match=said) as caught:
        read_graph(path)
    assert caught.value.where == str(path)


def test_a_truncated_graph(shapes_graph: Path, tmp_path: Path) -> None:
    path = tmp_path / "part.pb"
    path.write_bytes(shapes_graph.read_bytes()[:1_000_000])
    with pytest.raises(InputError, match="truncated"):
        read_graph(path)


def test_a_saved_model_directory_and_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(InputError, match="SavedModel directory") as caught:
        read_graph(tmp_path)
    assert "frozen_inference_graph.pb" in str(caught.value)
    with pytest.raises(InputError, match="cannot be read"):
        read_graph(tmp_path / "nothing.pb")


def test_variables_left_in_a_graph_are_named(tiny: Graph) -> None:
    check_frozen(tiny)
    tiny.add("VariableV2", "weights")
    with pytest.raises(InputError, match="not frozen") as caught:
        check_frozen(tiny)
    assert "weights" in str(caught.value)


def test_two_nodes_of_one_name() -> None:
    with pytest.raises(InputError, match="same name"):
        Graph([Node("a", "Const"), Node("a", "Const")])


def test_ports_and_control_edges_are_read() -> None:
    node = wire.bytes_field(1, b"b") + wire.bytes_field(2, b"Add")
    node += b"".join(wire.bytes_field(3, text) for text in (b"a", b"a:1", b"^c"))
    graph = parse_graph(wire.bytes_field(1, node), "memory")
    assert graph.node("b").inputs == [Output("a"), Output("a", 1)]
    assert graph.node("b").controls == ["c"]

"""Random mutations of a valid graph and configuration: one clear error or a whole IR, never anything else.

`CKSSD_MUTATIONS=10000 pytest tests/graph/test_mutations.py` runs more of them than the default.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckssd.errors import CkssdError
from ckssd.graph.attributes import DataType, Shape
from ckssd.graph.configuration import SHIPPED
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import serialize
from ckssd.graph.mo import convert
from ckssd.graph.node import Output
from ckssd.graph.options import Options
from tests.graph.tiny_ssd import tiny_ssd

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("CKSSD_MUTATIONS", "120"))
MUTATIONS = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
NAMES = [node.name for node in tiny_ssd()]
OPS = sorted({node.op for node in tiny_ssd()} | {"Softmax", "VariableV2", "NoSuchOperation"})
CONFIGURATION = (SHIPPED / "ssd_support_cast_1.json").read_text()
nodes = st.sampled_from(NAMES)
Mutation = Callable[[Graph], None]


def remove(name: str) -> Mutation:
    return lambda graph: graph.remove([name])


def retype(name: str, op: str) -> Mutation:
    def mutate(graph: Graph) -> None:
        if name in graph:
            graph.node(name).op = op
            graph.node(name).raw = None

    return mutate


def rewire(name: str, port: int, source: str, output: int) -> Mutation:
    def mutate(graph: Graph) -> None:
        if name in graph:
            graph.connect(Output(source, output), graph.node(name), port)

    return mutate


def wait(name: str, control: str) -> Mutation:
    def mutate(graph: Graph) -> None:
        if name in graph:
            graph.add_control(control, then=name)

    return mutate


def give(name: str, attribute: str, value: Any) -> Mutation:
    def mutate(graph: Graph) -> None:
        if name in graph:
            graph.node(name).set_attribute(attribute, value)

    return mutate


def garble(name: str, attribute: str, data: bytes) -> Mutation:
    def mutate(graph: Graph) -> None:
        if name in graph:
            graph.node(name).raw_attributes[attribute] = data

    return mutate


ATTRIBUTES = st.sampled_from(["T", "value", "dtype", "shape", "num", "axis", "N", "strides", "padding"])
VALUES = st.one_of(
    st.sampled_from(list(DataType)),
    st.integers(-3, 9),
    st.booleans(),
    st.binary(max_size=4),
    st.lists(st.integers(-1, 3), max_size=4).map(lambda sizes: Shape(tuple(sizes))),
    st.lists(st.integers(-2, 4), max_size=4),
)
GRAPH_MUTATIONS = st.lists(
    st.one_of(
        st.builds(remove, nodes),
        st.builds(retype, nodes, st.sampled_from(OPS)),
        st.builds(rewire, nodes, st.integers(0, 3), st.one_of(nodes, st.just("nobody")), st.integers(0, 2)),
        st.builds(wait, nodes, nodes),
        st.builds(give, nodes, ATTRIBUTES, VALUES),
        st.builds(garble, nodes, ATTRIBUTES, st.binary(max_size=6)),
    ),
    min_size=1,
    max_size=3,
)


def a_whole_ir_or_one_error(graph: bytes, configuration: str | bytes | None = None) -> None:
    """Convert; whatever happens, the folder holds a whole IR, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "graph.pb", Path(folder) / "ir"
        source.write_bytes(graph)
        choice = "auto"
        if configuration is not None:
            path = Path(folder) / "configuration.json"
            data = configuration if isinstance(configuration, bytes) else configuration.encode()
            path.write_bytes(data)
            choice = str(path)
        expected = ["graph.bin", "graph.xml"]
        try:
            convert(Options(source, choice, output_dir=target))
        except CkssdError:
            expected = []
        found = sorted(path.name for path in target.iterdir()) if target.exists() else []
        assert found == expected


@MUTATIONS
@given(GRAPH_MUTATIONS)
def test_an_edited_graph(mutations: list[Mutation]) -> None:
    graph = tiny_ssd()
    for mutate in mutations:
        mutate(graph)
    try:
        data = b"".join(bytes(part) for part in serialize(graph))
    except CkssdError:
        return  # a port in between was left unconnected: there is no such file
    a_whole_ir_or_one_error(data)


BYTES = b"".join(bytes(part) for part in serialize(tiny_ssd()))


@MUTATIONS
@given(
    st.integers(0, len(BYTES) - 1),
    st.integers(0, 6),
    st.binary(max_size=6),
)
def test_changed_bytes(start: int, removed: int, added: bytes) -> None:
    a_whole_ir_or_one_error(BYTES[:start] + added + BYTES[start + removed :])


@settings(MUTATIONS, max_examples=max(20, EXAMPLES // 4))
@given(st.integers(0, len(BYTES) - 1))
def test_a_truncated_graph(end: int) -> None:
    a_whole_ir_or_one_error(BYTES[:end])


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 300), st.floats(allow_nan=True), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in a JSON document."""
    found = [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        found += places(each, (*path, key))
    return found


PLACES = [path for path in places(json.loads(CONFIGURATION)) if path]


@MUTATIONS
@given(
    st.sampled_from(PLACES),
    st.one_of(st.just("remove"), JSON, nodes, st.sampled_from(["(", ".*", "x*", "map"])),
)
def test_an_edited_configuration(path: tuple[Any, ...], value: Any) -> None:
    content = json.loads(CONFIGURATION)
    holder = content
    for key in path[:-1]:
        holder = holder[key]
    if value == "remove":
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    a_whole_ir_or_one_error(BYTES, json.dumps(content))


@MUTATIONS
@given(st.integers(0, len(CONFIGURATION) - 1), st.integers(0, 5), st.binary(max_size=5))
def test_changed_bytes_of_a_configuration(start: int, removed: int, added: bytes) -> None:
    data = CONFIGURATION.encode()
    a_whole_ir_or_one_error(BYTES, data[:start] + added + data[start + removed :])

"""Random mutations of a valid graph: one clear error, or a sound graph for TFLite, never anything else.

`CKSSD_MUTATIONS=2000 pytest tests/graph/tflite/test_mutations.py` runs more of them than the default.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import CkssdError
from ckssd.graph.graphdef import read_graph, serialize
from ckssd.tflite.from_frozen import export_frozen
from tests.graph.test_mutations import BYTES, GRAPH_MUTATIONS, MUTATIONS, Mutation
from tests.graph.tiny_ssd import tiny_ssd

pytestmark = pytest.mark.slow

KINDS = st.sampled_from(["regular", "fast", "none"])


def a_whole_graph_or_one_error(data: bytes, nms: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "frozen.pb", Path(folder) / "out"
        source.write_bytes(data)
        expected = ["tflite_graph.pb", "tflite_graph.pbtxt"]
        try:
            export_frozen(source, target, nms=nms)
        except CkssdError:
            expected = []
        else:
            read_graph(target / "tflite_graph.pb").check("reading")
            expected = ["flatanchors.txt"] * (nms == "none") + expected
        assert sorted(path.name for path in target.glob("*")) == expected


@MUTATIONS
@given(GRAPH_MUTATIONS, KINDS)
def test_an_edited_graph(mutations: list[Mutation], nms: str) -> None:
    graph = tiny_ssd()
    for mutate in mutations:
        mutate(graph)
    try:
        data = b"".join(bytes(part) for part in serialize(graph))
    except CkssdError:
        return  # a port in between was left unconnected: there is no such file
    a_whole_graph_or_one_error(data, nms)


@MUTATIONS
@given(st.integers(0, len(BYTES) - 1), st.integers(0, 6), st.binary(max_size=6), KINDS)
def test_changed_bytes(start: int, removed: int, added: bytes, nms: str) -> None:
    a_whole_graph_or_one_error(BYTES[:start] + added + BYTES[start + removed :], nms)

"""Graphs that normalise images before they resize them become those that do it afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ckssd.detect.openvino import read_ir
from ckssd.graph.foreign.normalised import normalise_last
from ckssd.graph.graph import Graph
from ckssd.graph.node import Output
from tests.graph.test_mo import converted, pixels, run
from tests.graph.tiny_ssd import keep_aspect, tiny_ssd

LOOP = "Preprocessor/map"
SCATTER = f"{LOOP}/TensorArrayUnstack/TensorArrayScatter/TensorArrayScatterV3"
GATHER = f"{LOOP}/TensorArrayStack/TensorArrayGatherV3"


def normalised_first(graph: Graph) -> Graph:
    """The tiny SSD as the API of 2022 exports it: scaling and subtraction stand before the loop."""
    graph.connect(Output("Cast"), graph.node("Preprocessor/mul"), 1)
    for reader, port in list(graph.readers(Output("Preprocessor/sub"))):
        graph.connect(Output(GATHER), reader, port)
    for name, port in ((f"{LOOP}/Shape", 0), (f"{LOOP}/TensorArrayUnstack/Shape", 0), (SCATTER, 2)):
        graph.connect(Output("Preprocessor/sub"), graph.node(name), port)
    return graph


def test_its_ir_is_that_of_the_other_order(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("before", "after")]
    for place in places:
        place.mkdir()
    before = converted(normalised_first(tiny_ssd()), places[0])
    after = converted(tiny_ssd(), places[1])
    assert any("normalised after they are resized" in note for note in before.data["notes"])
    np.testing.assert_allclose(run(before, pixels()), run(after, pixels()), atol=1e-6)


def test_what_it_pads_with_becomes_a_grey_level(tmp_path: Path) -> None:
    graph = tiny_ssd()
    keep_aspect(graph, pad=(0.0, -1.0, 1.0))
    done = converted(normalised_first(graph), tmp_path)
    aspect = read_ir(Path(done.data["xml"])).input.aspect
    assert aspect is not None
    assert aspect.pad == pytest.approx((127.5, 0, 255), abs=1e-3)


def test_the_usual_order_stays(tmp_path: Path) -> None:
    graph = tiny_ssd()
    assert not normalise_last(graph)
    graph.check("nothing")

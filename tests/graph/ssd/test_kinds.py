"""Which kind of graph a file is, for who needs one for TFLite's converter."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ckssd.errors import InputError
from ckssd.graph.graph import Graph
from ckssd.graph.ssd.kinds import FOR_TFLITE, check_for_tflite
from tests.graph.tiny_ssd import tiny_ssd


def graph_of(*names: str) -> Graph:
    graph = Graph([], source="some.pb")
    for name in names:
        graph.add("Identity", name, ())
    return graph


def test_what_the_converter_begins_and_ends_with_is_enough() -> None:
    check_for_tflite(graph_of(*FOR_TFLITE))


OTHERS: dict[str, tuple[Callable[[], Graph], str]] = {
    "a frozen graph": (tiny_ssd, "as TensorFlow runs it.*ckssd export --frozen_graph"),
    "two stages": (lambda: graph_of("FirstStageBoxPredictor/x"), "two stages"),
    "TensorFlow 2": (lambda: graph_of("StatefulPartitionedCall/x"), "of no SSD"),
    "no anchors": (lambda: graph_of(*FOR_TFLITE[:3]), "no graph for TFLite: .*got no node anchors"),
    "anything else": (lambda: graph_of("x"), "no graph for TFLite"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_another_graph_is_said_to_be_what_it_is(case: str) -> None:
    make, said = OTHERS[case]
    with pytest.raises(InputError, match=said) as caught:
        check_for_tflite(make())
    assert "tflite_graph.pb" in str(caught.value.expected)

"""The text format; TensorFlow reads a real one back in tests/tflite/test_export_convert_real.py."""

from __future__ import annotations

import numpy as np
import pytest

from ckssd.graph import wire
from ckssd.graph.attributes import DataType, Shape
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import serialize
from ckssd.graph.text import graph_text, quoted


def text_of(graph: Graph) -> str:
    return "".join(graph_text(serialize(graph)))


def test_every_kind_of_attribute() -> None:
    graph = Graph([], wire.bytes_field(4, wire.integer_field(1, 27)))
    node = graph.add("Const", "a")
    node.controls.append("b")
    for name, value in {
        "type": DataType.FLOAT,
        "types": [DataType.INT32, DataType.FLOAT],
        "shape": Shape((1, -1)),
        "number": -3,
        "real": 0.1,
        "switch": False,
        "text": b"\x00\n\"'\\\xff a",
        "value": np.array([1, 2], np.uint8),
    }.items():
        node.set_attribute(name, value)
    body = "".join(
        f'  attr {{\n    key: "{key}"\n    value {{\n{value}    }}\n  }}\n'
        for key, value in {
            "type": "      type: DT_FLOAT\n",
            "types": "      list {\n        type: DT_INT32\n        type: DT_FLOAT\n      }\n",
            "shape": "      shape {\n        dim {\n          size: 1\n        }\n"
            "        dim {\n          size: -1\n        }\n      }\n",
            "number": "      i: -3\n",
            "real": "      f: 0.1\n",
            "switch": "      b: false\n",
            "text": '      s: "\\000\\n\\"\\\'\\\\\\377 a"\n',
            "value": "      tensor {\n        dtype: DT_UINT8\n        tensor_shape {\n          dim {\n"
            '            size: 2\n          }\n        }\n        tensor_content: "\\001\\002"\n      }\n',
        }.items()
    )
    assert text_of(graph) == (
        f'node {{\n  name: "a"\n  op: "Const"\n  input: "^b"\n{body}}}\nversions {{\n  producer: 27\n}}\n'
    )


def test_an_unknown_field_has_its_number() -> None:
    graph = Graph([], wire.integer_field(77, 5))
    assert text_of(graph) == "77: 5\n"


@pytest.mark.parametrize("value", [1e-8, 1e30, 0.3, 10.0, float("inf")])
def test_a_real_number_is_the_shortest_that_is_the_same(value: float) -> None:
    graph = Graph([])
    graph.add("Const", "a").set_attribute("f", value)
    written = text_of(graph).partition("f: ")[2].split()[0]
    assert np.float32(written) == np.float32(value)
    assert len(written) <= 6


def test_all_bytes_are_quoted() -> None:
    text = quoted(bytes(range(256)))
    assert text.isascii()
    assert text.isprintable()

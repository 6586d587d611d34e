"""Graph models are read to the last byte, and whatever contradicts itself is an error that says what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import CkssdError, InputError
from ckssd.tfjs import read_graph_model, variables_of
from tests.tfjs.tiny_model import BOX, CONV, tiny_ssd


def test_nodes_and_weights_come_as_they_were_written(tmp_path: Path) -> None:
    made = tiny_ssd()
    model = read_graph_model(made.write(tmp_path))
    assert [(node.op, node.name, list(node.inputs)) for node in model.nodes] == [
        (node["op"], node["name"], node["input"]) for node in made.nodes
    ]
    assert model.constants.keys() == made.values.keys()
    for name, value in made.values.items():
        assert model.constants[name].dtype == value.dtype
        np.testing.assert_array_equal(model.constants[name], value)


def weight(content: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (w for w in content["weightsManifest"][0]["weights"] if w["name"] == name)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("modelTopology"), "no TensorFlow.js graph model"),
        (lambda c: c.update(modelTopology={"model_config": {}}), "no TensorFlow.js graph model"),
        (lambda c: c.pop("weightsManifest"), "names no weights"),
        (lambda c: c["weightsManifest"][0].pop("paths"), "malformed"),
        (lambda c: c["weightsManifest"][0]["paths"].pop(), "too short"),
        (lambda c: c["weightsManifest"][0]["paths"].append("shard1of2"), "too long"),
        (lambda c: c["weightsManifest"][0]["paths"].append("../shard1of2"), "not beside it"),
        (lambda c: c["weightsManifest"][0]["paths"].append("shard3of2"), r"cannot be read.*shard3of2"),
        (lambda c: weight(c, f"{BOX}/biases").update(name="x"), "has no weights"),
        (lambda c: c["weightsManifest"][0]["weights"].pop(), "too long"),
        (lambda c: c["modelTopology"]["node"].pop(1), "belong to no constant"),
        (lambda c: c["modelTopology"]["node"].append(c["modelTopology"]["node"][0]), "there twice"),
        (lambda c: c["weightsManifest"].append(c["weightsManifest"][0]), "there twice"),
        (lambda c: weight(c, f"{BOX}/biases").update(quantization={"dtype": "uint8"}), "are quantised"),
        (lambda c: weight(c, f"{BOX}/biases").update(dtype="complex64"), "type that is not read"),
        (lambda c: weight(c, f"{BOX}/biases").update(shape=[-8]), "malformed"),
        (lambda c: weight(c, f"{BOX}/biases").update(shape=[9]), "too short"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    made = tiny_ssd()
    content = json.loads(json.dumps(made.as_json()))
    change(content)
    with pytest.raises(InputError, match=message) as caught:
        read_graph_model(made.write(tmp_path, content))
    assert "model.json" in str(caught.value) or "shard" in str(caught.value)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    made = tiny_ssd()
    made.values[f"{CONV}/Conv2D/merged_input"][0, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match=rf"no finite numbers.*{CONV}"):
        read_graph_model(made.write(tmp_path))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: object) -> list[tuple[Any, ...]]:
    items = (
        [*value.items()]
        if isinstance(value, dict)
        else [*enumerate(value)]
        if isinstance(value, list)
        else []
    )
    return [(key, *rest) for key, inner in items for rest in [(), *places(inner)]]


PLACES = places(tiny_ssd().as_json())


@given(st.sampled_from(PLACES), JSON)
def test_any_value_at_any_place_gives_a_model_or_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[Any, ...], value: object
) -> None:
    made = tiny_ssd()
    content = json.loads(json.dumps(made.as_json()))
    inner: Any = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path = made.write(tmp_path_factory.mktemp("tfjs", numbered=True), content)
    try:
        variables = variables_of(read_graph_model(path))
    except CkssdError:
        return
    assert variables.keys() == variables_of(read_graph_model(made.write(path.parent))).keys()

"""The variables of a folded model give the same numbers, and a model that is no SSD's gives none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckssd.errors import InputError
from ckssd.tfjs import BATCH_NORM_EPSILON, read_graph_model, variables_of
from tests.tfjs.tiny_model import BOX, BOX_DEPTHWISE, CONV, DEPTHWISE, PROJECT, TinyModel, numbers, tiny_ssd

PARTS = ("gamma", "beta", "moving_mean", "moving_variance")


def unfolded(folder: Path, made: TinyModel) -> dict[str, Any]:
    return variables_of(read_graph_model(made.write(folder)))


def normalised(variables: dict[str, Any], scope: str, x: Any) -> Any:
    """A batch normalisation as TensorFlow computes it, in float32."""
    gamma, beta, mean, variance = (variables[f"{scope}/BatchNorm/{part}"] for part in PARTS)
    return (x - mean) * (gamma / np.sqrt(variance + np.float32(BATCH_NORM_EPSILON))) + beta


def test_every_variable_of_the_checkpoint_is_there_and_no_other(tmp_path: Path) -> None:
    expected = {f"{scope}/weights" for scope in (CONV, PROJECT, BOX)} | {f"{BOX}/biases"}
    expected |= {f"{scope}/depthwise_weights" for scope in (DEPTHWISE, BOX_DEPTHWISE)}
    for scope in (CONV, DEPTHWISE, PROJECT, BOX_DEPTHWISE):
        expected |= {f"{scope}/BatchNorm/{part}" for part in PARTS}
    variables = unfolded(tmp_path, tiny_ssd())
    assert variables.keys() == expected
    assert all(value.dtype == np.float32 for value in variables.values())


def test_an_undone_normalisation_gives_the_same_numbers_bit_for_bit(tmp_path: Path) -> None:
    made = tiny_ssd()
    variables, x = unfolded(tmp_path, made), numbers(5, 4, seed=9)
    for scope in (CONV, PROJECT):
        summand = made.values[f"{scope}/BatchNorm/batchnorm/sub"]
        np.testing.assert_array_equal(normalised(variables, scope, x), x + summand)
    factor = made.values[f"{DEPTHWISE}/BatchNorm/batchnorm/mul"]
    summand = made.values[f"{DEPTHWISE}/BatchNorm/batchnorm/sub"]
    np.testing.assert_array_equal(normalised(variables, DEPTHWISE, x), x * factor + summand)


def test_weights_biases_and_what_was_never_folded_stay_as_they_are(tmp_path: Path) -> None:
    made = tiny_ssd()
    variables = unfolded(tmp_path, made)
    kept = [f"{BOX}/weights", f"{BOX}/biases", f"{DEPTHWISE}/depthwise_weights"]
    for name in [*kept, *(f"{BOX_DEPTHWISE}/BatchNorm/{part}" for part in PARTS)]:
        np.testing.assert_array_equal(variables[name], made.values[name])
    merged = made.values[f"{CONV}/Conv2D/merged_input"]
    np.testing.assert_array_equal(variables[f"{CONV}/weights"], merged)


def rename(made: TinyModel, old: str, new: str) -> None:
    made.values[new] = made.values.pop(old)
    for node in made.nodes:
        node["name"] = new if node["name"] == old else node["name"]
        node["input"] = [new if name == old else name for name in node["input"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.node(f"{CONV}/a").update(op="Sub"), r"not where an SSD has it.*expected Add"),
        (lambda m: m.node(f"{BOX}/b").update(op="Add"), "expected BiasAdd"),
        (lambda m: m.node(f"{DEPTHWISE}/m").update(op="Sub"), "expected a batch normalisation"),
        (lambda m: m.node(f"{BOX_DEPTHWISE}/n")["attr"].update(epsilon={"f": 0.01}), "another epsilon"),
        (lambda m: m.node(f"{BOX_DEPTHWISE}/n")["attr"].clear(), "another epsilon"),
        (lambda m: m.node(f"{CONV}/a")["input"].pop(), "expected an input"),
        (lambda m: m.add("Relu6", "second", f"{CONV}/c"), "not one user"),
        (lambda m: m.const("FeatureExtractor/left", numbers(4)), "not that of an SSD.*FeatureExtractor/left"),
        (lambda m: rename(m, f"{BOX}/weights", f"{BOX}/kernel"), "expected weights called"),
        (lambda m: rename(m, f"{BOX}/weights", "Other/weights"), "expected weights called"),
        (lambda m: m.values.update({f"{BOX}/biases": numbers(7)}), r"another shape.*\(8,\).*\(7,\)"),
        (lambda m: m.values.update({f"{BOX}/weights": numbers(4, 8)}), "another rank"),
        (
            lambda m: m.values.update({f"{BOX}/biases": np.ones(8, np.int32)}),
            r"expected float32 numbers in .*biases",
        ),
    ],
)
def test_what_an_ssd_has_not_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    made = tiny_ssd()
    change(made)
    with pytest.raises(InputError, match=message):
        unfolded(tmp_path, made)


def test_a_model_without_convolutions_is_refused(tmp_path: Path) -> None:
    made = TinyModel()
    made.add("Relu", "r", made.const("c", numbers(4)))
    with pytest.raises(InputError, match="no convolution"):
        unfolded(tmp_path, made)

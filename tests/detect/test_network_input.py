"""Grey levels become what a network is fed."""

from __future__ import annotations

import numpy as np
import pytest

from ckssd.detect.network_input import NetworkInput, normalised


def levels(*values: float, dtype: type = np.uint8) -> np.ndarray:
    return np.array([[values]], dtype)


def test_normalising_maps_black_to_minus_one_and_white_to_one() -> None:
    values = normalised(1, 1).feed(levels(0, 255, 51))
    assert values.shape == (1, 1, 1, 3)
    assert values.dtype == np.float32
    assert values.ravel() == pytest.approx([-1, 1, -0.6], abs=1e-6)
    assert normalised(1, 1).describe() == "[-1, 1]"


def test_a_float_network_may_be_fed_grey_levels() -> None:
    network = NetworkInput(1, 1)
    assert network.feed(levels(0, 255, 51)).ravel().tolist() == [0, 255, 51]
    assert network.describe() == "none (0 to 255)"


def test_a_uint8_network_gets_rounded_levels() -> None:
    network = NetworkInput(1, 1, "uint8")
    assert network.feed(levels(0.2, 254.9, 51.6, dtype=np.float32)).ravel().tolist() == [0, 255, 52]
    assert network.feed(levels(0, 255, 51)).ravel().tolist() == [0, 255, 51]
    assert network.describe() == "none (uint8 input)"


def test_a_quantised_network_gets_the_nearest_step_within_its_range() -> None:
    network = NetworkInput(1, 1, "int8", 1.0, -128.0)
    assert network.feed(levels(0, 255, 128)).ravel().tolist() == [-128, 127, 0]
    steeper = NetworkInput(1, 1, "int8", 2.0, -128.0)
    assert steeper.feed(levels(0, 255, 128)).ravel().tolist() == [-128, 127, 127]
    assert network.feed(levels(0, 255, 128)).dtype == np.int8
    assert network.describe() == "none (int8 input: grey levels less 128)"

"""Another image size than the graph's: the anchors of the graph, put on the grids of the other size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from openvino import opset8

from ckssd.errors import InputError
from ckssd.graph.node import Output
from ckssd.graph.ssd.anchors import Grid, anchors_for_size

Size = tuple[int, int]


@dataclass(frozen=True)
class NativePriors:
    """Anchors and variances [2, P, 4] of a DetectionOutput at the graph's own size, and their grids."""

    priors: npt.NDArray[np.float32]
    grids: tuple[Grid, ...]
    size: Size

    def for_size(self, locations: Any, size: Size) -> Any:
        """Return priors as a constant [1, 2, P*4] for another size.

        Parameters
        ----------
        locations
            The tensor of locations in the network of that size; its feature maps tell the grids.
        size
            Height and width of that size.

        Raises
        ------
        InputError
            If the anchors do not lie on grids.
        """
        anchors = anchors_for_size(self.priors[0], self.grids, grids_of(locations), self.size, size)
        variances = np.broadcast_to(self.priors[1][:1], anchors.shape)
        return opset8.constant(np.stack([anchors, variances]).reshape(1, 2, -1).astype(np.float32)).output(0)


def native_priors(operation: Any, size: Size, name: Output | str) -> NativePriors:
    """Return the priors of a converted DetectionOutput.

    Raises
    ------
    InputError
        If they are not constant, or there are no feature maps behind the locations.
    """
    constant = operation.input_value(2).get_node()
    if constant.get_type_name() != "Constant":
        raise InputError("The anchors depend on the image", where=name, expected="constants")
    priors = np.asarray(constant.get_data().reshape(2, -1, 4), np.float32)
    return NativePriors(priors, tuple(grids_of(operation.input_value(0))), size)


def grids_of(locations: Any) -> list[Grid]:
    """Return the grids of the feature maps behind a tensor of locations, as they are concatenated."""
    concat = _first_of_type(locations.get_node(), ("Concat",))
    found = []
    for source in concat.input_values():
        convolution = _first_of_type(source.get_node(), ("Convolution", "GroupConvolution"))
        _, _, height, width = convolution.output(0).get_shape()
        values = int(np.prod(source.get_shape()[1:]))
        found.append(Grid(height, width, values // (4 * height * width)))
    return found


def _first_of_type(node: Any, types: Sequence[str]) -> Any:
    """Follow the first inputs up to an operation of one of these types."""
    while node.get_type_name() not in types:
        if node.get_input_size() == 0:
            raise InputError(
                "The feature maps are not where they are in an SSD",
                where=node.get_friendly_name(),
                expected=" or ".join(types),
                got=node.get_type_name(),
            )
        node = node.input_value(0).get_node()
    return node

"""The variables of the checkpoint that a TensorFlow.js graph model of an SSD was made from.

The converter's optimiser multiplied a normalisation's scale into the weights of a convolution before it
(``Conv2D/merged_input``), or left it as one factor after a depthwise convolution (``batchnorm/mul``), and
kept one summand (``batchnorm/sub``). A normalisation with gamma = that factor (1 where it is in the
weights), beta = the summand, mean 0 and variance 1 - epsilon gives the same numbers. Every weight has to be
explained in that way.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from ckssd.errors import InputError
from ckssd.tfjs.graph_model import Array, GraphModel, Node

# Of slim's batch normalisation in the Object Detection API's SSDs.
BATCH_NORM_EPSILON = 0.001
MERGED, WEIGHTS, DEPTHWISE = "/Conv2D/merged_input", "/weights", "/depthwise_weights"
FACTOR, SUMMAND = "/BatchNorm/batchnorm/mul", "/BatchNorm/batchnorm/sub"
NORMALISATION = ("gamma", "beta", "moving_mean", "moving_variance")
SCOPES = ("FeatureExtractor/", "BoxPredictor_")


def variables_of(model: GraphModel) -> dict[str, Array]:
    """Return name and value (float32) of every variable.

    Raises
    ------
    InputError
        A convolution is not followed by what a converted SSD has there, a shape does not fit, or a weight of
        the network is left over.
    """
    return _Unfolding(model).run()


class _Unfolding:
    """Walks over the convolutions; ``_explained`` are the constants that became part of a variable."""

    def __init__(self, model: GraphModel) -> None:
        self._model = model
        self._explained: set[str] = set()
        self._variables: dict[str, Array] = {}
        self._users: dict[str, list[Node]] = defaultdict(list)
        for node in model.nodes:
            for name in node.inputs:
                self._users[name].append(node)

    def run(self) -> dict[str, Array]:
        for node in self._model.nodes:
            if node.op == "Conv2D":
                self._convolution(node)
            elif node.op == "DepthwiseConv2dNative":
                self._depthwise(node)
        left = {name for name in self._model.constants if name.startswith(SCOPES)} - self._explained
        left = {name for name in left if self._model.constants[name].dtype.kind == "f"}
        if left:
            raise InputError("A weight of the model is not that of an SSD", got=sorted(left)[0])
        if not self._variables:
            raise InputError("The model has no convolution")
        return self._variables

    def _convolution(self, node: Node) -> None:
        name, weights = self._weights(node, (MERGED, WEIGHTS))
        channels = weights.shape[-1]
        if name.endswith(MERGED):
            scope = name.removesuffix(MERGED)
            self._keep(f"{scope}/weights", weights)
            one = np.ones(channels, np.float32)
            self._normalised(scope, one, self._added(node, "Add", f"{scope}{SUMMAND}", channels))
        else:
            scope = name.removesuffix(WEIGHTS)
            self._keep(name, weights)
            self._keep(f"{scope}/biases", self._added(node, "BiasAdd", f"{scope}/biases", channels))

    def _depthwise(self, node: Node) -> None:
        name, weights = self._weights(node, (DEPTHWISE,))
        scope, channels = name.removesuffix(DEPTHWISE), math.prod(weights.shape[2:])
        self._keep(name, weights)
        user = self._user(node)
        if user.op == "Mul":
            factor = self._constant(user, f"{scope}{FACTOR}", (channels,))
            self._normalised(scope, factor, self._added(user, "Add", f"{scope}{SUMMAND}", channels))
        else:
            self._unfolded(user, scope, channels)

    def _unfolded(self, node: Node, scope: str, channels: int) -> None:
        """A normalisation that is still one, with its four variables."""
        if not node.op.startswith("FusedBatchNorm"):
            raise self._unexpected(node, "a batch normalisation")
        epsilon = node.attributes.get("epsilon")
        value = epsilon.get("f") if isinstance(epsilon, dict) else None
        if not isinstance(value, (int, float)) or not math.isclose(value, BATCH_NORM_EPSILON, rel_tol=1e-6):
            raise InputError(
                "A batch normalisation has another epsilon",
                where=node.name,
                expected=BATCH_NORM_EPSILON,
                got=value,
            )
        for part in NORMALISATION:
            name = f"{scope}/BatchNorm/{part}"
            self._keep(name, self._constant(node, name, (channels,)))

    def _normalised(self, scope: str, gamma: Array, beta: Array) -> None:
        one = np.ones_like(beta)
        values = (gamma, beta, np.zeros_like(beta), one - np.float32(BATCH_NORM_EPSILON))
        for part, value in zip(NORMALISATION, values):
            self._keep(f"{scope}/BatchNorm/{part}", value)

    def _weights(self, node: Node, ends: tuple[str, ...]) -> tuple[str, Array]:
        name = node.inputs[1] if len(node.inputs) == 2 else ""
        if not name.startswith(SCOPES) or not name.endswith(ends):
            raise self._unexpected(node, f"weights called …{' or …'.join(ends)}")
        value = self._take(node, name)
        if value.ndim != 4:
            raise InputError("Weights of a convolution have another rank", where=name, got=value.shape)
        return name, value

    def _added(self, node: Node, op: str, name: str, channels: int) -> Array:
        """What the node's one user, of kind ``op``, adds to its result (a block's input may come between)."""
        user = self._user(node)
        if user.op == "AddN" and len(user.inputs) == 2:
            user = self._user(user)  # the optimiser adds the block's input to the convolution first
        if user.op != op:
            raise self._unexpected(user, op)
        return self._constant(user, name, (channels,))

    def _user(self, node: Node) -> Node:
        users = self._users[node.name]
        if len(users) != 1:
            raise InputError(
                "A convolution's result has not one user", where=node.name, got=[user.name for user in users]
            )
        return users[0]

    def _constant(self, node: Node, name: str, shape: tuple[int, ...]) -> Array:
        if name not in node.inputs:
            raise self._unexpected(node, f"an input {name}")
        value = self._take(node, name)
        if value.shape != shape:
            raise InputError("A weight has another shape", where=name, expected=shape, got=value.shape)
        return value

    def _take(self, node: Node, name: str) -> Array:
        value = self._model.constants.get(name)
        if value is None or value.dtype != np.float32:
            raise self._unexpected(node, f"float32 numbers in {name}")
        self._explained.add(name)
        return value

    def _keep(self, name: str, value: Array) -> None:
        if name in self._variables:
            raise InputError("Two convolutions have one variable", where=name)
        self._variables[name] = value

    @staticmethod
    def _unexpected(node: Node, expected: str) -> InputError:
        got: Mapping[str, Any] = {"op": node.op, "inputs": list(node.inputs)}
        return InputError(
            "A node of the TensorFlow.js model is not where an SSD has it",
            where=node.name,
            expected=expected,
            got=got,
        )

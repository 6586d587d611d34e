"""Models that were trained quantised: their graphs say with FakeQuant nodes which values 8 bits stand for.

TFLite's converter makes integer models of them without images to calibrate with, as in the seed's time:
``--inference_type=QUANTIZED_UINT8`` with mean and standard deviation of the input. A ``graph_rewriter`` in
pipeline.config makes the exporter add the nodes, by ``tf.contrib.quantize``, which only TensorFlow 1 has; a
frozen graph has them already.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ckssd.errors import EnvironmentSetupError, InputError, UsageError
from ckssd.graph.pipeline import Pipeline

INFERENCE_TYPE, MEAN, STD = "INFERENCE_TYPE", "MEAN_VALUES", "STD_DEV_VALUES"
FLOAT, UINT8 = "FLOAT", "QUANTIZED_UINT8"
# A pixel of 0 to 255 is -1 to 1 for an SSD-MobileNet: (pixel - 128) / 128.
DEFAULT_LEVELS = 128.0
NODES = "FakeQuant"
REWRITER = "graph_rewriter"


@dataclass(frozen=True)
class Levels:
    """What the grey levels of the input stand for: the network sees (level - mean) / std."""

    mean: float = DEFAULT_LEVELS
    std: float = DEFAULT_LEVELS


def levels_from(env: Mapping[str, str]) -> Levels | None:
    """What ``INFERENCE_TYPE``, ``MEAN_VALUES`` and ``STD_DEV_VALUES`` ask for; None for a model in float.

    Raises
    ------
    UsageError
        For another type, a number that makes no sense, or numbers without the type.
    """
    kind = env.get(INFERENCE_TYPE, "").strip() or FLOAT
    given = {name: env[name].strip() for name in (MEAN, STD) if env.get(name, "").strip()}
    if kind not in (FLOAT, UINT8):
        raise UsageError(
            "Unknown inference type", where=INFERENCE_TYPE, expected=f"{FLOAT} or {UINT8}", got=kind
        )
    if kind == FLOAT:
        if given:
            raise UsageError(
                f"{next(iter(given))} goes with quantised inference", expected=f"{INFERENCE_TYPE} {UINT8}"
            )
        return None
    mean, std = (_number(name, given.get(name)) for name in (MEAN, STD))
    if std <= 0 or not 0 <= mean <= 255:
        where, got = (STD, std) if std <= 0 else (MEAN, mean)
        raise UsageError(
            "Bad number", where=where, expected="a mean of 0 to 255, a deviation over 0", got=got
        )
    return Levels(mean, std)


def _number(name: str, text: str | None) -> float:
    if text is None:
        return DEFAULT_LEVELS
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError("Bad number", where=name, expected="one number, for the one input", got=text)
    return value


def is_trained_quantised(graph: Path) -> bool:
    """Whether a graph has the nodes of a training with quantisation."""
    from ckssd.graph.graphdef import read_graph  # here, because it brings NumPy

    return any(node.op.startswith(NODES) for node in read_graph(graph))


def check_trained_quantised(graph: Path) -> None:
    """Raise an InputError for a graph without the nodes: nothing says what its bits would stand for."""
    if not is_trained_quantised(graph):
        raise InputError(
            "The graph was not trained with quantisation",
            where=graph,
            expected=f"{NODES}WithMinMaxVars nodes",
            advice="quantise it after training, with images: --quantize int8 --calibration-images DIR",
        )


def check_rewriter(pipeline: Pipeline, python: Path) -> None:
    """Raise an EnvironmentSetupError if a checkpoint's graph cannot be rewritten in an environment."""
    if REWRITER not in pipeline.content:
        return
    packages = (python.absolute().parent.parent / "lib").glob("python*/site-packages")
    if any(
        (each / name / "contrib").is_dir() for each in packages for name in ("tensorflow", "tensorflow_core")
    ):
        return
    raise EnvironmentSetupError(
        "The checkpoint was trained with quantisation, and this TensorFlow cannot rewrite its graph",
        where=f"{pipeline.path}, {REWRITER}",
        expected="TensorFlow 1.13 to 1.15, which has contrib.quantize",
        got=python,
        advice="ckssd install --tags=lib,tensorflow,v1.15 and --tensorflow-tags=v1.15, or export from its "
        "frozen graph: --frozen_graph FILE",
    )

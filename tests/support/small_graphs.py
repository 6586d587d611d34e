"""Small frozen graphs of networks whose export takes half a minute, kept packed in ``graphs``.

    .venv/bin/python -m tests.support.small_graphs frozen_inference_graph.pb NAME

packs one: weights keep three binary digits behind the first, of random ones enough, so that they pack well.
They came out of ``bench.family`` (v3-small-0.25) and of ``write_small_config`` (FPNLite of TensorFlow 2, 0.25
deep, 128x128), with seeded weights.
"""

from __future__ import annotations

import lzma
import sys
from pathlib import Path

import numpy as np

from ckssd.errors import CkssdError
from ckssd.graph.graphdef import read_graph, write_graph
from ckssd.graph.node import Node

FOLDER = Path(__file__).parent / "graphs"
V3_SMALL, FPNLITE_TF2 = "v3-small-0.25", "v2-fpnlite-128-0.25-tf2"
DIGITS, LEAST_WEIGHTS = 3, 64


def unpack_graph(name: str, folder: Path) -> Path:
    """Unpack a graph to ``folder/NAME.pb``; return its file."""
    path = folder / f"{name}.pb"
    path.write_bytes(lzma.decompress((FOLDER / f"{name}.pb.xz").read_bytes()))
    return path


def pack_graph(graph: Path, name: str) -> None:
    """Round the weights of a frozen graph, and keep it here."""
    nodes = read_graph(graph)
    for node in nodes:
        weights = _weights(node)
        if weights is not None:
            digits, exponents = np.frexp(weights)
            rounded = np.ldexp(np.round(digits * 2.0**DIGITS) / 2.0**DIGITS, exponents)
            node.set_attribute("value", rounded.astype(np.float32))
    packed = FOLDER / f"{name}.pb.xz"
    write_graph(nodes, packed)
    packed.write_bytes(lzma.compress(packed.read_bytes(), preset=9 | lzma.PRESET_EXTREME))


def _weights(node: Node) -> np.ndarray | None:
    try:
        value = node.constant()
    except CkssdError:
        return None  # strings
    return value if value is not None and value.dtype == np.float32 and value.size >= LEAST_WEIGHTS else None


if __name__ == "__main__":
    pack_graph(Path(sys.argv[1]), sys.argv[2])

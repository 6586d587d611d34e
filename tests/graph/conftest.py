"""Graphs that the tests of this room share."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import write_graph
from tests.graph.tiny_ssd import tiny_ssd
from tests.support.sandbox import CHECKOUT

OUTPUTS = "detection_boxes,detection_scores,num_detections"


@pytest.fixture
def tiny() -> Graph:
    """The tiny SSD, as exported by the release of July 2020."""
    return tiny_ssd()


@pytest.fixture
def tiny_file(tiny: Graph, tmp_path: Path) -> Path:
    """The tiny SSD as a file."""
    path = tmp_path / "frozen graph.pb"
    write_graph(tiny, path)
    return path


@pytest.fixture(scope="session")
def shapes_graph() -> Path:
    """The built-in model's frozen graph: 2599 nodes, exported by the release of July 2020."""
    return CHECKOUT / "package/model-tf-ssd-mobilenet-v1-shapes/files/frozen_inference_graph.pb"

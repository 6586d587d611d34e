"""Frozen graphs after TensorFlow 1.15's graph_transforms and scripts: the IR finds what it found before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ckssd.detect.openvino import OpenVINODetector, read_ir
from ckssd.graph.mo import convert
from ckssd.graph.options import from_mapping, options_from
from ckssd.install import find_pythons
from ckssd.tflite.from_frozen import export_frozen
from tests.e2e.test_equality import variables
from tests.support.agreement import compare
from tests.support.frozen_graphs import noise_images
from tests.support.sandbox import CHECKOUT, Sandbox
from tests.support.ssd_models import SHAPES

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(
        not any(python.minor == "3.7" for python in find_pythons()),
        reason="TensorFlow 1.15 needs Python 3.7, which is not on this machine",
    ),
]

SCRIPT = CHECKOUT / "tests" / "e2e" / "inside" / "other_tools.py"
WAYS = (
    *("import", "identities", "fold_constants", "fold_batch_norms", "fold_old_batch_norms"),
    *("merge_duplicate_nodes", "strip_unused_nodes", "remove_identities", "sorted", "all"),
)
SIDE, IMAGES, THRESHOLD, KEPT = 300, 4, 0.05, 200


@pytest.fixture(scope="module")
def graphs(shared: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("other tools")
    home = Sandbox(folder / "a ck home", tools=shared)
    home.install("lib,tensorflow,v1.15,vcpu")
    python = variables(home, "lib,tensorflow,v1.15")["CK_ENV_LIB_TF_PYTHON_FILE"]
    done = home.run(python, str(SCRIPT), str(SHAPES / "frozen_inference_graph.pb"), str(folder))
    assert done.code == 0, done.text
    yield folder
    home.remove()


def detector(graph: Path, folder: Path) -> OpenVINODetector:
    flags = {"input_model": str(graph), "output_dir": str(folder), "model_name": graph.stem}
    convert(options_from(from_mapping({**flags, "confidence_threshold": str(THRESHOLD)})))
    return OpenVINODetector(read_ir(folder / f"{graph.stem}.xml"), threads=2)


@pytest.mark.parametrize("way", WAYS)
def test_detections_and_anchors_are_those_of_the_graph_before(way: str, graphs: Path, tmp_path: Path) -> None:
    pictures = [image[np.newaxis].astype(np.float32) for image in noise_images(IMAGES, SIDE, 11).values()]
    before = detector(SHAPES / "frozen_inference_graph.pb", tmp_path)
    after = detector(graphs / f"{way}.pb", tmp_path)
    pairs = [(str(k), after.detect(image), before.detect(image)) for k, image in enumerate(pictures)]
    found = compare(pairs, threshold=THRESHOLD, keep=KEPT)
    assert found.compared > IMAGES
    assert found.untied == []
    made = [
        export_frozen(graph, tmp_path, nms="none", dry_run=True).data
        for graph in (graphs / f"{way}.pb", SHAPES / "frozen_inference_graph.pb")
    ]
    assert made[0]["anchors"] == made[1]["anchors"]
    assert made[0]["settings"]["input_range"]["value"] == "-1 to 1"

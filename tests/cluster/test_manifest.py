"""The manifest for KubeRay: the version is the package's, and nothing is open to the world.

Its form was validated against KubeRay's published schema by hand (docs/cluster.md says how): the schema is a
megabyte of somebody else's, and is not kept here.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from tests.support.sandbox import CHECKOUT

MANIFEST = CHECKOUT / "docs" / "examples" / "cluster" / "raycluster.yaml"


@pytest.fixture
def spec() -> dict[str, Any]:
    content = yaml.safe_load(MANIFEST.read_text())
    assert (content["apiVersion"], content["kind"]) == ("ray.io/v1", "RayCluster")
    found: dict[str, Any] = content["spec"]
    return found


def test_the_cluster_has_the_version_of_the_package(spec: dict[str, Any]) -> None:
    lock = (CHECKOUT / "package" / "lib-ray-2.60.0" / "requirements.lock").read_text()
    (version,) = set(re.findall(r"^ray==(\S+)", lock, re.MULTILINE))
    assert spec["rayVersion"] == version
    pods = [spec["headGroupSpec"]["template"], *(group["template"] for group in spec["workerGroupSpecs"])]
    images = {container["image"] for pod in pods for container in pod["spec"]["containers"]}
    (image,) = images
    assert image.startswith(f"rayproject/ray:{version}-py3")


def test_nothing_is_open_to_the_world(spec: dict[str, Any]) -> None:
    assert spec["authOptions"] == {"mode": "token"}
    assert spec["headGroupSpec"]["serviceType"] == "ClusterIP"
    assert "0.0.0.0" not in json.dumps(spec)


def test_every_pod_has_the_shared_folder_at_the_same_place(spec: dict[str, Any]) -> None:
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        (container,) = group["template"]["spec"]["containers"]
        assert container["volumeMounts"] == [{"name": "ckssd", "mountPath": "/ckssd"}]

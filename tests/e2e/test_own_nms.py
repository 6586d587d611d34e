"""The built-in graph without NMS, with this project's own: exactly the numbers of TFLite's operator."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.sandbox import Sandbox


def measured(installed: Sandbox, *options: str) -> dict[str, Any]:
    done = installed.ckssd("benchmark", "--count=100", "--json", *options)
    assert done.code == 0, done.text
    data: dict[str, Any] = json.loads(done.out)["data"]
    return data


@pytest.mark.parametrize("kind", ["regular", "fast"])
def test_all_metrics_are_those_of_the_graph_with_the_operator(installed: Sandbox, kind: str) -> None:
    own = measured(installed, "--nms=none", f"--own-nms={kind}")
    operator = measured(installed, f"--nms={kind}")
    assert own["metrics"] == operator["metrics"]
    assert own["per_class"] == operator["per_class"]
    assert own["settings"]["model_file"] == "detect_no_nms.tflite"
    assert own["settings"]["nms"] == kind
    assert "ckssd.detect.nms" in own["settings"]["postprocessed_by"]


def test_it_is_refused_where_the_graph_does_nms_itself(installed: Sandbox) -> None:
    done = installed.ckssd("benchmark", "--own-nms=fast")
    assert done.code == 2
    assert (
        "CK_NMS counts only for a graph without NMS (expected USE_NMS=none, got USE_NMS=regular)" in done.err
    )

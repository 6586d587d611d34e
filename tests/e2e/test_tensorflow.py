"""The benchmark of a frozen graph by TensorFlow: by the real ck command, and the same without CK."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.sandbox import CHECKOUT, Sandbox

TIMER = CHECKOUT / "program" / "object-detection-tensorflow" / "tmp" / "tmp-ck-timer.json"
RECORD = "tensorflow-accuracy"
COUNT = 40


@pytest.fixture(scope="module")
def found(installed: Sandbox) -> dict[str, Any]:
    """What `ckssd benchmark` finds."""
    return by_ckssd(installed, "tensorflow")


def by_ckssd(installed: Sandbox, runtime: str) -> dict[str, Any]:
    done = installed.ckssd("benchmark", f"--runtime={runtime}", f"--count={COUNT}", "--json")
    assert done.code == 0, done.text
    data: dict[str, Any] = json.loads(done.out)["data"]
    return data


def test_ck_benchmark_records_the_same(installed: Sandbox, found: dict[str, Any]) -> None:
    done = installed.ck(
        *("benchmark", "program:object-detection-tensorflow", f"--env.CK_BATCH_COUNT={COUNT}"),
        *("--repetitions=1", "--record", "--record_repo=local", f"--record_uoa={RECORD}", "--tags=accuracy"),
        *("--skip_print_timers", "--skip_stat_analysis", "--process_multi_keys", "--sleep=0"),
    )
    assert done.code == 0, done.text
    assert list((installed.folder / "repos" / "local" / "experiment" / RECORD).glob("ckp-*"))
    timer = json.loads(TIMER.read_text())
    assert f"\nmAP: {timer['mAP']!r}\n" in done.out
    for key in ("images", "detections", "mAP", "recall", "metrics", "per_class"):
        assert timer[key] == found[key], key


def test_the_graph_does_all_but_decoding_and_resizing(installed: Sandbox, found: dict[str, Any]) -> None:
    settings = found["settings"]
    assert settings["postprocessed_by"] == "the graph's own Postprocessor"
    assert settings["input_size"] == [300, 300]
    assert settings["decoder"] == "simplejpeg", "as with the other runtimes"
    openvino = by_ckssd(installed, "openvino")
    # The graph keeps every score of its own pipeline.config, the IR those of the entry.
    assert found["detections"] >= openvino["detections"]
    assert found["mAP"] == pytest.approx(openvino["mAP"], abs=0.02)


def test_a_bad_value_is_one_line_and_nothing_is_recorded(installed: Sandbox) -> None:
    done = installed.ck("benchmark", "program:object-detection-tensorflow", "--env.USE_NMS=fast", "--sleep=0")
    (line,) = re.findall(r"^FAILED: .*$", done.text, re.MULTILINE)
    assert "USE_NMS" in line
    assert "Traceback" not in done.text
    assert not TIMER.exists()

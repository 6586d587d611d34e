"""The two steps of the seed by ``ck run``, and the commands that work on single images."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.sandbox import Sandbox


@pytest.mark.usefixtures("object_detection_api")
def test_export_then_convert_make_the_graphs_that_the_package_has(
    installed: Sandbox, shapes_tflite: Path
) -> None:
    exported = installed.ck("run", "program:export-tflite-ssd-graph", "--dep_add_tags.weights=shapes")
    assert "FAILED" not in exported.text
    text = (installed.program("export-tflite-ssd-graph") / "tmp" / "tflite_graph.pbtxt").read_text()
    assert re.search(r'key: "use_regular_nms"\s+value \{\s+b: true', text)
    assert re.search(r'key: "max_detections"\s+value \{\s+i: 100', text)
    converted = installed.ck("run", "program:convert-tflite")
    assert "FAILED" not in converted.text
    made = installed.program("convert-tflite") / "tmp"
    assert (made / "detect.tflite").read_bytes() == (shapes_tflite / "detect_regular_nms.tflite").read_bytes()
    assert (made / "detect_cut.tflite").read_bytes() == (shapes_tflite / "detect_no_nms.tflite").read_bytes()


def test_a_step_without_its_input_fails_with_one_line(installed: Sandbox, tmp_path: Path) -> None:
    done = installed.ckssd(
        "convert", "--graph", str(tmp_path / "no such.pb"), "--output", str(tmp_path / "out")
    )
    assert done.code == 3
    assert re.search(r"^ckssd convert: .*no such\.pb", done.err, re.MULTILINE)
    assert not (tmp_path / "out" / "detect.tflite").exists()


def test_detect_draws_what_it_found(installed: Sandbox, tmp_path: Path) -> None:
    (item,) = json.loads(installed.ckssd("info", "--tags=dataset,shapes", "--json").out)["data"]["installed"]
    images = sorted(Path(item["variables"]["CK_ENV_DATASET_IMAGE_DIR"]).glob("*.jpg"))[:3]
    done = installed.ckssd("detect", "--json", "--draw", str(tmp_path / "drawn"), *map(str, images))
    assert done.code == 0, done.text
    results = json.loads(done.out)["data"]["images"]
    assert sum(len(result["detections"]) for result in results) > 0
    for image, result in zip(images, results):
        drawn = Path(result["drawn"])
        assert drawn.parent == tmp_path / "drawn"
        assert drawn.read_bytes() != image.read_bytes()
    missing = installed.ckssd("detect", str(tmp_path / "none.jpg"))
    assert missing.code == 3
    assert "none.jpg" in missing.err


def test_evaluate_gives_the_numbers_of_the_run_whose_detections_it_reads(
    installed: Sandbox, tmp_path: Path
) -> None:
    detections = tmp_path / "detections.json"
    run = installed.ckssd("benchmark", "--json", "--detections", str(detections))
    (item,) = json.loads(installed.ckssd("info", "--tags=dataset,shapes", "--json").out)["data"]["installed"]
    annotations = item["variables"]["CK_ENV_DATASET_ANNOTATIONS"]
    for tool in ("hotcoco", "faster-coco-eval", "pycocotools"):
        done = installed.ckssd(
            "evaluate",
            "--annotations",
            annotations,
            "--detections",
            str(detections),
            f"--tool={tool}",
            "--json",
        )
        assert done.code == 0, done.text
        assert json.loads(done.out)["data"]["mAP"] == json.loads(run.out)["data"]["mAP"]

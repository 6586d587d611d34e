"""A sweep's one pass: what it gives at each threshold is what a run with this threshold gives."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckssd.coco.matching import match
from ckssd.coco.operating import points
from ckssd.detect.litert import LiteRTDetector
from ckssd.detect.litert_raw import RawLiteRTDetector
from ckssd.errors import InputError, UsageError
from ckssd.measure.opened import open_run
from ckssd.measure.run import detect_data_set, detect_opened
from ckssd.measure.settings import from_environment
from ckssd.measure.sweep import Grid, Swept, reachable, sweep_files, sweep_model
from ckssd.measure.sweep_report import COLUMNS, as_data, text, write_table
from tests.detect.tiny_model import tiny_model
from tests.measure.conftest import IMAGES, NAMES, Bench
from tests.measure.test_own_nms import raw

__all__ = ["raw"]

GRID = Grid((0.1, 0.3, 0.5, 0.7))
IOUS = (0.3, 0.5, 0.7)


def run_with(bench: Bench, **variables: str) -> np.ndarray:
    """The detections of a run with custom settings, ordered."""
    settings = from_environment({**bench.environment, "CUSTOM_MODEL_SETTINGS": "yes", **variables})
    return ordered(detect_data_set(settings).detections.rows())


def ordered(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T[::-1])]


@pytest.mark.parametrize("graph", ["none", "regular"])
def test_one_pass_with_several_nms_ious_gives_the_detections_of_runs_with_each(
    raw: Bench, graph: str
) -> None:
    raw.environment["USE_NMS"] = graph
    settings = from_environment(raw.environment)
    opened = open_run(settings)
    backend = opened.backend.swept(0.2, IOUS)  # type: ignore[attr-defined]
    found = detect_opened(settings, dataclasses.replace(opened, backend=backend), others=2)
    every = [one.rows() for one in (found.detections, *found.detections.others)]
    assert not np.array_equal(every[0], every[2]), "the IoU thresholds should differ in what they give"
    for iou, rows in zip(IOUS, every, strict=True):
        alone = run_with(raw, USE_NMS=graph, NMS_IOU_THRESHOLD=str(iou), NMS_SCORE_THRESHOLD="0.2")
        assert np.array_equal(ordered(rows), alone)


@pytest.mark.parametrize("nms", ["regular", "fast"])
def test_a_threshold_of_the_sweep_is_a_run_with_that_threshold(bench: Bench, nms: str) -> None:
    settings = from_environment({**bench.environment, "USE_NMS": nms})
    swept = sweep_model(settings, GRID)
    assert swept.run["pass_score_threshold"] == pytest.approx(0.1)
    assert swept.run["own_score_threshold"] == pytest.approx(0.3)
    for threshold in GRID.score_thresholds:
        model = bench.model / f"detect_{nms}_nms.tflite"
        model.write_bytes(tiny_model(use_regular_nms=nms == "regular", nms_score_threshold=threshold))
        alone = detect_data_set(settings).detections
        truth = open_run(settings).annotations.truth
        matches = match(truth, alone.rows(), alone.image_ids, 0.5)
        names = dict(enumerate(NAMES, start=1))
        wanted = {one.category_id: one for one in points(matches, (threshold,), names, 0.6)}
        here = {one.category_id: one for one in swept.points if one.score_threshold == threshold}
        assert {key: one for key, one in here.items() if one.objects} == wanted


@pytest.mark.parametrize(("kind", "graph"), [(LiteRTDetector, "regular"), (RawLiteRTDetector, "none")])
def test_several_nms_ious_take_one_inference_an_image(
    raw: Bench, monkeypatch: pytest.MonkeyPatch, kind: Any, graph: str
) -> None:
    calls = []
    detect = kind.detect
    monkeypatch.setattr(kind, "detect", lambda *arguments: calls.append(1) or detect(*arguments))
    settings = from_environment({**raw.environment, "USE_NMS": graph})
    swept = sweep_model(settings, dataclasses.replace(GRID, nms_ious=IOUS))
    assert len(calls) == IMAGES
    assert {one.nms_iou for one in swept.points} == set(IOUS)


def test_points_that_the_limit_of_detections_decides_are_named(bench: Bench) -> None:
    model = bench.model / "detect_regular_nms.tflite"
    settings = from_environment(bench.environment)
    assert not any("at most" in note for note in sweep_model(settings, Grid((0.9,))).notes)
    model.write_bytes(tiny_model(max_detections=2))
    (note,) = [note for note in sweep_model(settings, GRID).notes if "at most" in note]
    assert "NMS gives 2 detections of an image at most" in note


class Fixed:
    """A backend whose thresholds are inside its graph, as TensorFlow's are."""

    files = (Path("frozen.pb"),)

    def __init__(self, backend: object) -> None:
        self.postprocessing = backend.postprocessing  # type: ignore[attr-defined]


def test_a_graph_that_cannot_be_told_is_swept_from_its_own_threshold_on(bench: Bench) -> None:
    fixed = Fixed(open_run(from_environment(bench.environment)).backend)
    left = reachable(dataclasses.replace(GRID, stated=False), fixed)  # type: ignore[arg-type]
    assert left.score_thresholds == (0.3, 0.5, 0.7)
    with pytest.raises(UsageError, match=r"begins below the model's own.*frozen\.pb.*0\.3 or more, got 0\.1"):
        reachable(GRID, fixed)  # type: ignore[arg-type]


def test_a_model_and_its_detections_in_a_file_give_the_same_points(bench: Bench) -> None:
    settings = from_environment(bench.environment)
    by_model = sweep_model(settings, Grid((0.3, 0.5)))
    path = bench.folder / "found.json"
    with path.open("w") as file:
        detect_data_set(settings).detections.write(file)
    by_file = sweep_files(bench.annotations, path, Grid((0.3, 0.5)), None)
    assert [dataclasses.replace(one, nms_iou=None) for one in by_model.points] == list(by_file.points)


def test_what_a_results_file_may_lack_is_said(bench: Bench) -> None:
    path = bench.folder / "found.json"
    found = {"image_id": 100, "category_id": 1, "bbox": [0, 0, 5, 5], "score": 0.6}
    path.write_text(json.dumps([found, {**found, "category_id": 77}]))
    notes = " ".join(sweep_files(bench.annotations, path, GRID, None).notes)
    assert "1 detection of categories that are not in the annotations" in notes
    assert "7 images without detections count as run" in notes
    assert "no detection has a score below 0.6" in notes
    with pytest.raises(InputError, match="was run"):
        sweep_files(bench.annotations, path, GRID, [99])


def test_another_metric_is_refused_and_difficult_objects_are_said_to_count(bench: Bench) -> None:
    with pytest.raises(UsageError, match="COCO's rule only"):
        sweep_model(from_environment({**bench.environment, "CK_METRIC_TYPE": "voc"}), Grid((0.5,)))
    content = json.loads(bench.annotations.read_text())
    content["annotations"][0]["difficult"] = 1
    bench.annotations.write_text(json.dumps(content))
    swept = sweep_model(from_environment(bench.environment), Grid((0.5,)))
    assert "1 object marked difficult or ignore count as any other" in swept.notes


def test_scores_in_percent_are_refused(bench: Bench) -> None:
    path = bench.folder / "found.json"
    path.write_text(json.dumps([{"image_id": 100, "category_id": 1, "bbox": [0, 0, 5, 5], "score": 60}]))
    with pytest.raises(InputError, match=r"numbers from 0 to 1, got 60 to 60"):
        sweep_files(bench.annotations, path, GRID, None)


def test_no_detections_at_all_are_a_result(bench: Bench) -> None:
    path = bench.folder / "found.json"
    path.write_text("[]")
    swept = sweep_files(bench.annotations, path, GRID, None)
    assert {one.recall for one in swept.points} == {0.0}
    assert {one.precision for one in swept.points} == {None}
    assert "F1 0.0000" in "\n".join(text(swept, 0.5, 0.5))


@pytest.fixture
def swept(bench: Bench) -> Swept:
    return sweep_model(from_environment(bench.environment), dataclasses.replace(GRID, nms_ious=IOUS))


def test_it_comes_through_json_as_it_was(swept: Swept) -> None:
    assert Swept.from_mapping(json.loads(json.dumps(dataclasses.asdict(swept)))) == swept


def test_the_table_and_the_data_have_every_point(swept: Swept) -> None:
    data = as_data(swept, 0.99, 0.01)
    assert data["best"]["recall"]["recall"] >= 0.01
    assert len(data["classes"]) == len(NAMES)
    file = io.StringIO()
    write_table(swept)(file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(data["points"]) == len(IOUS) * len(GRID.score_thresholds) * (1 + len(NAMES))


def test_the_text_names_the_choices_and_what_was_run(swept: Swept) -> None:
    lines = "\n".join(text(swept, 1.0, 0.01))
    assert "The best F1 of each IoU threshold of NMS:" in lines
    assert "Best F1: score threshold" in lines
    assert "For precision 1: no threshold gives it; the highest precision is" in lines
    assert "For recall 0.01: score threshold" in lines
    assert "score threshold 0.1 (the model's own: 0.3" in lines

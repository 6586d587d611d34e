"""What does NMS in an IR: DetectionOutput, or operations that do exactly what the graph does.

That it is exactly TensorFlow's is in tests/e2e/test_postprocessing.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino
import pytest

from ckssd.detect.backends import open_backend
from ckssd.detect.openvino import OpenVINODetector, read_ir
from ckssd.graph.graph import Graph
from ckssd.graph.mo import Converted
from ckssd.graph.pipeline import read_pipeline
from ckssd.graph.settings import DETECTION_OUTPUT, NMS, NMS_SCOPE
from ckssd.model.description import Model
from tests.graph.test_mo import converted, pixels, run
from tests.graph.test_without_postprocessing import in_order
from tests.graph.tiny_ssd import ANCHORS, CLASSES, LAYOUTS, Layout, class_agnostic, soft, tiny_ssd

EVERYTHING = {"confidence_threshold": 0.0, "nms_threshold": 1.0, "keep_top_k": 100}
SEEDS = 20


def limited(per_class: int = 1, total: int = 100) -> Graph:
    return tiny_ssd(Layout(nms={"iou": 0.6, "score": 1e-8, "per_class": per_class, "total": total}))


def changed(change: Callable[[Graph], None]) -> Graph:
    graph = tiny_ssd()
    change(graph)
    return graph


def made(graph: Graph, folder: Path, name: str, **options: object) -> Converted:
    place = folder / name
    place.mkdir()
    return converted(graph, place, **options)


GRAPHS = {
    "as usual": (tiny_ssd, DETECTION_OUTPUT, "it does what the graph's NMS does"),
    "fewer of a class than in all": (limited, NMS, "at most 1 detections of a class, 100 in all"),
    "soft": (lambda: changed(soft), NMS, "soft NMS, soft_nms_sigma 0.5"),
    "class-agnostic": (lambda: changed(class_agnostic), NMS, "class-agnostic NMS"),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_auto_takes_what_does_the_same_and_says_why(name: str, tmp_path: Path) -> None:
    graph, kind, why = GRAPHS[name]
    done = converted(graph(), tmp_path)
    decided = done.data["settings"]["postprocessing"]
    assert (decided["value"], why in decided["origin"]) == (kind, True)
    assert any(line.startswith(f"postprocessing: {kind} ({why}") for line in done.lines)
    types = {each.get_type_name() for each in openvino.Core().read_model(done.data["xml"]).get_ops()}
    assert ("DetectionOutput" in types, "NonMaxSuppression" in types) == (kind != NMS, kind == NMS)


def test_where_both_do_it_both_find_the_same(tmp_path: Path) -> None:
    limits = {"confidence_threshold": 0.2, "nms_threshold": 0.5, "keep_top_k": 10}
    kinds = (DETECTION_OUTPUT, NMS)
    irs = [made(tiny_ssd(), tmp_path, kind, overrides=limits, postprocessing=kind) for kind in kinds]
    detectors = [OpenVINODetector(read_ir(Path(ir.data["xml"]))) for ir in irs]
    number = 0
    for seed in range(SEEDS):
        reference, mine = (in_order(one.detect(pixels(seed=seed))) for one in detectors)
        number += len(reference)
        np.testing.assert_allclose(mine, reference, atol=1e-5)
    assert number > SEEDS


def test_the_limit_of_a_class_holds(tmp_path: Path) -> None:
    done = converted(limited(per_class=2), tmp_path, overrides={"nms_threshold": 1.0})
    labels = run(done, pixels())[:, 1].tolist()
    assert sorted(labels) == [1.0, 1.0, 2.0, 2.0]


def test_a_pipeline_configuration_states_the_limit_of_a_class(tmp_path: Path) -> None:
    config = tmp_path / "pipeline.config"
    nms = "batch_non_max_suppression { max_detections_per_class: 1 max_total_detections: 3 }"
    config.write_text(f"model {{ ssd {{ post_processing {{ {nms} }} }} }}")
    done = converted(tiny_ssd(), tmp_path, pipeline=read_pipeline(config), overrides={"nms_threshold": 1.0})
    assert done.data["settings"]["detections_per_class"] == {"value": 1, "origin": "pipeline.config"}
    assert len(run(done, pixels())) == CLASSES - 1


def test_what_the_graph_says_stands_above_the_configuration(tmp_path: Path) -> None:
    """The shipped configurations state a threshold of 0.01 and 200 detections, for DetectionOutput."""
    settings = converted(limited(total=50), tmp_path).data["settings"]
    found = {name: settings[name]["value"] for name in ("confidence_threshold", "keep_top_k")}
    assert found == {"confidence_threshold": 1e-8, "keep_top_k": 50}


def test_a_class_agnostic_box_has_one_class(tmp_path: Path) -> None:
    done = made(changed(class_agnostic), tmp_path, "one", overrides=EVERYTHING)
    every = made(tiny_ssd(), tmp_path, "all", overrides=EVERYTHING)
    mine, all_of_them = (run(each, pixels()) for each in (done, every))
    assert (len(mine), len(all_of_them)) == (len(ANCHORS), len(ANCHORS) * (CLASSES - 1))
    for row in mine:
        same_box = all_of_them[np.abs(all_of_them[:, 3:] - row[3:]).max(axis=1) < 1e-6]
        best = same_box[np.argmax(same_box[:, 2])]
        np.testing.assert_allclose(row[1:3], best[1:3], rtol=1e-6)
    shown = open_backend(Model("openvino", Path(done.data["xml"]))).postprocessing
    assert (shown.nms, shown.max_classes_per_detection) == ("fast", 1)


def test_soft_nms_lowers_scores_where_hard_nms_drops_boxes(tmp_path: Path) -> None:
    def grown(graph: Graph) -> Graph:
        """Boxes that overlap: each anchor the whole image."""
        anchors = np.tile(np.array([0, 0, 1, 1], np.float32), (len(ANCHORS), 1))
        graph.node("anchors").set_attribute("value", anchors)
        return graph

    lowest = {"confidence_threshold": 0.0, "nms_threshold": 0.1}
    hard = run(made(grown(limited(10)), tmp_path, "hard", overrides=lowest, postprocessing=NMS), pixels())
    soft_ = run(made(grown(changed(soft)), tmp_path, "soft", overrides=lowest), pixels())
    assert len(soft_) > len(hard)
    assert (soft_[:, 2] <= soft_[0, 2]).all()
    shown = open_backend(Model("openvino", tmp_path / "soft" / "ir" / "tiny.xml")).postprocessing
    assert "soft_nms_sigma 0.5" in shown.by


def test_a_batch_gives_the_rows_of_its_images_one_after_the_other(tmp_path: Path) -> None:
    alone = made(limited(2), tmp_path, "alone", overrides={"nms_threshold": 0.5})
    both = made(limited(2), tmp_path, "both", overrides={"nms_threshold": 0.5}, batch=2)
    images = pixels(batch=2)
    rows = run(both, images)
    assert rows[:, 0].tolist() == sorted(rows[:, 0].tolist())
    for index in range(2):
        expected = run(alone, images[index : index + 1])
        np.testing.assert_allclose(rows[rows[:, 0] == index][:, 1:], expected[:, 1:], atol=1e-6)


def test_another_size_has_its_own_anchors(tmp_path: Path) -> None:
    options = {"input_shape": (1, 8, 8, 3), "overrides": EVERYTHING}
    done = converted(limited(per_class=99), tmp_path, postprocessing=NMS, **options)  # type: ignore[arg-type]
    assert len(run(done, pixels(size=8))) == (16 + 4) * (CLASSES - 1)


def test_nothing_found_is_no_row(tmp_path: Path) -> None:
    done = converted(limited(), tmp_path, overrides={"confidence_threshold": 1.0})
    assert len(run(done, pixels())) == 0


def test_its_operations_have_the_same_names_each_time(tmp_path: Path) -> None:
    names = []
    for name in ("first", "second"):
        ir = made(limited(), tmp_path, name).data["xml"]
        every = (each.get_friendly_name() for each in openvino.Core().read_model(ir).get_ops())
        names.append([each for each in every if each.startswith(f"{NMS_SCOPE}/")])
    assert names[0] == names[1] != []


def test_its_score_threshold_can_be_swept(tmp_path: Path) -> None:
    done = converted(limited(per_class=3), tmp_path, overrides={"confidence_threshold": 0.9})
    backend = open_backend(Model("openvino", Path(done.data["xml"])))
    assert backend.postprocessing.detections_per_class == 3
    lower = backend.swept(0.0, [0.6])  # type: ignore[attr-defined]
    found = [len(each.new_detector(1).detect(pixels())) for each in (backend, lower)]
    assert found[1] > found[0]


@pytest.mark.parametrize(
    ("nms", "said"),
    [
        ({"iou": 0.3}, "nms_threshold 0.6 (configuration, "),
        ({"score": 0.4}, "confidence_threshold 0.01 (configuration, "),
        ({}, None),
    ],
)
def test_a_configuration_that_lets_other_boxes_through_is_told(
    nms: dict[str, float], said: str | None, tmp_path: Path
) -> None:
    usual = {"iou": 0.6, "score": 1e-8, "per_class": 100, "total": 100}
    layout = dataclasses.replace(LAYOUTS["ssd_v2_support.json"], nms=usual | nms)
    notes = converted(tiny_ssd(layout), tmp_path).data["notes"]
    told = [note for note in notes if "stands above the graph's" in note]
    assert [note.startswith(said) for note in told] == ([] if said is None else [True])

"""What program:train-ssd-shapes feeds to the network: boxes stay on their objects, batches repeat.

The scripts stand alone in the program's folder and run in another environment; what needs no TensorFlow of
them is tested here.
"""

from __future__ import annotations

import ast
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ckssd.coco.shapes import write_shapes_dataset

PROGRAM = Path(__file__).resolve().parents[3] / "program" / "train-ssd-shapes"
MODULES = ("images", "cache", "augment", "evaluate")


@pytest.fixture(scope="module")
def scripts() -> Iterator[dict[str, ModuleType]]:
    sys.path.insert(0, str(PROGRAM))
    hidden = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}
    yield {name: importlib.import_module(name) for name in MODULES}
    for name in MODULES:
        del sys.modules[name]
    sys.modules.update(hidden)
    sys.path.remove(str(PROGRAM))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train") / "data"
    write_shapes_dataset(folder, 12, 7, quiet=True)
    return folder


@pytest.fixture(scope="module")
def cache(scripts: dict[str, ModuleType], dataset: Path) -> dict[str, Any]:
    path = dataset.parent / "cache.npz"
    scripts["cache"].build_cache(str(dataset), str(path), 2)
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def _annotations(dataset: Path) -> dict[str, Any]:
    text = (dataset / "annotations" / "instances_val.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest.mark.parametrize("script", sorted(PROGRAM.glob("*.py")), ids=lambda path: path.name)
def test_the_scripts_speak_python_3_7(script: Path) -> None:
    ast.parse(script.read_text(encoding="utf-8"), feature_version=(3, 7))


def test_the_cache_has_every_image_without_a_crowd(cache: dict[str, Any], dataset: Path) -> None:
    content = _annotations(dataset)
    crowded = {one["image_id"] for one in content["annotations"] if one["iscrowd"]}
    expected = [
        sum(one["image_id"] == entry["id"] for one in content["annotations"])
        for entry in content["images"]
        if entry["id"] not in crowded
    ]
    assert cache["counts"].tolist() == expected
    assert cache["images"].shape == (len(expected), 300, 300, 3)
    assert cache["boxes"].min() >= 0.0
    assert cache["boxes"].max() <= 1.0


def test_boxes_follow_their_objects_through_the_augmentation(scripts: dict[str, ModuleType]) -> None:
    image = np.zeros((300, 300, 3), np.uint8)
    image[60:120, 90:210] = 255
    boxes = np.array([[0.2, 0.3, 0.4, 0.7]], np.float32)
    classes = np.array([4], np.int32)
    random = np.random.RandomState(3)
    shapes = set()
    for _ in range(60):
        changed, its_boxes, its_classes = scripts["augment"].augment(random, image, boxes, classes)
        assert changed.shape == image.shape
        rows, columns = np.nonzero(changed[:, :, 0] > 127)
        seen = [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]
        assert np.abs(its_boxes[0] * 300 - seen).max() <= 2.0
        assert its_classes.tolist() == [4]
        shapes.add(tuple(np.round(its_boxes[0], 2)))
    assert len(shapes) > 8


def test_a_batch_depends_on_seed_and_step_alone(
    scripts: dict[str, ModuleType], cache: dict[str, Any]
) -> None:
    first = scripts["augment"].Batches(cache, 4, seed=1)
    second = scripts["augment"].Batches(cache, 4, seed=1)
    in_order = [first.batch(step) for step in range(5)]
    for ours, theirs in zip(in_order[3], second.batch(3), strict=True):
        assert np.array_equal(ours, theirs)
    assert not np.array_equal(in_order[3][0], in_order[4][0])


def test_a_fault_of_the_data_thread_reaches_the_trainer(
    scripts: dict[str, ModuleType], cache: dict[str, Any]
) -> None:
    broken = dict(cache, classes=cache["classes"][:0])
    batches = scripts["augment"].Batches(broken, 4, seed=1)
    with pytest.raises(IndexError):
        list(scripts["augment"].prefetch(batches, 0, 2))


def _perfect_answers(dataset: Path, scripts: dict[str, ModuleType]) -> Any:
    content = _annotations(dataset)
    groups = scripts["images"].by_image(content)
    entries = iter(content["images"])

    def detect(images: Any) -> tuple[Any, Any, Any]:
        boxes = np.zeros((len(images), 10, 4))
        scores = np.zeros((len(images), 10))
        classes = np.ones((len(images), 10))
        for k, entry in zip(range(len(images)), entries, strict=False):
            objects = [one for one in groups[entry["id"]] if not one["iscrowd"]]
            found, names = scripts["images"].boxes_and_classes(entry, objects)
            boxes[k, : len(found)], scores[k, : len(found)] = found, 0.5
            classes[k, : len(found)] = names + 1
        return boxes, scores, classes

    return detect


def test_perfect_detections_measure_one(scripts: dict[str, ModuleType], dataset: Path) -> None:
    measured = scripts["evaluate"].measure(str(dataset), _perfect_answers(dataset, scripts), batch=5)
    assert measured["mAP"] == pytest.approx(1.0, abs=1e-6)
    assert measured["AR100"] == pytest.approx(1.0, abs=1e-6)


def test_detections_under_the_threshold_do_not_count(scripts: dict[str, ModuleType], dataset: Path) -> None:
    measured = scripts["evaluate"].measure(str(dataset), _perfect_answers(dataset, scripts), [0.3, 0.6])
    assert [round(one["mAP"], 6) for one in measured] == [1.0, 0.0]

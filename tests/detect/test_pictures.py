"""`ckssd detect`'s worker: what is found in a person's pictures, named, filtered, drawn and written."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ckssd.detect.__main__ import main
from ckssd.detect.pictures import shown_from
from ckssd.detect.results_file import write_results
from ckssd.errors import UsageError
from ckssd.json_file import plain
from ckssd.model.description import Model
from ckssd.model.entry import from_environment
from ckssd.model.named import variables_of
from tests.detect.tiny_model import tiny_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model with its label map beside it, both under names of a person's own."""
    path = tmp_path / "mein modell" / "mine.tflite"
    path.parent.mkdir()
    path.write_bytes(tiny_model())
    items = [f"item {{ id: {k + 1} name: 'shape{k}' }}\n" for k in range(6)]
    path.with_suffix(".pbtxt").write_text("".join(items))
    return path


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "a b.jpg", tmp_path / "deeper" / "a b.png"]
    paths[1].parent.mkdir()
    for path in paths:
        Image.new("RGB", (64, 48), (200, 30, 90)).save(path)
    return paths


def detected(folder: Path, model: Path, images: list[Path], **settings: Any) -> tuple[int, dict[str, Any]]:
    """Exit code and result of the worker, as the command runs it."""
    described = plain(from_environment(variables_of(model)))
    request = {"model": described, "images": [str(image) for image in images], "quiet": True, **settings}
    (folder / "request.json").write_text(json.dumps(request))
    output, failure = folder / "output.json", folder / "error.json"
    arguments = [f"--request={folder / 'request.json'}", f"--output={output}", f"--error={failure}"]
    code = main(arguments)
    return code, json.loads((failure if code else output).read_text())


def test_it_detects_and_draws(model: Path, images: list[Path], tmp_path: Path) -> None:
    code, found = detected(tmp_path, model, images, draw=str(tmp_path / "out ü"))
    assert code == 0
    first, second = found["images"]
    assert (first["width"], first["height"]) == (64, 48)
    assert first["detections"]
    assert {one["name"] for one in first["detections"]} <= {f"shape{k}" for k in range(6)}
    assert all(one["bbox"][0] >= 0 and sum(one["bbox"][::2]) <= 64.001 for one in first["detections"])
    assert Image.open(first["drawn"]).size == (64, 48)
    assert first["drawn"] != second["drawn"]


def test_what_is_wrong_comes_back_as_an_error(model: Path, tmp_path: Path) -> None:
    code, error = detected(tmp_path, model, [tmp_path / "no.jpg"])
    assert code == 3
    assert error["what"] == "The image is missing"


def test_shown_is_what_reaches_the_models_threshold_and_the_rest_is_counted(
    model: Path, images: list[Path], tmp_path: Path
) -> None:
    model.write_bytes(tiny_model(nms_score_threshold=1e-8, max_detections=300))
    every = detected(tmp_path, model, images[:1], min_score=0.0)[1]["images"][0]
    shown = detected(tmp_path, model, images[:1])[1]
    assert shown["min_score"] == 0.3
    (image,) = shown["images"]
    assert all(one["score"] >= 0.3 for one in image["detections"])
    assert every["left_out"] == 0
    assert 0 < image["left_out"] == len(every["detections"]) - len(image["detections"])


@pytest.mark.parametrize(
    ("entry", "graph", "asked", "expected"),
    [
        (None, 1e-8, None, 0.3),
        (None, 0.5, None, 0.5),
        (None, 0.1, None, 0.1),
        (0.45, 1e-8, None, 0.45),
        (0.001, 0.5, None, 0.3),
        (0.45, 0.5, 0.0, 0.0),
    ],
)
def test_whose_threshold_counts(
    entry: float | None, graph: float, asked: float | None, expected: float
) -> None:
    model = Model("litert", Path("m.tflite"), score_threshold=entry)
    assert shown_from(model, graph, asked) == expected


def test_a_model_without_names_says_so(model: Path, images: list[Path], tmp_path: Path) -> None:
    model.with_suffix(".pbtxt").unlink()
    found = detected(tmp_path, model, images)[1]
    assert found["labels"] is None
    assert any("no class names" in note for note in found["notes"])
    assert found["images"][0]["detections"][0]["name"].startswith("class ")


@pytest.mark.parametrize("setting", [{"threads": 0}, {"threads": "x"}, {"resize": "lanczos"}, {"treads": 1}])
def test_a_bad_setting_is_refused(
    model: Path, images: list[Path], tmp_path: Path, setting: dict[str, Any]
) -> None:
    assert detected(tmp_path, model, images, **setting)[0] == 2


def test_results_are_cocos_or_a_table(model: Path, images: list[Path], tmp_path: Path) -> None:
    found = detected(tmp_path, model, images)[1]["images"]
    write_results(tmp_path / "new" / "found.json", found)
    write_results(tmp_path / "found.CSV", found)
    results = json.loads((tmp_path / "new" / "found.json").read_text())
    rows = list(csv.DictReader((tmp_path / "found.CSV").open(encoding="utf-8")))
    assert len(results) == len(rows) == sum(len(image["detections"]) for image in found)
    for result, row in zip(results, rows, strict=True):
        assert {"image_id", "category_id", "bbox", "score"} <= set(result)
        assert (row["image_id"], row["category"]) == (str(result["image_id"]), result["category"])
        assert float(row["score"]) == result["score"]
        assert [float(row[side]) for side in ("x", "y", "width", "height")] == pytest.approx(
            result["bbox"], abs=6e-4
        )
    with pytest.raises(UsageError, match=r"\.json or \.csv"):
        write_results(tmp_path / "found.xml", found)


@pytest.mark.parametrize(("asked", "noted"), [(0.1, True), (0.3, False), (None, False)])
def test_a_lower_score_than_the_models_own_is_out_of_reach_and_a_note_says_so(
    tmp_path: Path, model: Path, images: list[Path], asked: float | None, noted: bool
) -> None:
    model.write_bytes(tiny_model(nms_score_threshold=0.3))
    _, found = detected(tmp_path, model, images[:1], min_score=asked)
    assert any("below 0.3" in note and "NMS_SCORE_THRESHOLD" in note for note in found["notes"]) is noted

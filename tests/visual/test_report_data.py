"""A report's data: those of the run and no other; what is missing is said; what does not fit is refused."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ckssd.errors import InputError
from ckssd.visual.page import page
from tests.measure.conftest import IMAGES, Bench
from tests.support.sandbox import CHECKOUT
from tests.visual.conftest import edited, report, whole_report

SCHEMA = json.loads((CHECKOUT / "docs" / "schema" / "report.json").read_text())
TIMER = "tmp-ck-timer.json"


def valid(data: dict[str, Any]) -> dict[str, Any]:
    jsonschema.validate(json.loads(json.dumps(data)), SCHEMA, jsonschema.Draft202012Validator)
    (run,) = data["runs"]
    return dict(run)


def test_a_report_is_as_its_schema_says(data: dict[str, Any], made_once: tuple[Bench, Path]) -> None:
    run = valid(data)
    record = json.loads((made_once[1] / TIMER).read_text())
    assert run["answer"]["mAP"] == record["mAP"] == run["accuracy"]["metrics"]["AP"]
    assert run["answer"]["recall"] == record["recall"] == run["accuracy"]["metrics"]["AR100"]
    assert run["accuracy"]["images"] == IMAGES
    assert run["missing"] == {}
    shown = {one["name"] for group in run["facts"] for one in group["facts"]}
    kept = {"versions", "machine", "model_files", "resize_method", "scales_yxhw"}
    assert shown | kept | {name for name, value in record["settings"].items() if value in ("", [])} == set(
        record["settings"]
    )


def test_times_are_those_of_the_record(data: dict[str, Any], made_once: tuple[Bench, Path]) -> None:
    times = data["runs"][0]["times"]
    record = json.loads((made_once[1] / TIMER).read_text())
    state = record["run_time_state"]
    percentiles = {one["percent"]: one["detect_s"] for one in times["percentiles"]}
    assert percentiles[50] == state["prediction_time_median_s"]
    assert percentiles[99] == state["prediction_time_p99_s"]
    split = {one["part"]: one["mean_s"] for one in times["split"]}
    assert set(split) == {"read", "resize", "inference", "postprocess"}
    assert min(split.values()) > 0
    assert split["read"] + split["resize"] == pytest.approx(state["images_load_time_avg_s"])
    assert split["inference"] + split["postprocess"] == pytest.approx(state["prediction_time_avg_s"])
    assert times["bound"]["images_per_second"] == pytest.approx(1 / sum(split.values()))
    assert sum(one["share"] for one in times["split"]) == pytest.approx(1)
    assert sum(times["histogram"]["images"]) + times["histogram"]["slower"] == IMAGES - 1
    assert len(times["series"]) == IMAGES


@pytest.mark.parametrize(
    ("file", "part", "said"),
    [
        ("detections.json", "accuracy", "there is no detections.json"),
        ("image-times.json", "accuracy", "there is no image-times.json"),
        ("image-times.json", "times", "nothing is known of single images"),
        ("data-set.json", "accuracy", "the annotations are not there: the result does not say where"),
        ("data-set.json", "pictures", "the pictures are not there: the result does not say where"),
    ],
)
def test_what_is_missing_is_said_and_the_rest_is_there(
    results: Path, file: str, part: str, said: str
) -> None:
    (results / file).unlink()
    run = valid(report(results))
    assert said in run["missing"][part]
    assert run["answer"]["mAP"] >= 0


def test_a_data_set_that_moved_can_be_named(results: Path, bench: Bench, tmp_path: Path) -> None:
    moved = Path(shutil.copy(bench.annotations, tmp_path / "moved.json"))
    edited(results / "data-set.json", lambda places: places.update(annotations="/gone.json", images="/gone"))
    run = valid(report(results))
    assert run["missing"]["accuracy"].startswith("the annotations are not there: no file /gone.json")
    run = valid(report(results, annotations=moved, pictures=bench.images))
    assert run["missing"] == {}


def test_a_result_of_an_older_version_shows_what_it_has(results: Path) -> None:
    old = {"mAP": 0.25, "recall": 0.5, "images_per_second": 3.0, "settings": {"images": IMAGES}}
    (results / TIMER).write_text(json.dumps(old))
    run = valid(report(results))
    assert run["answer"]["model"] == "the model"
    assert run["accuracy"] is not None


def test_a_file_that_is_no_result_is_refused(results: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no result of a benchmark"):
        report(tmp_path / "nothing here")
    (results / TIMER).write_text('{"mAP": 0.5}')
    with pytest.raises(InputError, match="The file is no result of a benchmark"):
        report(results)
    (results / TIMER).write_text("{")
    with pytest.raises(InputError, match="The results are no JSON"):
        report(results)


WRONG = ("<b>text", 5, -1.5, True, None, [], {}, [1, {"a": 2}])


def places_in(record: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(name,) for name in record] + [
        (name, inner) for name, part in record.items() if isinstance(part, dict) for inner in part
    ]


def test_any_value_of_another_kind_makes_a_page_or_one_error(results: Path) -> None:
    (results / "detections.json").unlink()
    record = json.loads((results / TIMER).read_text())
    figures = {"mean_average_precision": 0.2, "recall": 0.3, "score_threshold": 0.3}
    record["published"] = {"dataset_type": "", "images": IMAGES, **figures}
    refused = 0
    for number, place in enumerate(places_in(record)):
        changed = copy.deepcopy(record)
        part = changed if len(place) == 1 else changed[place[0]]
        for wrong in WRONG[number % 2 :: 2]:
            part[place[-1]] = wrong
            (results / TIMER).write_text(json.dumps(changed))
            try:
                made = whole_report(results)
                page(made.data, made.pictures)
            except InputError:
                refused += 1
    assert refused > 50


def test_files_of_another_run_are_refused(results: Path, bench: Bench, tmp_path: Path) -> None:
    other = Path(shutil.copy(bench.annotations, tmp_path / "other.json"))
    edited(other, lambda content: content["annotations"].pop())
    with pytest.raises(InputError, match="The annotations are not those of the run"):
        report(results, annotations=other)
    edited(results / "detections.json", lambda found: found.pop())
    with pytest.raises(InputError, match="The detections are not those of the run"):
        report(results)


def test_parts_that_nobody_measured_stay_in_the_whole(results: Path) -> None:
    def older(times: dict[str, Any]) -> None:
        del times["resize_s"], times["postprocess_s"]

    edited(results / "image-times.json", older)
    assert [one["part"] for one in valid(report(results))["times"]["split"]] == ["load", "detect"]


def test_times_of_another_run_are_refused(results: Path) -> None:
    edited(results / "image-times.json", lambda times: times["load_s"].pop())
    with pytest.raises(InputError, match="The images' times are not of this run"):
        report(results)

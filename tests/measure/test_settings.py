"""Variables become settings, or one error that names the variable."""

from __future__ import annotations

import dataclasses
import json
import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import UsageError
from ckssd.json_file import plain
from ckssd.measure.settings import from_environment, from_mapping
from ckssd.model.custom import CHECKS, CustomOptions
from ckssd.values import choice, real_number, switch, whole_number
from tests.measure.conftest import MODEL, Bench


def test_defaults(bench: Bench) -> None:
    settings = from_environment({**bench.environment, "USE_NMS": ""})
    assert (settings.model.nms, settings.batch_count, settings.batch_size, settings.skip_images) == (
        "regular",
        None,
        1,
        0,
    )
    assert (settings.metric, settings.resize, settings.metrics_tool) == ("coco", "pillow", "hotcoco")
    assert settings.model.file == bench.model / "detect_regular_nms.tflite"
    assert settings.model.labels == bench.model / "labelmap.pbtxt"
    assert settings.model.first_label == 1
    assert settings.model.custom is None


@pytest.mark.parametrize("processors", [1, 3, 64])
def test_without_a_number_of_processors_those_that_may_be_used_count(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, processors: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(10, 10 + processors)))
    environment = {**bench.environment, "CK_HOST_CPU_NUMBER_OF_PROCESSORS": ""}
    assert from_environment(environment).threads == processors


def test_the_seeds_own_values(bench: Bench) -> None:
    given_values = {
        "USE_NMS": "fast",
        "CK_BATCH_SIZE": "1",
        "CK_BATCH_COUNT": "5000",
        "CK_METRIC_TYPE": "COCO",
    }
    settings = from_environment(
        {**bench.environment, **given_values, "CK_SKIP_IMAGES": "3", "FULL_REPORT": "YES"}
    )
    assert (settings.model.nms, settings.batch_count, settings.metric, settings.skip_images) == (
        "fast",
        5000,
        "coco",
        3,
    )
    assert settings.model.file.name == "detect_fast_nms.tflite"
    assert settings.threads == 2
    assert settings.full_report


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("USE_NMS", "soft", "regular or fast"),
        ("CK_BATCH_COUNT", "0", "at least 1"),
        ("CK_BATCH_COUNT", "-5", "at least 1"),
        ("CK_BATCH_COUNT", "many", "a whole number"),
        ("CK_BATCH_COUNT", "1.5", "a whole number"),
        ("CK_BATCH_COUNT", "1_0", "a whole number"),
        ("CK_BATCH_SIZE", "2", "expected 1"),
        ("CK_BATCH_SIZE", "0", "expected 1"),
        ("CK_SKIP_IMAGES", "-1", "at least 0"),
        ("CK_METRIC_TYPE", "KITTI", "coco"),
        ("CK_METRICS_TOOL", "mine", "hotcoco or faster-coco-eval or pycocotools"),
        ("CK_RESIZE", "lanczos", "pillow or tf1 or opencv"),
        ("CK_HOST_CPU_NUMBER_OF_PROCESSORS", "two", "a whole number"),
        ("CK_HOST_CPU_NUMBER_OF_PROCESSORS", "0", "from 1"),
        ("CK_SILENT_MODE", "perhaps", "yes or no"),
        ("FULL_REPORT", "2", "yes or no"),
        (f"{MODEL}ROOT", "/no/such/folder", "an existing folder"),
        (f"{MODEL}TFLITE_GRAPH_REGULAR_NMS", "gone.tflite", "an existing file"),
        (f"{MODEL}LABELMAP_FILE", "gone.pbtxt", "an existing file"),
        (f"{MODEL}IMAGE_CHANNELS", "1", "expected 3"),
        (f"{MODEL}SUBTRACT_MEAN", "YES", "expected no"),
        (f"{MODEL}NEED_BACKGROUND_CORRECTION", "maybe", "yes or no"),
        ("CK_ENV_DATASET_IMAGE_DIR", "/no/such/folder", "an existing folder"),
        ("CK_ENV_DATASET_ANNOTATIONS", "/no/such/file.json", "an existing file"),
        ("CK_ENV_TOOL_COCO_PYTHON_FILE", "/no/such/python", "an existing file"),
    ],
)
def test_a_bad_value_names_the_variable(bench: Bench, variable: str, value: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_environment({**bench.environment, variable: value})
    text = str(caught.value)
    assert text.startswith(f"{variable} ")
    assert expected in text
    assert repr(value) in text or value in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "variable",
    [f"{MODEL}ROOT", "CK_ENV_DATASET_IMAGE_DIR", "CK_ENV_DATASET_ANNOTATIONS"],
)
def test_a_missing_variable_is_named(bench: Bench, variable: str) -> None:
    with pytest.raises(UsageError, match=rf"^{variable} is not set"):
        from_environment({name: value for name, value in bench.environment.items() if name != variable})


def test_a_label_list_stands_in_for_a_label_map(bench: Bench) -> None:
    environment = {**bench.environment, f"{MODEL}LABELMAP_FILE": "", f"{MODEL}CLASSES": "flatlabels.txt"}
    assert from_environment(environment).model.labels == bench.model / "flatlabels.txt"


@pytest.mark.parametrize("switch_name", ["CUSTOM_MODEL_SETTINGS", "USE_CUSTOM_NMS_SETTINGS"])
def test_custom_settings_count_only_when_switched_on(bench: Bench, switch_name: str) -> None:
    values = {"NMS_SCORE_THRESHOLD": "0.00001", "MAX_DETECTIONS": "50", "SCALE_H": "5.0"}
    assert from_environment({**bench.environment, **values}).model.custom is None
    custom = from_environment({**bench.environment, **values, switch_name: "yes"}).model.custom
    assert custom == CustomOptions(nms_score_threshold=0.00001, max_detections=50, h_scale=5.0)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NMS_SCORE_THRESHOLD", "-0.1"),
        ("NMS_SCORE_THRESHOLD", "nan"),
        ("NMS_IOU_THRESHOLD", "inf"),
        ("NMS_IOU_THRESHOLD", "0"),
        ("NMS_IOU_THRESHOLD", "1.5"),
        ("NMS_IOU_THRESHOLD", "1e300"),
        ("NMS_IOU_THRESHOLD", "half"),
        ("SCALE_Y", "0"),
        ("MAX_DETECTIONS", "0"),
        ("DETECTIONS_PER_CLASS", "1e3"),
        ("CUSTOM_MODEL_SETTINGS", "surely"),
    ],
)
def test_a_bad_custom_setting_names_the_variable(bench: Bench, variable: str, value: str) -> None:
    with pytest.raises(UsageError, match=rf"^{variable} "):
        from_environment({**bench.environment, "USE_CUSTOM_NMS_SETTINGS": "yes", variable: value})


def test_boxes_that_cover_each_other_wholly_may_still_both_count(bench: Bench) -> None:
    values = {"USE_CUSTOM_NMS_SETTINGS": "yes", "NMS_IOU_THRESHOLD": "1"}
    assert from_environment({**bench.environment, **values}).model.custom == CustomOptions(
        nms_iou_threshold=1.0
    )


def test_fast_nms_takes_one_class_per_detection_only(bench: Bench) -> None:
    values = {"CUSTOM_MODEL_SETTINGS": "yes", "MAX_CLASSES_PER_DETECTION": "2"}
    assert from_environment({**bench.environment, **values, "USE_NMS": "regular"}).model.custom is not None
    with pytest.raises(UsageError, match=r"^MAX_CLASSES_PER_DETECTION .*1 together with fast NMS"):
        from_environment({**bench.environment, **values, "USE_NMS": "fast"})


def test_a_json_object_gives_the_same_settings(bench: Bench) -> None:
    settings = from_environment({**bench.environment, "CUSTOM_MODEL_SETTINGS": "yes", "MAX_DETECTIONS": "9"})
    mapping = json.loads(json.dumps(dataclasses.asdict(settings), default=str))
    assert from_mapping(mapping) == settings


@pytest.mark.parametrize(
    ("key", "value"),
    [("batch_count", 0), ("batch_count", True), ("threads", "x"), ("model", [])],
)
def test_a_bad_json_value_names_its_key(bench: Bench, key: str, value: object) -> None:
    mapping = json.loads(json.dumps(dataclasses.asdict(from_environment(bench.environment)), default=str))
    with pytest.raises(UsageError, match=rf"^{key} has no value that can be used"):
        from_mapping({**mapping, key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [("nms", "soft"), ("runtime", "torch"), ("file", "/no/such"), ("normalize", "perhaps"), ("notes", "one")],
)
def test_a_bad_json_value_of_the_model_names_its_key(bench: Bench, key: str, value: object) -> None:
    mapping = plain(from_environment(bench.environment))
    mapping["model"][key] = value
    with pytest.raises(UsageError, match=rf"^model\.{key} has no value that can be used"):
        from_mapping(mapping)


def test_unknown_and_missing_json_keys_are_named(bench: Bench) -> None:
    mapping = json.loads(json.dumps(dataclasses.asdict(from_environment(bench.environment)), default=str))
    with pytest.raises(UsageError, match=r"Unknown setting: treads"):
        from_mapping({**mapping, "treads": 2})
    del mapping["model"]
    with pytest.raises(UsageError, match=r"^model is not set"):
        from_mapping(mapping)


@given(st.integers() | st.integers(-5, 1100))
def test_every_whole_number_is_taken_or_refused_by_its_value(number: int) -> None:
    check = whole_number(1, 1024)
    if 1 <= number <= 1024:
        assert check("X", f" {number} ") == check("X", number) == number
    else:
        with pytest.raises(UsageError, match=r"^X has no value"):
            check("X", str(number))


@given(st.text())
def test_no_text_ends_in_another_error(text: str) -> None:
    checks = [
        whole_number(1),
        real_number(0),
        choice("regular", "fast"),
        switch,
        *(check for _, check in CHECKS.values()),
    ]
    for check in checks:
        fault = ""
        try:
            value = check("X", text)
        except UsageError as error:
            fault = error.what
        assert fault.startswith("X ") or isinstance(value, str | bool) or math.isfinite(value)

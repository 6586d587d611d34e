"""A graph without NMS with this project's own: the same detections as the graphs that have the operator."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from ckssd.errors import CkssdError, InputError, UsageError
from ckssd.measure.run import DetectedSet, detect_data_set
from ckssd.measure.settings import BenchmarkSettings, from_environment, from_mapping
from ckssd.tflite.flatbuffer import Table
from ckssd.tflite.model import MODEL_BUFFERS, cut_model, read_model
from tests.measure.conftest import MODEL, Bench

OPTIONS = {
    "MAX_DETECTIONS": "20",
    "MAX_CLASSES_PER_DETECTION": "1",
    "NMS_SCORE_THRESHOLD": "0.3",
    "NMS_IOU_THRESHOLD": "0.6",
    "SCALE_Y": "10",
    "SCALE_X": "10",
    "SCALE_H": "5",
    "SCALE_W": "5",
    "NUM_CLASSES": "6",
}


@pytest.fixture
def raw(bench: Bench) -> Bench:
    """The small benchmark with a graph that ends before the operator, its anchors and its options."""
    cut = cut_model(read_model(bench.model / "detect_regular_nms.tflite"))
    (bench.model / "detect_no_nms.tflite").write_bytes(cut.convolutions)
    anchors = np.frombuffer(Table.root(cut.postprocess).tables(MODEL_BUFFERS)[1].blob(0), np.float32)
    lines = [" ".join(f"{value:.9g}" for value in row) for row in anchors.reshape(-1, 4)]
    (bench.model / "flatanchors.txt").write_text("\n".join(lines))
    bench.environment.update({MODEL + name: value for name, value in OPTIONS.items()})
    bench.environment.update({f"{MODEL}ANCHORS": "flatanchors.txt", "USE_NMS": "none"})
    return bench


def rows(found: DetectedSet) -> list[dict[str, Any]]:
    return sorted(found.detections, key=json.dumps)


def changed(raw: Bench, **variables: str) -> dict[str, str]:
    return {**raw.environment, **variables}


@pytest.mark.parametrize("nms", ["regular", "fast"])
def test_it_finds_what_the_operator_finds(raw: Bench, nms: str) -> None:
    own = detect_data_set(from_environment(changed(raw, CK_NMS=nms)))
    operator = detect_data_set(from_environment(changed(raw, USE_NMS=nms)))
    assert rows(own) == rows(operator)
    assert len(rows(own)) > 20
    assert dataclasses.replace(own.backend.postprocessing, by="") == dataclasses.replace(
        operator.backend.postprocessing, by=""
    )


def test_the_anchors_are_a_part_of_the_model(raw: Bench) -> None:
    backend = detect_data_set(from_environment(raw.environment)).backend
    assert backend.files == (raw.model / "detect_no_nms.tflite", raw.model / "flatanchors.txt")


def test_regular_is_the_default(raw: Bench) -> None:
    settings = from_environment(raw.environment)
    assert settings.model.own_nms is not None
    assert settings.model.own_nms.options.use_regular_nms
    assert settings.model.file.name == "detect_no_nms.tflite"


def test_custom_settings_go_before_the_models_own(raw: Bench) -> None:
    custom = {"CUSTOM_MODEL_SETTINGS": "yes", "NMS_SCORE_THRESHOLD": "0.00001", "MAX_DETECTIONS": "50"}
    own = detect_data_set(from_environment(changed(raw, **custom)))
    operator = detect_data_set(from_environment(changed(raw, USE_NMS="regular", **custom)))
    assert rows(own) == rows(operator)
    assert own.backend.postprocessing.custom_settings


def test_the_settings_go_through_json_unchanged(raw: Bench) -> None:
    settings = from_environment(changed(raw, CK_NMS="fast"))
    plain = json.loads(json.dumps(dataclasses.asdict(settings), default=str))
    assert from_mapping(plain) == settings


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("CK_NMS", "soft", "regular or fast"),
        (f"{MODEL}ANCHORS", "gone.txt", "an existing file"),
        (f"{MODEL}NMS_IOU_THRESHOLD", "high", "a number"),
        (f"{MODEL}NMS_IOU_THRESHOLD", "0", "above 0 and of at most 1"),
        (f"{MODEL}NMS_IOU_THRESHOLD", "1.5", "above 0 and of at most 1"),
        (f"{MODEL}SCALE_H", "0", "above 0"),
    ],
)
def test_a_bad_or_missing_variable_is_named(raw: Bench, variable: str, value: str, expected: str) -> None:
    with pytest.raises(UsageError, match=rf"^{variable} .*") as caught:
        from_environment(changed(raw, **{variable: value}))
    assert expected in str(caught.value)


def test_anchors_that_no_variable_names_are_looked_for_beside_the_graph(raw: Bench) -> None:
    named, beside = (
        from_environment(each) for each in (raw.environment, changed(raw, **{f"{MODEL}ANCHORS": ""}))
    )
    assert beside.model.own_nms == named.model.own_nms
    (raw.model / "flatanchors.txt").rename(raw.model / "other.txt")
    with pytest.raises(UsageError, match=rf"^{MODEL}ANCHORS is not set.*flatanchors\.txt or anchors\.txt"):
        from_environment(changed(raw, **{f"{MODEL}ANCHORS": ""}))


def test_settings_of_nms_that_nobody_states_are_assumed_and_said(raw: Bench) -> None:
    variable = f"{MODEL}NMS_SCORE_THRESHOLD"
    assumed = from_environment(changed(raw, **{variable: ""})).model
    assert assumed.own_nms is not None
    assert assumed.own_nms.options.nms_score_threshold == 0.3
    assert assumed.notes == ("nobody states these settings of NMS; assumed: NMS_SCORE_THRESHOLD=0.3",)
    assert from_environment(raw.environment).model.notes == ()


def test_the_configuration_beside_a_graph_states_its_nms(raw: Bench) -> None:
    (raw.model / "pipeline.config").write_text(
        "model { ssd { num_classes: 6 box_coder { faster_rcnn_box_coder { y_scale: 9.0 } }"
        " post_processing { batch_non_max_suppression {"
        " score_threshold: 0.02 max_total_detections: 17 } } } }"
    )
    unset = {f"{MODEL}{name}": "" for name in ("NMS_SCORE_THRESHOLD", "MAX_DETECTIONS", "SCALE_Y")}
    options = from_environment(changed(raw, **unset)).model.own_nms.options
    assert (options.nms_score_threshold, options.max_detections, options.y_scale) == (0.02, 17, 9.0)
    stated = from_environment(raw.environment).model.own_nms.options
    assert stated.y_scale == 10.0, "the entry goes before the configuration"


def test_what_the_configuration_asks_for_and_this_nms_does_not_do_is_said(raw: Bench) -> None:
    (raw.model / "pipeline.config").write_text(
        "model { ssd { post_processing { batch_non_max_suppression {"
        " soft_nms_sigma: 0.5 use_class_agnostic_nms: true } } } }"
    )
    regular, fast = (from_environment(changed(raw, CK_NMS=kind)).model.notes for kind in ("regular", "fast"))
    assert regular == (
        "pipeline.config asks for soft NMS; this NMS suppresses for good",
        "pipeline.config asks for class-agnostic NMS, which only fast NMS is",
    )
    assert fast == regular[:1]


def test_ck_nms_is_refused_where_the_graph_does_nms(raw: Bench) -> None:
    with pytest.raises(UsageError, match=r"CK_NMS counts only .*expected USE_NMS=none, got USE_NMS=fast"):
        from_environment(changed(raw, USE_NMS="fast", CK_NMS="fast"))


@pytest.mark.parametrize("variable", ["MAX_CLASSES_PER_DETECTION", f"{MODEL}MAX_CLASSES_PER_DETECTION"])
def test_fast_nms_with_several_classes_of_a_box_is_refused(raw: Bench, variable: str) -> None:
    environment = changed(raw, CK_NMS="fast", CUSTOM_MODEL_SETTINGS="yes", **{variable: "2"})
    with pytest.raises(UsageError, match=rf"^{variable} .*1 together with fast NMS"):
        from_environment(environment)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({f"{MODEL}TFLITE_GRAPH_NO_NMS": "detect_fast_nms.tflite"}, "not the outputs of a graph without NMS"),
        ({f"{MODEL}NUM_CLASSES": "5"}, "not the outputs of a graph without NMS"),
    ],
)
def test_a_graph_that_does_not_fit_is_refused(raw: Bench, change: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        detect_data_set(from_environment(changed(raw, **change)))


def test_fewer_anchors_than_the_graph_has_are_refused(raw: Bench) -> None:
    path = raw.model / "flatanchors.txt"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(InputError, match="for 63 anchors"):
        detect_data_set(from_environment(raw.environment))


@pytest.mark.parametrize("own_nms", [None, {"anchors": "x"}, {"anchors": "x", "options": {}}, "regular"])
def test_settings_without_anchors_or_options_are_refused(raw: Bench, own_nms: Any) -> None:
    settings: BenchmarkSettings = from_environment(raw.environment)
    plain = json.loads(json.dumps(dataclasses.asdict(settings), default=str))
    with pytest.raises(CkssdError, match="own_nms"):
        detect_data_set(from_mapping({**plain, "model": {**plain["model"], "own_nms": own_nms}}))


@pytest.mark.parametrize(
    ("name", "value"), [("nms_iou_threshold", 1.5), ("max_detections", 0), ("use_regular_nms", "perhaps")]
)
def test_an_option_in_json_is_checked_as_a_variable_is(raw: Bench, name: str, value: object) -> None:
    plain = json.loads(json.dumps(dataclasses.asdict(from_environment(raw.environment)), default=str))
    plain["model"]["own_nms"]["options"][name] = value
    with pytest.raises(UsageError, match=rf"^own_nms\.options\.{name} has no value that can be used"):
        from_mapping(plain)

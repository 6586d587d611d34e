"""The benchmark from images to metrics: true numbers, equal with any number of threads; clear failures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ckssd.coco.metric_types import MetricChoice
from ckssd.coco.metrics import evaluate
from ckssd.errors import CkssdError, InputError, RunError, UsageError
from ckssd.measure.detected import DetectedSet
from ckssd.measure.opened import open_run
from ckssd.measure.run import detect_data_set, run_benchmark
from ckssd.measure.settings import BenchmarkSettings, from_environment
from ckssd.measure.summary import summary
from ckssd.measure.times import Times
from tests.measure.conftest import IMAGES, NAMES, Bench


@pytest.fixture
def settings(bench: Bench) -> BenchmarkSettings:
    return from_environment(bench.environment)


def edited(bench: Bench, change: Any) -> None:
    """Change the annotations in place."""
    content = json.loads(bench.annotations.read_text())
    change(content)
    bench.annotations.write_text(json.dumps(content))


def by_class(result: DetectedSet) -> dict[int, list[str]]:
    classes: dict[int, list[str]] = {}
    for detection in result.detections:
        classes.setdefault(detection["category_id"], []).append(json.dumps(detection))
    return {category: sorted(rows) for category, rows in classes.items()}


def test_the_numbers_are_those_of_the_detections(settings: BenchmarkSettings) -> None:
    result = run_benchmark(settings)
    expected = evaluate(settings.annotations, list(result.detections), range(93, 101), "pycocotools")
    assert result.metrics["metrics"] == expected["metrics"]
    assert result.mean_average_precision == expected["metrics"]["AP"]
    assert result.recall == expected["metrics"]["AR100"] > 0
    assert list(result.metrics["per_class"]) == list(NAMES)
    assert len(result.times.load) == len(result.times.detect) == IMAGES
    assert {detection["category_id"] for detection in result.detections} == set(range(1, 7))


@pytest.mark.parametrize("nms", ["regular", "fast"])
def test_neither_mode_nor_threads_change_a_bit_of_any_class(bench: Bench, nms: str) -> None:
    settings = from_environment({**bench.environment, "USE_NMS": nms})
    one, *others = [
        detect_data_set(replace(settings, mode=mode, threads=threads))
        for mode in ("latency", "throughput")
        for threads in (1, 2, 3, 4)
    ]
    assert set(by_class(one)) == set(range(1, 7))
    for other in others:
        assert list(other.detections) == list(one.detections)


def test_custom_settings_make_the_fast_graph_regular(bench: Bench) -> None:
    regular = run_benchmark(from_environment(bench.environment))
    fast = detect_data_set(from_environment({**bench.environment, "USE_NMS": "fast"}))
    custom = {**bench.environment, "USE_NMS": "fast", "CUSTOM_MODEL_SETTINGS": "yes"}
    as_regular = run_benchmark(from_environment(custom))
    assert list(as_regular.detections) == list(regular.detections) != list(fast.detections)
    assert as_regular.metrics == regular.metrics
    assert as_regular.settings.postprocessing.nms == "regular"
    assert as_regular.settings.postprocessing.custom_settings
    values = {"NMS_SCORE_THRESHOLD": "0.00001", "MAX_DETECTIONS": "60"}
    lower = detect_data_set(from_environment({**custom, **values}))
    assert lower.backend.postprocessing.score_threshold == 0.00001
    assert len(lower.detections) > len(regular.detections)


def test_images_are_taken_in_order_of_id(settings: BenchmarkSettings) -> None:
    part = run_benchmark(replace(settings, skip_images=1, batch_count=2))
    assert {detection["image_id"] for detection in part.detections} == {94, 95}
    assert (part.settings.images, part.settings.images_available, part.settings.images_skipped) == (
        2,
        IMAGES,
        1,
    )
    assert part.metrics["images"] == 2
    assert part.notes == ()


def test_more_images_than_there_are_is_lowered_with_a_note(settings: BenchmarkSettings) -> None:
    result = run_benchmark(replace(settings, skip_images=2, batch_count=5000))
    assert result.settings.images == IMAGES - 2
    (note,) = result.notes
    assert note == "CK_BATCH_COUNT lowered from 5000 to 6: the data set has no more images after skipping 2"
    assert note in summary(result)


def test_skipping_all_images_is_refused(settings: BenchmarkSettings) -> None:
    with pytest.raises(
        UsageError, match=rf"^CK_SKIP_IMAGES leaves no image: .*at most {IMAGES - 1}, got {IMAGES}"
    ):
        run_benchmark(replace(settings, skip_images=IMAGES))


def test_a_category_with_another_id_is_matched_by_name(bench: Bench, settings: BenchmarkSettings) -> None:
    before = run_benchmark(settings)

    def renumber(content: dict[str, Any]) -> None:
        for entry in content["categories"]:
            entry["id"] = 70 - entry["id"]
        for entry in content["annotations"]:
            entry["category_id"] = 70 - entry["category_id"]

    edited(bench, renumber)
    after = run_benchmark(settings)
    # the order of categories, and so that of summing up, is another
    assert after.mean_average_precision == pytest.approx(before.mean_average_precision, rel=1e-12)
    assert after.metrics["per_class"] == before.metrics["per_class"]
    assert "by name" in after.settings.class_map


def test_where_nothing_is_right_a_note_names_the_labels_as_a_cause(
    bench: Bench, settings: BenchmarkSettings
) -> None:
    def is_noted() -> bool:
        return any("labels are in another order" in note for note in run_benchmark(settings).notes)

    assert not is_noted()
    edited(bench, lambda content: [each.update(bbox=[0, 0, 3, 3]) for each in content["annotations"]])
    assert is_noted()


def test_a_graph_that_is_not_what_it_is_called_is_noted(bench: Bench, settings: BenchmarkSettings) -> None:
    result = run_benchmark(
        replace(settings, model=replace(settings.model, file=bench.model / "detect_fast_nms.tflite"))
    )
    assert result.settings.postprocessing.nms == "fast"
    assert result.notes == (
        "USE_NMS=regular, but the graph detect_fast_nms.tflite was exported with fast NMS",
    )


def test_the_summary_has_the_seeds_lines_and_the_settings_that_decide(settings: BenchmarkSettings) -> None:
    result = run_benchmark(settings)
    lines = summary(result, full=True).splitlines()
    times = result.times
    for line in [
        f"Graph loaded in {times.setup:.6f}s",
        f"All images loaded in {sum(times.load):.6f}s",
        f"All images detected in {sum(times.detect):.6f}s",
        f"Average detection time: {sum(times.detect[1:]) / (IMAGES - 1):.6f}s",
        f"mAP: {result.mean_average_precision!r}",
        f"Recall: {result.recall!r}",
        "Runtime: litert, float32; postprocessing by TFLite_Detection_PostProcess",
        "NMS: regular",
        "Score threshold: 0.3",
        "IoU threshold: 0.6",
        "Limits: 20 detections, 100 per class",
        "Mode: throughput (an image for each core)",
        "Threads: 2 interpreters with 1 each, postprocessing 1",
        f"AP of star: {result.metrics['per_class']['star']!r}",
    ]:
        assert line in lines
    size, digest = settings.model.file.stat().st_size, result.settings.model_sha256
    assert f"Model: detect_regular_nms.tflite ({size} bytes) sha256 {digest}" in lines
    assert any(line.startswith("Resize: 8x8, Pillow bilinear") for line in lines)
    assert any("ai-edge-litert" in line and "hotcoco" in line for line in lines)


@pytest.mark.parametrize(("metric", "title"), [("voc2007", "Pascal VOC 2007"), ("OID", "Open Images V2")])
def test_another_metric_is_named_with_its_numbers(
    bench: Bench, settings: BenchmarkSettings, metric: str, title: str
) -> None:
    edited(bench, lambda content: content["annotations"][0].update(difficult=1))
    measured = run_benchmark(from_environment({**bench.environment, "CK_METRIC_TYPE": metric}))
    expected = evaluate(
        settings.annotations,
        list(measured.detections),
        range(93, 101),
        choice=MetricChoice(measured.settings.metric),
    )
    lines = summary(measured, full=True).splitlines()
    assert f"mAP: {expected['mAP']!r}" in lines
    assert f"Recall: {expected['recall']!r}" in lines
    assert f"AP50: {expected['metrics']['AP50']!r}" in lines
    assert f"AP of star: {expected['per_class']['star']!r}" in lines
    (said,) = [line for line in lines if line.startswith("Metric: ")]
    assert said.startswith(f"Metric: {metric.lower()}, {title}")
    record = measured.as_timer()
    assert (record["mAP"], record["metrics"], record["per_class"]) == tuple(
        expected[key] for key in ("mAP", "metrics", "per_class")
    )
    assert (record["settings"]["metric"], record["settings"]["metrics_tool"]) == (metric.lower(), "ckssd")
    assert [note for note in record["notes"] if "marked difficult" in note] == expected["metric_notes"]
    assert 0 < measured.mean_average_precision != run_benchmark(settings).mean_average_precision


def test_a_hierarchy_is_checked_before_the_first_image_and_recorded(bench: Bench) -> None:
    tree = bench.folder / "tree.json"
    tree.write_text(
        json.dumps({"Subcategory": [{"LabelName": "ring", "Subcategory": [{"LabelName": "star"}]}]})
    )
    variables = {**bench.environment, "CK_METRIC_TYPE": "oid", "CK_OID_HIERARCHY": str(tree)}
    result = run_benchmark(from_environment(variables))
    assert result.settings.hierarchy.startswith("tree.json (")
    assert result.settings.expand == "ground-truth"
    assert any(line.startswith("Hierarchy: tree.json") for line in summary(result).splitlines())
    tree.write_text("{}")
    with pytest.raises(InputError, match="The hierarchy of classes is none"):
        open_run(from_environment(variables))


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"CK_OID_HIERARCHY": "{annotations}"}, "in Open Images' metrics only"),
        ({"CK_METRIC_TYPE": "voc", "CK_OID_HIERARCHY": "{annotations}"}, "in Open Images' metrics only"),
        ({"CK_METRIC_TYPE": "oid", "CK_OID_EXPAND": "both"}, "CK_OID_HIERARCHY"),
        ({"CK_METRIC_TYPE": "oid", "CK_OID_HIERARCHY": "gone.json"}, "CK_OID_HIERARCHY has no value"),
        ({"CK_METRIC_TYPE": "voc", "CK_METRICS_TOOL": "pycocotools"}, "CK_METRICS_TOOL names a tool"),
    ],
)
def test_settings_of_a_metric_that_do_not_count_are_refused(
    bench: Bench, variables: dict[str, str], said: str
) -> None:
    given = {name: text.format(annotations=bench.annotations) for name, text in variables.items()}
    with pytest.raises(UsageError, match=said):
        from_environment({**bench.environment, **given})


@pytest.mark.parametrize(
    ("mode", "threads", "said"),
    [
        ("throughput", 3, "3 images at once"),
        ("throughput", 1, "one image at a time"),
        ("latency", 3, "one image at a time"),
    ],
)
def test_the_summary_says_how_many_images_shared_the_machine(
    settings: BenchmarkSettings, mode: str, threads: int, said: str
) -> None:
    result = run_benchmark(replace(settings, mode=mode, threads=threads))
    (line,) = [line for line in summary(result).splitlines() if line.startswith("Detection time percent")]
    assert line.endswith(f"99th {result.times.detect_percentile(99):.6f}s ({said})")


def test_times_are_sums_and_the_average_leaves_out_the_first() -> None:
    times = Times(setup=1.0, load=(0.5, 0.25), detect=(9.0, 1.0, 2.0), wall=24.0)
    assert (times.load_total, times.detect_total, times.detect_average) == (0.75, 12.0, 1.5)
    assert times.images_per_second == 0.125
    assert Times(1.0, (1.0,), (2.0,), 3.0).detect_average == 2.0


def test_percentiles_are_measured_times_without_the_first() -> None:
    times = Times(0.0, (0.0,) * 101, (99.0, *(float(number) for number in range(1, 101))), 1.0)
    assert [times.detect_percentile(percent) for percent in (50, 90, 99)] == [50.0, 90.0, 99.0]
    assert Times(0.0, (1.0,), (2.0,), 1.0).detect_percentile(90) == 2.0


def _cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


FAILURES: dict[str, tuple[Any, type[CkssdError], str]] = {
    "a missing image": (lambda b: (b.images / "b3.png").unlink(), InputError, r"image is missing: .*b3\.png"),
    "no image": (
        lambda b: (b.images / "b3.png").write_text("x"),
        InputError,
        r"1 of 8 images cannot be read: .*b3\.png \(no known image format\); .*CK_SKIP_BAD_IMAGES=yes",
    ),
    "half an image": (lambda b: _cut_short(b.images / "b3.png"), InputError, r"b3\.png"),
    "an image of another size": (
        lambda b: edited(b, lambda content: content["images"][2].update(width=1000)),
        InputError,
        r"annotations do not fit the images: .*b2\.png \(expected 1000x",
    ),
    "other categories": (
        lambda b: edited(b, lambda content: content["categories"][0].update(name="zebra")),
        InputError,
        r"annotations do not fit the model.*zebra",
    ),
    "annotations that are none": (
        lambda b: b.annotations.write_text("{}"),
        InputError,
        r"instances\.json: images",
    ),
    "a model without the outputs": (
        lambda b: (b.model / "detect_no_nms.tflite").replace(b.model / "detect_regular_nms.tflite"),
        InputError,
        "not the expected outputs",
    ),
    "a model that is none": (
        lambda b: (b.model / "detect_regular_nms.tflite").write_text("hello, this is no model"),
        InputError,
        r"no TFLite model: .*detect_regular_nms\.tflite",
    ),
    "labels of another model": (
        lambda b: (b.model / "labelmap.pbtxt").write_text("item { id: 7 name: 'x' }"),
        InputError,
        "labels do not fit the model.*ids 1 to 6",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_each_fault_has_one_clear_line(bench: Bench, settings: BenchmarkSettings, case: str) -> None:
    spoil, kind, message = FAILURES[case]
    spoil(bench)
    with pytest.raises(kind, match=message) as caught:
        detect_data_set(settings)
    assert "\n" not in str(caught.value)


def test_an_image_size_of_another_model_is_refused(settings: BenchmarkSettings) -> None:
    with pytest.raises(UsageError, match=r"image size does not fit the model.*expected 8x8, got 300x8"):
        run_benchmark(replace(settings, model=replace(settings.model, image_width=300)))


def test_a_python_without_the_metrics_tools_says_what_to_install(
    bench: Bench, settings: BenchmarkSettings
) -> None:
    broken = bench.folder / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(RunError, match="worker's Python cannot be started"):
        run_benchmark(replace(settings, metrics_python=broken))
    broken.chmod(0o755)
    with pytest.raises(RunError, match=r"worker process died: ckssd\.coco\.metrics .*exit code 3"):
        run_benchmark(replace(settings, metrics_python=broken))

"""What a checkpoint's configuration asks of NMS: refused before TensorFlow starts, or noted."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckssd.errors import CkssdError, InputError
from ckssd.graph.pipeline import Pipeline, read_pipeline
from ckssd.tflite.asked import check_asked, notes_on
from ckssd.tflite.convert import make_tflite_model
from ckssd.tflite.export import Checkpoint, export_tflite_graph
from ckssd.tflite.settings import ExportSettings
from tests.support.sandbox import CHECKOUT

CHECKPOINT_FILES = ("model.ckpt.index", "model.ckpt.data-00000-of-00001")


def asking(folder: Path, nms: str) -> Pipeline:
    path = folder / "pipeline.config"
    path.write_text(f"model {{ ssd {{ post_processing {{ batch_non_max_suppression {{ {nms} }} }} }} }}")
    return read_pipeline(path)


@pytest.mark.parametrize(
    ("text", "nms", "said"),
    [
        ("soft_nms_sigma: 0.5", "regular", r"soft NMS.*soft_nms_sigma \(expected 0, got 0\.5\).*--nms none"),
        ("soft_nms_sigma: 0.5", "fast", "soft NMS"),
        ("use_class_agnostic_nms: true", "regular", r"class-agnostic NMS.*--nms fast \(USE_NMS=fast\)"),
    ],
)
def test_another_kind_of_nms_is_refused(tmp_path: Path, text: str, nms: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_asked(asking(tmp_path, text), nms)


@pytest.mark.parametrize(
    ("text", "nms"),
    [
        ("", "regular"),
        ("soft_nms_sigma: 0.0 use_class_agnostic_nms: false", "regular"),
        ("use_class_agnostic_nms: true", "fast"),
        ("use_static_shapes: true", "regular"),  # of the same detections
    ],
)
def test_what_the_operation_does_is_taken(tmp_path: Path, text: str, nms: str) -> None:
    check_asked(asking(tmp_path, text), nms)


def test_both_exports_refuse_before_tensorflow_starts(tmp_path: Path) -> None:
    for name in (*CHECKPOINT_FILES, "labelmap.pbtxt"):
        (tmp_path / name).write_text("item { id: 1 name: 'a' }")
    asking(tmp_path, "soft_nms_sigma: 0.5")
    checkpoint, out = Checkpoint.in_directory(tmp_path), tmp_path / "out"
    with pytest.raises(InputError, match="soft NMS"):
        export_tflite_graph(Path("/none"), Path("/none"), checkpoint, out)
    api = tmp_path / "research" / "object_detection"
    api.mkdir(parents=True)
    (api / "export_tflite_ssd_graph.py").touch()
    with pytest.raises(InputError, match="soft NMS"):
        make_tflite_model(Path("/none"), api, tmp_path, out)
    (tmp_path / "pipeline.config").write_text("nonsense")
    with pytest.raises(InputError, match=r"not in protobuf's text format: .*pipeline\.config"):
        export_tflite_graph(Path("/none"), Path("/none"), checkpoint, out)


def test_limits_that_become_others_are_noted_unless_somebody_chose_them(tmp_path: Path) -> None:
    text = (
        "max_detections_per_class: 20 max_total_detections: 100 max_classes_per_detection: 2"
        " score_threshold: 1e-8 iou_threshold: 0.6"
    )
    pipeline, settings = asking(tmp_path, text), ExportSettings()
    assert notes_on(pipeline, settings, ()) == (
        "pipeline.config has max_detections_per_class 20, the exported graph 100, the default; "
        "--detections-per-class sets it",
        "pipeline.config has max_classes_per_detection 2, the exported graph 1, the default; "
        "--max-classes-per-detection sets it",
    )
    assert notes_on(pipeline, settings, {"detections_per_class", "max_classes_per_detection"}) == ()
    (note,) = notes_on(asking(tmp_path, "score_threshold: 0.5"), settings, ())
    assert "score_threshold 0.5, the exported graph 0.3" in note


def test_nothing_is_said_of_the_built_in_model() -> None:
    pipeline = read_pipeline(CHECKOUT / "package/model-tf-ssd-mobilenet-v1-shapes/files/pipeline.config")
    check_asked(pipeline, "regular")
    assert notes_on(pipeline, ExportSettings(), ()) == ()


def test_texts_side_by_side_are_one_as_protobuf_has_it(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.config"
    path.write_text("model { ssd { } } train_input_reader { label_map_path: 'a/' \"b\"\n  'c' }")
    assert read_pipeline(path).value("train_input_reader", "label_map_path") == "a/bc"
    path.write_text('model { ssd { } } "a"')
    with pytest.raises(CkssdError, match="text format"):
        read_pipeline(path)

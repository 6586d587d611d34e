"""What other tools' habits make of files: read right, or refused in a line. Issue 11, rows 1, 2, 7, 8, 10."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckssd.ck.named_model import named_model, variables_of_named
from ckssd.cli.contenders import told_apart
from ckssd.cli.main import main
from ckssd.coco.truth import read_truth
from ckssd.detect.backends import Feeding, open_backend
from ckssd.detect.boxes import read_anchors
from ckssd.detect.litert import network_input
from ckssd.detect.named_files import pictures
from ckssd.detect.network_input import NetworkInput
from ckssd.detect.results_file import write_results
from ckssd.errors import CkssdError, InputError
from ckssd.model.description import Model
from ckssd.model.labels import read_labels
from ckssd.model.named import runtime_of
from ckssd.model.own_nms import own_nms_of
from ckssd.tflite.model import read_model
from tests.detect.tiny_model import SIDE, metadata_of, tiny_model, tiny_model_without_nms
from tests.measure.conftest import Bench, bench
from tests.support.sandbox import CHECKOUT

__all__ = ["bench"]

Content = dict[str, Any]
NAMES = ("circle", "square", "triangle")
BUILT_IN = CHECKOUT / "package" / "model-tf-ssd-mobilenet-v1-shapes" / "files"


# Row 1: the file that is named.


def described(soft: str) -> Content:
    meta = json.loads((CHECKOUT / "soft" / soft / ".cm" / "meta.json").read_text())
    section: Content = meta["ckssd"]
    return section


@pytest.mark.parametrize(
    ("soft", "name", "beside"),
    [
        ("model.tensorflow.py", "mine.TFLITE", "detect_regular_nms.tflite"),
        ("model.openvino", "mine.XML", "openvino_model.xml"),
        ("model.tensorflow.object-detection", "mine.PB", "frozen_inference_graph.pb"),
    ],
)
def test_a_named_file_runs_whatever_the_case_of_its_ending(
    soft: str, name: str, beside: str, tmp_path: Path
) -> None:
    for each in (name, beside):
        (tmp_path / each).write_bytes(b"")
    assert named_model(tmp_path / name, described(soft), beside) == tmp_path / name
    assert runtime_of(tmp_path / name) == runtime_of(tmp_path / beside)


def test_the_weights_of_an_ir_name_their_network(tmp_path: Path) -> None:
    for name in ("int8.xml", "int8.bin", "openvino_model.xml", "openvino_model.bin", "lonely.bin"):
        (tmp_path / name).write_bytes(b"")
    section = described("model.openvino")
    found = named_model(tmp_path / "int8.bin", section, "openvino_model.xml")
    assert found == tmp_path / "int8.xml"
    assert variables_of_named(section, "P", found)["P_BIN"] == str(tmp_path / "int8.bin")
    with pytest.raises(InputError, match=r"lonely\.xml; it belongs beside lonely\.bin"):
        named_model(tmp_path / "lonely.bin", section, "openvino_model.xml")


@pytest.mark.parametrize("name", ["mine.lite", "mine.tflite.bak", "mine"])
def test_a_file_of_no_known_kind_does_not_stand_for_the_one_beside_it(name: str, tmp_path: Path) -> None:
    for each in (name, "detect_regular_nms.tflite", "labelmap.pbtxt"):
        (tmp_path / each).write_bytes(b"")
    section = described("model.tensorflow.py")
    with pytest.raises(InputError, match="no model of this kind"):
        named_model(tmp_path / name, section, "detect_regular_nms.tflite")
    assert named_model(tmp_path / "labelmap.pbtxt", section, "detect_regular_nms.tflite") is None


# Row 2: what a model's file and what lies beside it say.


@pytest.mark.parametrize(
    "changed", [("num_classes: 6", "num_classes: 90"), ("height: 300", "height: 320"), ("", "")]
)
def test_a_configuration_of_another_model_beside_a_frozen_graph_is_refused(
    changed: tuple[str, str], tmp_path: Path
) -> None:
    """Labels are held against its number of classes: those of 90 would name 6 classes wrongly."""
    graph = tmp_path / "frozen_inference_graph.pb"
    graph.write_bytes((BUILT_IN / graph.name).read_bytes())
    text = (BUILT_IN / "pipeline.config").read_text()
    assert changed[0] in text
    graph.with_name("pipeline.config").write_text(text.replace(*changed))
    model = Model("tensorflow", graph)
    if changed == ("", ""):
        assert open_backend(model, Feeding()).num_classes == 6
        return
    with pytest.raises(InputError, match=r"of another model: .*expected num_classes 6, images 300x300"):
        open_backend(model, Feeding())


def fed(folder: Path, metadata: bytes | None, **kind: Any) -> NetworkInput:
    path = folder / "m.tflite"
    path.write_bytes(tiny_model(metadata=metadata, **kind))
    return network_input(read_model(path))


def test_a_float_model_is_fed_as_its_metadata_say(tmp_path: Path) -> None:
    levels = np.array([[[0, 51, 255]]], np.uint8)
    usual = fed(tmp_path, None)
    assert fed(tmp_path, metadata_of((127.5,), (127.5,))) == usual
    assert fed(tmp_path, metadata_of((127.5,) * 3, (127.5,) * 3)) == usual
    from_0 = fed(tmp_path, metadata_of((0.0,), (255.0,)))
    np.testing.assert_allclose(from_0.feed(levels).ravel(), [0, 0.2, 1], atol=1e-6)
    assert from_0.describe() == "[0, 1]"
    assert fed(tmp_path, metadata_of((0.0,), (1.0,))).describe() == "none (0 to 255)"


def test_a_quantised_image_stays_grey_levels_whatever_the_metadata_say(tmp_path: Path) -> None:
    stated = fed(tmp_path, metadata_of((0.0,), (255.0,)), int8_input=True)
    assert stated == fed(tmp_path, None, int8_input=True) == NetworkInput(SIDE, SIDE, "int8", offset=-128.0)


@pytest.mark.parametrize(
    "metadata",
    [metadata_of((123.7, 116.3, 103.5), (58.4, 57.1, 57.4)), metadata_of((0.0,), (0.0,)), b"\xff" * 40],
)
def test_a_normalisation_that_cannot_be_done_is_refused(tmp_path: Path, metadata: bytes) -> None:
    with pytest.raises(InputError, match="metadata"):
        fed(tmp_path, metadata)


ROWS = [(y, x, 0.2, 0.1) for y in (0.25, 0.75) for x in (0.25, 0.75) for _ in range(3)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda y, x, h, w: (y, x, h, w), None),
        (lambda y, x, h, w: (x, y, w, h), "x before y"),
        (lambda y, x, h, w: (y * 300, x * 300, h * 300, w * 300), "pixels"),
        (lambda y, x, h, w: (y - 0.2 - h / 2, x - w / 2, y + h / 2, x + w / 2), "corners"),
    ],
)
def test_anchors_in_other_units_or_another_order_are_refused(
    change: Callable[..., tuple[float, ...]], said: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "anchors.txt"
    path.write_text("".join(" ".join(map(str, change(*row))) + "\n" for row in ROWS))
    if said is None:
        assert read_anchors(path).shape == (12, 4)
        return
    with pytest.raises(InputError, match=said):
        read_anchors(path)


def test_models_of_one_name_in_several_folders_are_told_apart(tmp_path: Path) -> None:
    """A comparison keeps its results by these names: two of one name were one row, of both runs."""
    files = [tmp_path / name for name in ("a/1/m.tflite", "b/1/m.tflite", "b/2/m.tflite", "b/2/n.tflite")]
    assert told_apart(files) == ["a/1/m.tflite", "b/1/m.tflite", "2/m.tflite", "n.tflite"]
    assert told_apart([files[0], tmp_path / "a" / "1" / ".." / "1" / "m.tflite"]) == ["m.tflite", "m.tflite"]


# Row 7: lists of labels.


def items(*names: str) -> str:
    return "".join(f"item {{ id: {number} name: {name} }}\n" for number, name in enumerate(names, 1))


QUOTED = [f'"{name}"' for name in NAMES]
READ = {
    "label map under another name": ("labels.txt", "# made by hand\n" + items(*QUOTED), 1),
    "label map with texts in parts": ("m.pbtxt", items('"circ" "le"', "'square'", '"tri"\n  "angle"'), 1),
    "JSON under another name": ("labels.txt", json.dumps(list(NAMES)), 0),
    "CVAT": (
        "labelmap.txt",
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncircle:1,2,3::\nsquare:::\ntriangle:4,5,6:a:\n",
        1,
    ),
    "quoted": ("labels.txt", ",\n".join(QUOTED) + "\n", 0),
    "YAML's list": ("labels.txt", "- circle\n- square\n- triangle\n", 0),
    "number behind": ("labels.txt", "circle,0\nsquare,1\ntriangle,2\n", 0),
    "CSV": ("classes.csv", "name,id\nsquare,2\ncircle,1\ntriangle,3\n", 1),
    "CSV, number first": ("classes.csv", "id;name\n0;circle\n1;square\n2;triangle\n", 0),
}


@pytest.mark.parametrize("name", READ)
def test_labels_in_the_clothes_of_other_tools_are_read(name: str, tmp_path: Path) -> None:
    file, text, first = READ[name]
    (tmp_path / file).write_text(text)
    labels = read_labels(tmp_path / file, 3)
    assert labels.names == dict(enumerate(NAMES))
    assert labels.first_id == first


def test_bytes_that_protobuf_writes_as_octal_are_letters(tmp_path: Path) -> None:
    path = tmp_path / "m.pbtxt"
    path.write_text(items(r'"Stra\303\237e"', r'"it\'s"', r"'\x41 \"b\"'"))
    assert list(read_labels(path, 3).names.values()) == ["Straße", "it's", 'A "b"']


NO_LABELS = {
    "cut": ("m.pbtxt", items(*QUOTED)[:-4], "cut short"),
    "cut in a name": ("m.pbtxt", items(*QUOTED)[:-8], "cut short"),
    "an end too many": ("m.pbtxt", items(*QUOTED) + "}", "without a beginning"),
    "half a letter": ("m.pbtxt", items(r'"\303"', '"b"', '"c"'), "damaged"),
    "YAML": ("data.yaml", "train: a\nval: b\nnames: [a, b, c]\n", "not read from YAML"),
    "HTML": ("labels.txt", "<html>\n404: Not Found\n</html>\n", "HTML"),
    "JSON lines": ("labels.txt", '{"id": 0}\n{"id": 1}\n{"id": 2}\n', "braces"),
    "a key twice": ("labels.json", '{"0": "a", "1": "b", "1": "c"}', "twice"),
    "a table": ("classes.csv", "circle,red\nsquare,blue\ntriangle,green\n", "table"),
    "one long line": ("labels.txt", "a" + "\t" * 1_000_000 + "b", "1000002 characters"),
}


@pytest.mark.parametrize("name", NO_LABELS)
def test_what_only_has_as_many_lines_as_labels_is_refused(name: str, tmp_path: Path) -> None:
    file, text, said = NO_LABELS[name]
    (tmp_path / file).write_text(text)
    with pytest.raises(InputError, match=said):
        read_labels(tmp_path / file, 1 if "long" in name else 3)


# Row 8 and results: names of files.


def test_an_empty_name_is_not_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="empty"):
        pictures([""])


@pytest.mark.parametrize("ending", [".csv", ".json"])
def test_a_name_that_is_no_utf_8_does_not_end_the_results(ending: str, tmp_path: Path) -> None:
    found = {"id": 1, "name": "a", "score": 0.5, "bbox": [1.0, 2.0, 3.0, 4.0]}
    output = tmp_path / f"found{ending}"
    write_results(output, [{"file": os.fsdecode(b"bad\xff.png"), "detections": [found]}])
    text = output.read_text(encoding="utf-8")
    assert r"bad\udcff.png" in text
    assert next(csv.reader(text.splitlines()[1:])) if ending == ".csv" else json.loads(text)


@pytest.mark.parametrize(
    ("command", "read"), [("detect", "--labels"), ("benchmark", "--annotations"), ("sweep", "--detections")]
)
def test_results_never_take_the_place_of_what_was_read(
    command: str, read: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text("[]")
    model = [] if command == "sweep" else ["--model", str(tmp_path / "m.tflite")]
    same = str(tmp_path / "." / "mine.json")
    assert main([command, *model, read, str(mine), "--output", same]) == 2
    assert "would overwrite what is read" in capsys.readouterr().err
    assert mine.read_text() == "[]"


ADDRESS = "https://user:s3cr3t-w0rd@files.example.org/a/b.json?X-Amz-Signature=s3cr3t-w0rd"


@pytest.mark.parametrize(
    "arguments",
    [
        ["detect", "--model", "m.tflite", ADDRESS],
        ["detect", "--model", ADDRESS, "a.png"],
        ["detect", "--model", "m.tflite", "--labels", ADDRESS, "a.png"],
        ["detect", "--model", "m.tflite", "a.png", "--output", ADDRESS],
        ["detect", "--model", "m.tflite", "a.png", "--output", ADDRESS.replace("://", ":/")],
        ["sweep", "--annotations", ADDRESS, "--detections", "found.json"],
        ["export", "--frozen_graph", ADDRESS, "--output", "made"],
        ["mo", "--input_model", ADDRESS, "--output_dir", "made"],
    ],
)
def test_an_address_in_the_place_of_a_file_is_refused_without_its_secrets(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("m.tflite", "a.png"):
        (tmp_path / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert main(arguments) in (2, 3, 4, 7)
    said = capsys.readouterr()
    assert "s3cr3t" not in said.out + said.err
    assert not (tmp_path / "https:").exists()


# Row 10: annotations.


def noted(bench: Bench, change: Callable[[Content], None]) -> tuple[str, ...]:
    """The notes that a change to the annotations adds."""
    before = read_truth(bench.annotations).notes
    content = json.loads(bench.annotations.read_text())
    change(content)
    bench.annotations.write_text(json.dumps(content))
    return tuple(note for note in read_truth(bench.annotations).notes if note not in before)


def twice(content: Content) -> None:
    first = content["annotations"][0]
    content["annotations"] += [{**first, "id": 1000}, {**first, "id": 1001}]


def turned(content: Content) -> None:
    for entry, rotation in zip(content["annotations"], (0.0, 33.5, 360, None, "9"), strict=False):
        entry["attributes"] = {"occluded": False, "rotation": rotation}


def flat(content: Content) -> None:
    content["annotations"][0]["bbox"][2] = 0


def addresses(content: Content) -> None:
    for image in content["images"]:
        image["file_name"] = (
            f"https://files.example.org/a/{image['file_name']}?X-Amz-Signature=0123456789abcdef"
        )


REMARKS = {
    twice: "2 annotations equal to another of its image (category and box): only one is found",
    turned: "1 annotation with a rotation (CVAT): its box was taken as if it were not turned",
    flat: "1 annotation with a box without width or height: none can be found",
    addresses: "8 images with an address as file_name: the name at its end was taken",
}


@pytest.mark.parametrize("change", REMARKS)
def test_what_costs_accuracy_whatever_the_model_finds_is_said(
    bench: Bench, change: Callable[[Content], None]
) -> None:
    assert noted(bench, change) == (REMARKS[change],)


def sized(content: Content) -> Content:
    """Boxes inside images of 640x480, one in each corner."""
    for image in content["images"]:
        image.update(width=640, height=480)
    for index, entry in enumerate(content["annotations"]):
        entry["bbox"] = [300 * (index % 2) + 10, 200 * (index // 2 % 2) + 10, 250, 220]
    return content


def fractions(content: Content) -> None:
    for entry in sized(content)["annotations"]:
        x, y, width, height = entry["bbox"]
        entry["bbox"] = [x / 640, y / 480, width / 640, height / 480]


def corners(content: Content) -> None:
    for entry in sized(content)["annotations"]:
        x, y, width, height = entry["bbox"]
        entry["bbox"] = [x + 60, y + 40, x + width + 60, y + height + 40]


def percentages(content: Content) -> None:
    for entry in sized(content)["annotations"]:
        x, y, width, height = entry["bbox"]
        entry["bbox"] = [x / 6.4, y / 4.8, width / 6.4, height / 4.8]


@pytest.mark.parametrize(
    ("change", "said"), [(fractions, "as fractions would be"), (corners, "left, top, right")]
)
def test_boxes_that_cannot_be_pixels_of_side_lengths_are_refused(
    bench: Bench, change: Callable[[Content], None], said: str
) -> None:
    with pytest.raises(CkssdError, match=said):
        noted(bench, change)


def test_boxes_that_may_be_percentages_are_asked_about(bench: Bench) -> None:
    assert noted(bench, lambda content: sized(content) and None) == ()
    assert any("are they percentages?" in note for note in noted(bench, percentages))


def test_a_tflite_that_is_no_detector_is_told_by_its_outputs(tmp_path: Path) -> None:
    """MediaPipe's models, say: a message on a variable that is not set sent people to the wrong place."""
    file = tmp_path / "hand_landmark.tflite"
    file.write_bytes(tiny_model_without_nms())
    with pytest.raises(InputError, match=rf"no SSD detector .*got flat \[1, {SIDE * SIDE * 3}\]"):
        own_nms_of({}, "litert", file)

"""Class names as tools write them: each format and reading, and what fits no reading is refused."""

from __future__ import annotations

import json
import random
import zipfile
from pathlib import Path

import pytest

from ckssd.errors import InputError
from ckssd.model.labels import Labels, read_labels
from ckssd.tflite.metadata import has_labels
from tests.detect.tiny_model import tiny_model

NAMES = ["circle", "square", "triangle"]
BY_CLASS = dict(enumerate(NAMES))


def saved(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def label_map(*items: tuple[int, str]) -> str:
    return "".join(f"item {{ id: {number} name: '{name}' }}\n" for number, name in items)


FROM_1 = list(enumerate(NAMES, start=1))
LINES = "\n".join(NAMES)
READABLE = {
    "label map from 1": ("m.pbtxt", label_map(*FROM_1), 1, "ids from 1"),
    "label map from 0": ("m.pbtxt", label_map(*enumerate(NAMES)), 0, "ids from 0"),
    "label map with background": ("m.pbtxt", label_map((0, "background"), *FROM_1), 1, "0 is the background"),
    "list": ("m.txt", LINES, 0, "one for each class"),
    "list with background": ("m.txt", f"background\n{LINES}\n", 1, "the first is the background"),
    "list as TFLite's demo has it": ("m.txt", f"???\n{LINES}\n\n", 1, "the first is the background"),
    "list in capitals": ("m.txt", f"BACKGROUND\r\n{LINES}\r\n", 1, "the first is the background"),
    "darknet": ("obj.names", LINES, 0, "one for each class"),
    "numbered from 0": ("m.txt", "0  circle\n1  square\n2  triangle\n", 0, "numbered list, ids from 0"),
    "numbered from 1": ("m.txt", "1: circle\n2: square\n3: triangle\n", 1, "numbered list, ids from 1"),
    "numbered, any order": ("m.txt", "2,triangle\n0,circle\n1,square\n", 0, "numbered list, ids from 0"),
    "byte order mark": ("m.txt", "\ufeff" + LINES, 0, "one for each class"),
    "UTF-16": ("m.txt", LINES.encode("utf-16"), 0, "one for each class"),
    "JSON list": ("m.json", json.dumps(NAMES), 0, "one for each class"),
    "JSON by id": (
        "m.json",
        json.dumps({"1": "circle", "2": "square", "3": "triangle"}),
        1,
        "JSON, ids from 1",
    ),
    "JSON by name": (
        "m.json",
        json.dumps({name: index for index, name in enumerate(NAMES)}),
        0,
        "ids from 0",
    ),
    "COCO's categories": (
        "instances.json",
        json.dumps({"images": [], "categories": [{"id": number, "name": name} for number, name in FROM_1]}),
        1,
        "JSON, ids from 1",
    ),
}


@pytest.mark.parametrize("case", READABLE)
def test_every_format_gives_the_same_names_and_says_how_it_was_read(tmp_path: Path, case: str) -> None:
    name, text, first, reading = READABLE[case]
    labels = read_labels(saved(tmp_path, name, text), 3)
    assert (labels.names, labels.first_id) == (BY_CLASS, first)
    assert reading in labels.reading
    assert labels.notes == ()


REFUSED = {
    "a list that is too short": ("m.txt", "circle\nsquare\n", r"expected 3 names.*or 4.*got 2 names"),
    "a list that is too long": ("m.txt", "a\nb\nc\nd\ne\n", "got 5 names"),
    "one name more that is no background": ("m.txt", "dot\n" + LINES, "got 4 names, the first is 'dot'"),
    "a background and a name less": ("m.txt", "background\ncircle\nsquare\n", "got 3 names"),
    "an empty line": ("m.txt", "circle\n\nsquare\n", r"m\.txt, line 2"),
    "nothing": ("m.txt", "\n\n", "empty"),
    "placeholders": ("m.txt", "???\n???\n???\n", "no names"),
    "Latin-1": ("m.txt", "Kreis\nQuadrat\nDreieck f\xfcr\n".encode("latin-1"), "text in UTF-8"),
    "zeros": ("m.txt", b"a\0b\nc\nd", "NUL"),
    "a name twice": ("m.txt", "circle\nsquare\ncircle\n", "'circle' for classes 0 and 2"),
    "an id too high": ("m.pbtxt", label_map(*FROM_1, (4, "star")), r"ids 1 to 3.*got 4 \(star\)"),
    "no label map": ("m.pbtxt", "circle", "no items"),
    "no JSON": ("m.json", "{", "no JSON"),
    "other JSON": ("m.json", '{"a": {"b": 1}}', "no labels"),
    "deep JSON": ("m.json", "[" * 100_000, "no JSON|no labels"),
    "too large": ("m.txt", "x\n" * 3_000_000, "more than"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_fits_no_reading_is_refused(tmp_path: Path, case: str) -> None:
    name, text, message = REFUSED[case]
    with pytest.raises(InputError, match=message) as caught:
        read_labels(saved(tmp_path, name, text), 3)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read: .*gone\.txt"):
        read_labels(tmp_path / "gone.txt", 3)


@pytest.mark.parametrize(("stated", "lines"), [(0, f"background\n{LINES}"), (0, label_map(*FROM_1))])
def test_what_contradicts_the_models_entry_is_refused(tmp_path: Path, stated: int, lines: str) -> None:
    name = "m.pbtxt" if lines.startswith("item") else "m.txt"
    with pytest.raises(InputError, match="do not fit the model"):
        read_labels(saved(tmp_path, name, lines), 3, first_id=stated)
    with pytest.raises(InputError, match="NEED_BACKGROUND_CORRECTION"):
        read_labels(saved(tmp_path, "zero.pbtxt", label_map(*enumerate(NAMES))), 3, first_id=1)


def test_a_label_map_may_have_gaps_and_says_how_many(tmp_path: Path) -> None:
    path = saved(tmp_path, "m.pbtxt", label_map((1, "person"), (90, "toothbrush")))
    labels = read_labels(path, 90)
    assert labels.names == {0: "person", 89: "toothbrush"}
    assert labels.notes == ("88 of the model's 90 classes have no name in m.pbtxt",)


def test_names_that_begin_with_numbers_are_names(tmp_path: Path) -> None:
    path = saved(tmp_path, "m.txt", "1 euro\n2 euro\n5 cent\n")
    assert read_labels(path, 3).names == {0: "1 euro", 1: "2 euro", 2: "5 cent"}


def test_display_names_go_before_names(tmp_path: Path) -> None:
    text = 'item { name: "/m/01g317" id: 1 display_name: "person" }'
    assert read_labels(saved(tmp_path, "m.pbtxt", text), 1).names == {0: "person"}


def with_metadata(path: Path, **texts: str) -> Path:
    path.write_bytes(tiny_model(anchors=4))
    with zipfile.ZipFile(path, "a") as archive:
        for name, text in texts.items():
            archive.writestr(f"{name}.txt", text)
    return path


def test_the_list_inside_a_tflite_file_is_read(tmp_path: Path) -> None:
    path = with_metadata(tmp_path / "m.tflite", labelmap=LINES, licence="free\n")
    assert has_labels(path)
    assert read_labels(path, 3).names == BY_CLASS
    one_fits = with_metadata(tmp_path / "n.tflite", a="x\ny\n", b=LINES)
    assert read_labels(one_fits, 3).names == BY_CLASS
    two_fit = with_metadata(tmp_path / "o.tflite", a="x\ny\nz\n", b=LINES)
    with pytest.raises(InputError, match=r"several lists.*a\.txt, b\.txt"):
        read_labels(two_fit, 3)


def test_a_tflite_file_without_metadata_has_no_labels(tmp_path: Path) -> None:
    path = saved(tmp_path, "m.tflite", tiny_model(anchors=4))
    assert not has_labels(path)
    with pytest.raises(InputError, match="metadata"):
        read_labels(path, 3)


def mutated(generator: random.Random, data: bytes) -> bytes:
    """Some bytes changed, cut out or doubled."""
    changed = bytearray(data)
    for _ in range(generator.randint(1, 6)):
        place = generator.randrange(len(changed)) if changed else 0
        kind = generator.randrange(3)
        if kind == 0 and changed:
            changed[place] = generator.randrange(256)
        elif kind == 1:
            del changed[place : place + generator.randint(1, 20)]
        else:
            changed[place:place] = changed[place : place + generator.randint(1, 20)]
    return bytes(changed)


def outcome(path: Path) -> tuple[Labels | None, InputError | None]:
    """What was read, or the error of ours; any other ends the test."""
    try:
        return read_labels(path, 3), None
    except InputError as error:
        return None, error


def test_two_thousand_damaged_files_are_read_or_refused_in_one_line(tmp_path: Path) -> None:
    generator, refused = random.Random(7), 0
    originals = [
        (name, text if isinstance(text, bytes) else text.encode()) for name, text, *_ in READABLE.values()
    ]
    for number in range(2000):
        name, data = originals[number % len(originals)]
        path = saved(tmp_path, name, mutated(generator, data if isinstance(data, bytes) else data.encode()))
        labels, error = outcome(path)
        refused += error is not None
        assert "\n" not in str(error)
        assert labels is None or set(labels.names) <= {0, 1, 2}
    assert 500 < refused < 2000


def test_two_thousand_damaged_metadata_are_read_or_refused_in_one_line(tmp_path: Path) -> None:
    data = with_metadata(tmp_path / "m.tflite", labels=LINES).read_bytes()
    model = len(tiny_model(anchors=4))
    generator, refused = random.Random(8), 0
    for _ in range(2000):
        path = saved(tmp_path, "n.tflite", data[:model] + mutated(generator, data[model:]))
        assert has_labels(path) in (True, False)
        _, error = outcome(path)
        refused += error is not None
        assert "\n" not in str(error)
    assert refused > 500

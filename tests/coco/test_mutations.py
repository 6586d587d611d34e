"""2,000 damaged annotation files: each is read, or refused in one clear line; never a traceback."""

from __future__ import annotations

import json
import os
import random
import resource
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ckssd.coco.annotations import read_annotations
from ckssd.coco.pictures import find_pictures
from ckssd.detect.labels import map_classes
from ckssd.errors import CkssdError
from tests.coco.test_metrics import data_set

pytestmark = pytest.mark.slow

CASES = int(os.environ.get("CKSSD_MUTATIONS", "2000"))
MORE_MEMORY_MB = 300

HOSTILE: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, 10**400, -(10**30), 0.5, 1e308, float("nan")),
    *(float("inf"), float("-inf"), "", " ", "0", "-1", "1.0", "1e400", "9" * 10_000, "nan", "0x10", "1_0"),
    *("\ud800", "\0", "a\nb", "\x1b[31m", "../../x", "/", "C:\\x", "%00", "é", "🚲" * 100, "x" * 100_000),
    *([], {}, [[]], [None], [1, 2, 3, 4], ["1", "2", "3", "4"], [1e400] * 4, {"id": 1}, {"": None}),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every value inside."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in pairs for place in places(inner, (*path, key)))]


def parent_of(content: Any, place: tuple[Any, ...]) -> Any:
    for key in place[:-1]:
        content = content[key]
    return content


def change_values(chance: random.Random, content: Any) -> str:
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        place = chance.choice(places(content)[1:])
        parent = parent_of(content, place)
        kind = chance.random()
        if kind < 0.6:
            parent[place[-1]] = chance.choice(HOSTILE)
        elif kind < 0.8:
            del parent[place[-1]]
        elif isinstance(parent, list):
            parent.append(parent[place[-1]])
        else:
            parent[str(chance.choice(HOSTILE))[:20]] = parent.pop(place[-1])
    return json.dumps(content)


def change_whole_columns(chance: random.Random, content: Any) -> str:
    key = chance.choice(["images", "categories", "annotations"])
    column = chance.choice(list(content[key][0]))
    value = chance.choice(HOSTILE)
    for entry in content[key]:
        entry[column] = value
    return json.dumps(content)


def change_bytes(chance: random.Random, content: Any) -> bytes:
    data = bytearray(json.dumps(content).encode())
    for _ in range(chance.choice([1, 3, 30])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def cut(chance: random.Random, content: Any) -> str:
    text = json.dumps(content)
    return text[: chance.randrange(len(text))]


def nest(chance: random.Random, content: Any) -> str:
    depth = chance.choice([50, 900, 990, 5000, 200_000])
    opening, closing = chance.choice([("[", "]"), ('{"a":', "}")])
    deep = opening * depth + "1" + closing * depth
    text = json.dumps(content)
    place = chance.choice(['"bbox": ', '"id": ', '"file_name": ', '"images": ', '"info": '])
    return text.replace(place, f'{place}{deep}, "x": ', 1)


def repeat_a_key(chance: random.Random, content: Any) -> str:
    return json.dumps(content).replace("{", '{"id": 1, "images": [], ', chance.choice([1, 5]))


def other_encodings(chance: random.Random, content: Any) -> bytes:
    encoding = chance.choice(["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252"])
    content["categories"][0]["name"] = chance.choice(["Käse", "plain"])
    return json.dumps(content, ensure_ascii=False).encode(encoding)


def giant_numbers(chance: random.Random, content: Any) -> str:
    literal = chance.choice(["1e400", "-1e999999999", "9" * 4000, "9" * 100_000, "NaN", "-Infinity", "1E+2"])
    text = json.dumps(content)
    return text.replace(
        chance.choice(['"width": 640', '"iscrowd": 0', '"image_id": 1']), f'"id": {literal}', 1
    )


MUTATIONS: list[Callable[[random.Random, Any], str | bytes]] = [
    *[change_values] * 8,
    *(change_whole_columns, change_bytes, cut, nest, repeat_a_key, other_encodings, giant_numbers),
]


def read_as_a_benchmark_does(path: Path) -> list[str]:
    annotations = read_annotations(path)
    annotations.check_objects([image.id for image in annotations.images])
    used = [category for category, count in annotations.counts.items() if count]
    labels = {number: f"class {number}" for number in (1, 2, 3, 7, 90)}
    matched = map_classes(labels, annotations.categories, num_classes=90, offset=1, where="a.json", used=used)
    _, notes = find_pictures(path.parent, annotations.images)
    return [*annotations.notes, *matched.notes, *notes]


def test_2000_mutations_are_read_or_refused_in_one_line(tmp_path: Path) -> None:
    chance = random.Random(2017)
    truth, _ = data_set(5, 4)
    for image in truth["images"]:
        (tmp_path / image["file_name"]).touch()
    path, before = tmp_path / "instances.json", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes: Counter[str] = Counter()
    for case in range(CASES):
        made = chance.choice(MUTATIONS)(chance, json.loads(json.dumps(truth)))
        path.write_bytes(made if isinstance(made, bytes) else made.encode("utf-8", "surrogatepass"))
        try:
            notes = read_as_a_benchmark_does(path)
            assert all(note.isprintable() and len(note) < 700 for note in notes), (case, notes)
            outcomes["read"] += 1
        except CkssdError as error:
            line = str(error)
            assert line.isprintable(), case
            assert len(line.replace(str(tmp_path), "")) < 700, (case, line)
            outcomes["refused"] += 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown / 1024 < MORE_MEMORY_MB
    assert min(outcomes["read"], outcomes["refused"]) > CASES / 10, outcomes

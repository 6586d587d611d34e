"""Annotations as tools write them, through a whole benchmark: its numbers are those of the repaired file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ckssd.coco.metrics import TOOLS
from ckssd.errors import InputError
from ckssd.measure.run import run_benchmark
from ckssd.measure.settings import from_environment
from ckssd.measure.summary import summary
from tests.measure.conftest import Bench, bench

__all__ = ["bench"]

Content = dict[str, Any]


def sloppy(content: Content) -> None:
    """What CVAT, VIA, Roboflow and hand-written converters do, all in one file."""
    for entry in content["annotations"]:
        del entry["area"], entry["iscrowd"], entry["id"]
        entry["image_id"] = str(entry["image_id"])
    for image in content["images"]:
        image.update(id=str(image["id"]), width=-1, height=-1, file_name=f"C:\\set\\{image['file_name']}")
    for category in content["categories"]:
        category["name"] = f" {category['name'].upper()}"
    content["categories"].insert(0, {"id": 0, "name": "shapes", "supercategory": "none"})


@pytest.mark.parametrize("tool", TOOLS)
def test_a_sloppy_file_measures_as_the_repaired_one_and_says_what_it_assumed(bench: Bench, tool: str) -> None:
    environment = {**bench.environment, "CK_METRICS_TOOL": tool}
    repaired = run_benchmark(from_environment(environment))
    content = json.loads(bench.annotations.read_text())
    sloppy(content)
    bench.annotations.write_text(json.dumps(content), encoding="utf-8-sig")
    found = run_benchmark(from_environment(environment))
    assert found.metrics["metrics"] == repaired.metrics["metrics"]
    assert list(found.metrics["per_class"].values()) == list(repaired.metrics["per_class"].values())
    assert found.detections.sha256() == repaired.detections.sha256()
    said = [note for note in found.notes if note not in repaired.notes]
    assert [note for note in said if note in summary(found)] == said == found.as_timer()["notes"][: len(said)]
    for words in (
        "byte order mark",
        "48 annotations without area",
        "48 annotations without iscrowd",
        "48 annotations without id",
        "ids written as text",
        "8 images without width or height",
        "8 file names not as in the image folder",
        "spelled otherwise (6)",
        "categories left out, which no annotation uses and the model does not know (1): 'shapes'",
    ):
        assert sum(words in note for note in said) == 1, words
    assert len(said) == 9


def no_annotation(content: Content) -> None:
    content["annotations"] = []


def unknown_and_used(content: Content) -> None:
    content["categories"][0]["name"] = "hexagon"


def one_file_for_two(content: Content) -> None:
    content["images"][0]["file_name"] = "a/b0.png"
    content["images"][1]["file_name"] = "b/b0.png"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (no_annotation, "nothing to evaluate with"),
        (unknown_and_used, "not trained on all of their categories"),
        (one_file_for_two, "would be one file"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_the_first_image(
    bench: Bench, change: Callable[[Content], None], said: str
) -> None:
    content = json.loads(bench.annotations.read_text())
    change(content)
    bench.annotations.write_text(json.dumps(content))
    for image in bench.images.iterdir():
        image.write_bytes(b"no image")
    with pytest.raises(InputError, match=said):
        run_benchmark(from_environment(bench.environment))

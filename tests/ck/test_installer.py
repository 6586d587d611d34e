"""Tags that no package has: the message names what is strange, and what is near."""

from __future__ import annotations

from pathlib import Path

from ckssd.ck.installer import PackageEntry, none_fits


def entry(alias: str, tags: str, *variations: str) -> PackageEntry:
    return PackageEntry(alias, "0" * 16, "1", tuple(tags.split(",")), variations, Path(), {})


ENTRIES = [
    *(entry(f"lib-{number}", "lib") for number in range(9)),
    entry("model-a", "model,tflite,coco"),
    entry("model-b", "model,tflite,shapes", "int8"),
]


def test_a_misspelt_tag_is_named_with_the_one_that_was_meant() -> None:
    text = str(none_fits("model, tflit,int8", ENTRIES))
    assert "got tflit, which none has" in text
    assert "did you mean tflite?" in text


def test_the_packages_with_most_of_the_tags_come_first() -> None:
    text = str(none_fits("tflite,shapes,coco,int8", ENTRIES))
    assert "tags of one of: model-b, model-a, lib-0, lib-1, lib-2, … (11 packages)" in text
    assert "which none has" not in text

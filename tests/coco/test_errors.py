"""Errors are sorted as TIDE's own tool sorts them: the same kinds, the same counts, the same costs in AP."""

from __future__ import annotations

import math
import sys
import types
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckssd.coco.analysis import describe, match_all
from ckssd.coco.errors import KINDS, MISSED, TIDE_NAMES, missed
from ckssd.coco.results import rows_of
from tests.coco.test_metrics import data_set, written


@pytest.fixture(scope="module")
def tidecv() -> Any:
    """The reference; what it draws with is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("matplotlib", "matplotlib.pyplot", "tidecv.plotting"):
            patch.setitem(sys.modules, name, types.ModuleType(name))
        import tidecv

        yield tidecv


def messy(seed: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A random set in which every kind of error is frequent; at most 100 detections an image, no crowds."""
    truth, found = data_set(seed, number=30, crowds=0.0)
    # tidecv means over classes without objects, too, if there are detections of them; COCO does not.
    number = Counter(one["category_id"] for one in truth["annotations"])
    for category in number:
        # A recall that is exactly one of the 101 is rounded up by one tool and down by the other.
        while math.gcd(number[category], 100) > 1:
            place = next(p for p, one in enumerate(truth["annotations"]) if one["category_id"] == category)
            del truth["annotations"][place]
            number[category] -= 1
    there = {category for category, count in number.items() if count}
    found = [one for one in found if one["category_id"] in there]
    random = np.random.default_rng(seed)
    classes = sorted(there)
    for one in list(found):
        kind = random.integers(0, 5)
        x, y, width, height = one["bbox"]
        if kind == 0:
            found.append({**one, "category_id": int(random.choice(classes)), "score": float(random.random())})
        elif kind == 1:
            found.append(
                {**one, "bbox": [x + width * 0.4, y, width, height], "score": float(random.random())}
            )
        elif kind == 2:
            found.append({**one, "score": float(random.random())})
    kept: Counter[int] = Counter()
    few = []
    for one in found:
        kept[one["image_id"]] += 1
        if kept[one["image_id"]] <= 100:
            few.append({**one, "score": float(random.random())})  # of equal scores, tools disagree
    return truth, few


def by_tidecv(tidecv: Any, truth: dict[str, Any], found: list[dict[str, Any]]) -> tuple[Any, Any, float]:
    known, given = tidecv.Data("truth"), tidecv.Data("found")
    for data in (known, given):
        for image in truth["images"]:
            data.add_image(image["id"], image["file_name"])
        for category in truth["categories"]:
            data.add_class(category["id"], category["name"])
    for one in truth["annotations"]:
        known.add_ground_truth(one["image_id"], one["category_id"], one["bbox"])
    for one in found:
        given.add_detection(one["image_id"], one["category_id"], one["score"], one["bbox"])
    run = tidecv.quantify.TIDERun(known, given, 0.5, 0.1, tidecv.TIDE.BOX, 100)
    counts = {kind.short_name: number for kind, number in run.count_errors(tidecv.TIDE._error_types).items()}
    costs = {kind.short_name: cost / 100 for kind, cost in run.fix_main_errors().items()}
    return counts, costs, run.ap / 100


@pytest.mark.parametrize("seed", range(10))
def test_kinds_counts_and_costs_are_tidecv_s(tidecv: Any, tmp_path: Path, seed: int) -> None:
    truth, found = messy(seed)
    ids = [image["id"] for image in truth["images"]]
    run = match_all(written(tmp_path, truth), rows_of(found), ids)
    errors = describe(run)["errors"]
    counts, costs, average = by_tidecv(tidecv, truth, found)

    assert sum(number > 0 for number in counts.values()) >= 5
    own = Counter(outcome.kind for outcome in run.found.outcomes)
    own[MISSED] = len(missed(run.truth, run.evaluated.objects, run.found))
    assert {TIDE_NAMES[kind]: own[kind] for kind in KINDS} == counts
    assert {TIDE_NAMES[one["kind"]]: one["count"] for one in errors["kinds"]} == counts
    assert errors["ap"] == pytest.approx(average, abs=1e-12)
    found_costs = {TIDE_NAMES[one["kind"]]: one["cost"] for one in errors["kinds"]}
    # Without what was missed there are fewer objects, so a recall may be one of the 101 again.
    assert found_costs.pop("Miss") == pytest.approx(costs.pop("Miss"), abs=1e-3)
    assert found_costs == pytest.approx(costs, abs=1e-12)


def test_an_image_without_objects_has_background_only(tmp_path: Path) -> None:
    truth, _ = data_set(1, number=3, crowds=0.0)
    truth["annotations"] = [one for one in truth["annotations"] if one["image_id"] != 1]
    found = [{"image_id": 1, "category_id": 2, "bbox": [1, 1, 5, 5], "score": 0.5}]
    run = match_all(written(tmp_path, truth), rows_of(found), [1, 2, 3])
    assert [outcome.kind for outcome in run.found.outcomes] == ["background"]
    assert len(missed(run.truth, run.evaluated.objects, run.found)) == len(truth["annotations"])

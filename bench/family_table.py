"""What ``bench.family`` found, as rows: family.json for programs, with every exception, and family.md."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.family_reasons import AT_THRESHOLD, STEPS, Explained
from tests.support.agreement import Agreement

SURE, LOW = 0.3, 0.01
MOST_DETAILS = 3
COLUMNS = ("model", "way", "MB", "s", "> 0.3 matched", "unmatched")
COLUMNS += ("> 0.01 matched", "unmatched", "unexplained", "score ±", "box ±")


@dataclass(frozen=True)
class Row:
    """One model, one way to run it: size, time of conversion, and the agreement at both thresholds.

    ``tolerance``: said in the table where it is not that of all the others.
    """

    model: str
    way: str
    megabytes: float
    seconds: float
    sure: dict[str, Any]
    low: dict[str, Any]
    tolerance: str = ""


def summary(agreement: Agreement, explained: Sequence[Explained]) -> dict[str, Any]:
    """Numbers of a comparison, and every unmatched detection with its score and what explains it."""
    return {
        "matched": agreement.compared,
        "unmatched": len(explained),
        "unexplained": sum(not each.reason for each in explained),
        "score_difference": agreement.score_difference,
        "box_difference": agreement.box_difference,
        "exceptions": [asdict(each) for each in explained],
    }


def known(folder: Path, measured_anew: Sequence[str]) -> list[Row]:
    """Return the rows of earlier runs, of models that are not measured now."""
    file = folder / "family.json"
    rows = json.loads(file.read_bytes()) if file.is_file() else []
    return [Row(**row) for row in rows if row["model"] not in measured_anew]


def write(rows: Sequence[Row], folder: Path, images: int) -> None:
    """Write family.json and family.md."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "family.json").write_text(
        json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8"
    )
    (folder / "family.md").write_text("\n".join(table(rows, images)) + "\n", encoding="utf-8")


def table(rows: Sequence[Row], images: int) -> list[str]:
    """The rows for people, and under them the exceptions above 0.3 by reason."""
    lines = [
        f"Detections against TensorFlow's own, {images} noise images, seeded weights (of the model trained "
        "quantised: the built-in one's); `python -m bench.family`; times of conversion on a machine that "
        "others use, too.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
    ]
    for row in rows:
        lines.append(
            f"| {row.model} | {row.way} | {row.megabytes} | {row.seconds} | {row.sure['matched']} "
            f"| {row.sure['unmatched']} | {row.low['matched']} | {row.low['unmatched']} "
            f"| {row.sure['unexplained'] + row.low['unexplained']} "
            f"| {row.low['score_difference']:.1e} | {row.low['box_difference']:.1e} |"
        )
    return [*lines, "", *tolerances(rows), *exceptions(rows)]


def tolerances(rows: Sequence[Row]) -> list[str]:
    """What pairs of quantised models may differ by: of the predictors' coarsest, a step and two."""
    told = [f"- {row.model}, {row.tolerance}" for row in rows if row.tolerance]
    if not told:
        return []
    return [
        "Trained quantised, a pair may be one step of the quantisation apart (the coarsest predictor's, at "
        "most), in TFLite two: it rounds again where the feature maps' predictions become one tensor.",
        "",
        *told,
        "",
    ]


def exceptions(rows: Sequence[Row]) -> list[str]:
    """Those without counterpart above 0.3: one line for a model and a reason, with the ways it is true of."""
    ways = defaultdict(list)
    for row in rows:
        by_reason = defaultdict(list)
        for each in row.sure["exceptions"]:
            by_reason[each["reason"]].append(each)
        for reason, found in by_reason.items():
            ways[row.model, _said(reason, found)].append(row.way)
    if not ways:
        return ["Every detection above 0.3 has its counterpart."]
    lines = [f"- {model} ({', '.join(where)}): {said}" for (model, said), where in ways.items()]
    return ["Without counterpart above 0.3 (each one is in family.json):", "", *lines]


def _said(reason: str, found: Sequence[dict[str, Any]]) -> str:
    scores = sorted(each["score"] for each in found)
    said = f"{len(found)} {reason or 'are unexplained'}, scores {scores[0]:.2f} to {scores[-1]:.2f}"
    details = [each["detail"] for each in found]
    if reason == STEPS:
        return f"{said}, {max(map(float, details))} steps at most"
    if reason == AT_THRESHOLD:
        shown = details[:MOST_DETAILS] + ["…"] * (len(details) > MOST_DETAILS)
        return f"{said}: {', '.join(shown)} (where it is kept / where not)"
    if not reason:
        return f"{said}: " + ", ".join(f"image {each['image']}, class {each['number']}" for each in found)
    return said

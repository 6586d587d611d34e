"""A sweep for people, for JSON and for CSV: its points, and the ones to take."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO

from ckssd.coco.operating import Point, best_f1, for_precision, for_recall
from ckssd.coco.written import of
from ckssd.measure.sweep import Swept

COLUMNS = (
    *("nms_iou", "score_threshold", "category_id", "category", "objects", "images"),
    *("true_positives", "false_positives"),
    *("precision", "recall", "f1", "false_positives_per_image"),
)
HEADINGS = ("threshold", "precision", "recall", "F1", "FP/image")


def chosen(given: Sequence[Point], precision: float | None, recall: float | None) -> dict[str, Point | None]:
    """The point with the best F1, and those for a wanted precision and recall, if any is wanted."""
    found = {"f1": best_f1(given)}
    if precision is not None:
        found["precision"] = for_precision(given, precision)
    if recall is not None:
        found["recall"] = for_recall(given, recall)
    return found


def by_class(swept: Swept) -> dict[int, list[Point]]:
    """Category id to its points."""
    found: dict[int, list[Point]] = {}
    for point in swept.points:
        if point.category_id is not None:
            found.setdefault(point.category_id, []).append(point)
    return found


def together(swept: Swept) -> list[Point]:
    """The points of all classes together."""
    return [point for point in swept.points if point.category_id is None]


def as_data(swept: Swept, precision: float | None, recall: float | None) -> dict[str, Any]:
    """For JSON; a number that is not defined is null, and so is a choice that no point can be.

    ``points``: all; ``best``: of all classes together; ``classes``: the same of each.
    """

    def plain(given: Sequence[Point]) -> dict[str, Any]:
        found = chosen(given, precision, recall)
        return {name: None if point is None else point.as_dict() for name, point in found.items()}

    return {
        "iou": swept.iou,
        "images": swept.images,
        "wanted": {"precision": precision, "recall": recall},
        "best": plain(together(swept)),
        "classes": [{"category": own[0].category, **plain(own)} for own in by_class(swept).values()],
        "points": [point.as_dict() for point in swept.points],
        "run": swept.run,
        "notes": list(swept.notes),
    }


def write_table(swept: Swept) -> Callable[[TextIO], None]:
    """What writes the points as CSV; an empty cell is not defined, an empty category is all together."""

    def write(file: TextIO) -> None:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(point.as_dict() for point in swept.points)

    return write


def text(swept: Swept, precision: float | None, recall: float | None) -> Iterator[str]:
    """Lines for people."""
    every = together(swept)
    best = best_f1(every)
    ious = list(dict.fromkeys(point.nms_iou for point in every))
    yield (
        f"{of(swept.images, 'image')}, {of(every[0].objects, 'object')}; "
        f"right is a box with IoU {swept.iou:g} or more; all classes together:"
    )
    if len(ious) > 1:
        yield from _by_nms(every, ious)
    shown = best.nms_iou if best else ious[0]
    if shown is not None:
        yield f"NMS with IoU {shown:g}:"
    yield _row("", HEADINGS)
    yield from (_line("", point) for point in every if point.nms_iou == shown)
    yield from _choices(every, precision, recall, several=len(ious) > 1)
    yield from _classes(swept, several=len(ious) > 1)
    yield from _pass(swept.run)
    yield from (f"Note: {note}" for note in swept.notes)


def _by_nms(every: Sequence[Point], ious: Sequence[float | None]) -> Iterator[str]:
    yield "The best F1 of each IoU threshold of NMS:"
    yield _row("NMS IoU", HEADINGS)
    for iou in ious:
        point = best_f1([one for one in every if one.nms_iou == iou])
        if point is not None:
            yield _line(f"{iou:g}", point)


def _choices(
    every: Sequence[Point], precision: float | None, recall: float | None, *, several: bool
) -> Iterator[str]:
    wanted = {"precision": precision, "recall": recall}
    for name, point in chosen(every, precision, recall).items():
        if name == "f1":
            yield f"Best F1: {_described(point, several=several) if point else 'not defined'}"
        elif point is not None:
            yield f"For {name} {wanted[name]:g}: {_described(point, several=several)}"
        else:
            highest = max((getattr(one, name) or 0.0 for one in every), default=0.0)
            yield f"For {name} {wanted[name]:g}: no threshold gives it; the highest {name} is {highest:.4f}"


def _described(point: Point, *, several: bool) -> str:
    nms = f", NMS IoU {point.nms_iou:g}" if several else ""
    return (
        f"score threshold {point.score_threshold:g}{nms}: precision {_number(point.precision)}, recall "
        f"{_number(point.recall)}, F1 {_number(point.f1)}, "
        f"{point.false_positives_per_image:.3f} false positives an image"
    )


def _classes(swept: Swept, *, several: bool) -> Iterator[str]:
    yield "Each class at its own best F1:"
    yield _row("class", (*HEADINGS, "objects", *(["NMS IoU"] if several else [])))
    for own in by_class(swept).values():
        point = best_f1(own)
        if point is not None:
            nms = [f"{point.nms_iou:g}"] if several else []
            yield _line(point.category, point, str(point.objects), *nms)


def _pass(run: dict[str, Any]) -> Iterator[str]:
    if "model" not in run:
        return
    yield (
        f"One pass: {run['runtime']}, {run['nms']} NMS by {run['postprocessing']}, score threshold "
        f"{run['pass_score_threshold']:g} (the model's own: {run['own_score_threshold']:g}; its own NMS IoU: "
        f"{run['own_nms_iou']:g})"
    )
    yield f"Labels: {run['labels']}"


def _line(name: str, point: Point, *more: str) -> str:
    cells = [f"{point.score_threshold:g}", *map(_number, (point.precision, point.recall, point.f1))]
    return _row(name, (*cells, f"{point.false_positives_per_image:.3f}", *more))


def _row(name: str, cells: Sequence[str]) -> str:
    return " ".join([f"  {name:<16}", *(f"{cell:>9}" for cell in cells)])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"

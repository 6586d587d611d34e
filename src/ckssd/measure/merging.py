"""All parts of a run become the run: the same detections, in the same order, so the same metrics.

What does not fit is refused: parts of different runs, missing ones, images that are in two of them.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ckssd.coco.metric_types import DEFAULT_EXPAND, Expand, MetricChoice
from ckssd.errors import InputError, VerificationError, short
from ckssd.measure.detected import DetectedImages, Seen
from ckssd.measure.files import hash_file
from ckssd.measure.parts import Asked, Part
from ckssd.measure.published import Published
from ckssd.measure.result import BenchmarkResult, RunSettings
from ckssd.measure.scoring import Scoring, score
from ckssd.measure.times import Times

# What may be another in each part: none of it changes a detection.
OF_EACH_PART = ("images", "images_unreadable", "preprocessed_cache", "machine", "threads")
SHOWN = 10


@dataclasses.dataclass(frozen=True)
class Merged:
    """A whole run after detection; ``memory``: the largest of the parts', in MiB."""

    run: RunSettings
    asked: Asked
    times: Times
    notes: tuple[str, ...]
    detections: DetectedImages
    memory: float


def merge(parts: Sequence[Part], names: Sequence[object]) -> Merged:
    """The run that parts, in any order, are of.

    Parameters
    ----------
    names
        What the errors call each of them: its file.

    Raises
    ------
    InputError
        They are not all of one run, some are missing, or an image is in several of them.
    """
    named = sorted(zip(parts, names, strict=True), key=lambda pair: pair[0].shard)
    _check_same_run(named)
    _check_complete(named)
    ordered = [part for part, _ in named]
    _check_images(ordered)
    detections = DetectedImages(ordered[0].category_ids, ordered[0].names)
    for part in ordered:
        detections.add_records(part.images, part.lengths, part.records)
    return Merged(
        _run(ordered),
        ordered[0].asked,
        _times(ordered),
        tuple(_notes(ordered)),
        detections,
        max(part.memory for part in ordered),
    )


@dataclasses.dataclass(frozen=True)
class Places:
    """Where files are now that parts were measured with; None: where they were then."""

    annotations: Path | None = None
    hierarchy: Path | None = None


def score_merged(merged: Merged, python: Path, places: Places, *, silent: bool = True) -> BenchmarkResult:
    """Compute the metrics; ``python`` has the tools.

    Raises
    ------
    InputError, RunError
        As ckssd.measure.scoring.score does, or a file is not where it was.
    VerificationError
        A file is not the one that the parts ran with.
    """
    asked, run = merged.asked, merged.run
    annotations = places.annotations or Path(asked.annotations)
    _check_same_file(annotations, run.annotations_sha256, "--annotations")
    hierarchy = places.hierarchy or (None if asked.hierarchy is None else Path(asked.hierarchy))
    if hierarchy is not None:
        _check_same_file(hierarchy, run.hierarchy.rpartition(" ")[2], "--hierarchy")
    expand: Expand = "both" if run.expand == "both" else DEFAULT_EXPAND
    scoring = Scoring(
        annotations=annotations,
        python=python,
        tool=asked.metrics_tool,
        choice=MetricChoice(run.metric, hierarchy, expand),
        left_out=asked.left_out,
        published=None if asked.published is None else Published.from_mapping(asked.published),
        silent=silent,
    )
    return score(scoring, run, merged.times, merged.notes, merged.detections, lambda: merged.memory)


def _check_same_file(path: Path, sha256: str, flag: str) -> None:
    if not path.is_file():
        raise InputError(
            "A file that the parts ran with is not here", where=path, advice=f"{flag} FILE names it"
        )
    found = hash_file(path).sha256
    if found != sha256:
        raise VerificationError(
            "The file is not the one that the parts ran with",
            where=path,
            expected=f"sha256 {sha256}",
            got=found,
            advice=f"{flag} FILE names the right one",
        )


def _identity(part: Part) -> dict[str, Any]:
    """What all parts of a run have in common, a setting by its name."""
    run = {name: value for name, value in part.run.as_dict().items() if name not in OF_EACH_PART}
    metrics = {"metrics_tool": part.asked.metrics_tool, "published": part.asked.published}
    described = {"images of the run": part.whole, "parts": part.shard.of, **run, **metrics}
    described |= {"category_ids": sorted(part.category_ids.items()), "names": sorted(part.names.items())}
    found: dict[str, Any] = json.loads(json.dumps(described))
    return found


def _check_same_run(named: Sequence[tuple[Part, object]]) -> None:
    first, first_name = named[0]
    wanted = _identity(first)
    for part, name in named[1:]:
        for setting, value in _identity(part).items():
            if value != wanted[setting]:
                raise InputError(
                    f"The parts are of different runs: {setting} is another",
                    where=name,
                    expected=f"{short(str(wanted[setting]), 160)}, as in {first_name}",
                    got=short(str(value), 160),
                )


def _check_complete(named: Sequence[tuple[Part, object]]) -> None:
    of = named[0][0].shard.of
    seen: dict[int, object] = {}
    for part, name in named:
        number = part.shard.number
        if number in seen:
            raise InputError("A part is there twice", where=f"{seen[number]} and {name}", got=str(part.shard))
        seen[number] = name
    missing = [f"{number}/{of}" for number in range(1, of + 1) if number not in seen]
    if missing:
        more = ", …" if len(missing) > SHOWN else ""
        raise InputError(
            f"{len(missing)} of {of} parts are missing",
            got=f"no {', '.join(missing[:SHOWN])}{more}",
            advice=f"run them: --shard {missing[0]} --part FILE",
        )


def _check_images(parts: Sequence[Part]) -> None:
    """Every image of the run is in one part. The parts' numbers say so; damaged or made-up files may not."""
    ids = [image for part in parts for image in (*(i.id for i in part.images), *part.seen.unreadable)]
    twice = [identity for identity, count in Counter(ids).items() if count > 1]
    if twice or len(ids) != parts[0].whole:
        raise InputError(
            "The parts do not have every image once",
            expected=f"{parts[0].whole} images",
            got=f"image {twice[0]} twice" if twice else f"{len(ids)} images",
        )


def _run(parts: Sequence[Part]) -> RunSettings:
    run = parts[0].run
    caches = dict.fromkeys(part.run.preprocessed_cache for part in parts)
    return dataclasses.replace(
        run,
        images=sum(part.run.images for part in parts),
        images_unreadable=sum(part.run.images_unreadable for part in parts),
        preprocessed_cache="; ".join(caches),
    )


def _times(parts: Sequence[Part]) -> Times:
    """Those of one process that had done all parts, one after another."""
    every = [part.times for part in parts]
    return Times(
        setup=sum(times.setup for times in every),
        load=tuple(seconds for times in every for seconds in times.load),
        detect=tuple(seconds for times in every for seconds in times.detect),
        wall=sum(times.wall for times in every),
        startup=every[0].startup,
        processor=sum(times.processor for times in every),
        parts={
            name: tuple(seconds for times in every for seconds in times.parts[name])
            for name in every[0].parts
            if all(name in times.parts for times in every)
        },
    )


def _notes(parts: Sequence[Part]) -> Iterator[str]:
    """What all parts note, once; then what some have of their own; then what is known of all together."""
    common = [note for note in parts[0].notes if all(note in part.notes for part in parts)]
    yield from common
    for part in parts:
        yield from (f"part {part.shard}: {note}" for note in part.notes if note not in common)
    if len(parts) > 1:
        yield f"{len(parts)} parts were merged: times are sums of theirs"
    yield from _seen(parts).notes()
    threads = sorted({part.run.threads for part in parts})
    if len(threads) > 1:
        yield f"the parts ran with {threads[0]} to {threads[-1]} threads"
    processors = sorted({part.run.machine["cpu"] for part in parts})
    if len(processors) > 1:
        yield (
            f"the parts ran on different processors ({', '.join(processors)}): the last bits of scores may"
            " differ between them"
        )


def _seen(parts: Sequence[Part]) -> Seen:
    return Seen(
        sum(part.seen.images for part in parts),
        tuple(image for part in parts for image in part.seen.unreadable),
        tuple(tag for part in parts for tag in part.seen.tags),
        parts[0].seen.orientation,
    )

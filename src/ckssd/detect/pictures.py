"""A person's own pictures through a model: detections named, filtered by score, drawn if asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd import report
from ckssd.detect.backends import Feeding, open_backend
from ckssd.detect.choices import DEFAULT_RESIZE, ORIENTATIONS, RESIZE_METHODS, Orientation, ResizeMethod
from ckssd.detect.detections import Detections
from ckssd.detect.draw import draw
from ckssd.detect.images import decode_image, read_file
from ckssd.detect.orientation import NO_TURN, applied, tag_in
from ckssd.detect.pixels import Pixels
from ckssd.errors import InputError, RunError, UsageError
from ckssd.model import description
from ckssd.model.description import Model
from ckssd.model.labels import Labels, read_labels
from ckssd.values import Check, choice, made_folder, real_number, switch, whole_number

SHOWN_FROM = 0.3
# Thresholds below are for metrics, whose curves need every box; nobody looks at boxes of such scores.
LEAST_SHOWN = 0.05


@dataclass(frozen=True)
class Request:
    """What is to be detected in which pictures.

    ``min_score`` None: see shown_from. ``draw``: the folder for drawings, None for none.
    """

    model: Model
    images: tuple[Path, ...]
    threads: int = 1
    resize: ResizeMethod = DEFAULT_RESIZE
    orientation: Orientation = "upright"
    min_score: float | None = None
    draw: Path | None = None
    quiet: bool = False


CHECKS: dict[str, Check] = {
    "threads": whole_number(1, 1024),
    "resize": choice(*RESIZE_METHODS),
    "orientation": choice(*ORIENTATIONS),
    "min_score": real_number(0),
    "draw": made_folder,
    "quiet": switch,
}


def request_from(mapping: Mapping[str, Any]) -> Request:
    """Read a JSON object whose keys are the names of Request's fields.

    Raises
    ------
    UsageError
        For an unknown key or a bad value.
    """
    unknown = sorted(set(mapping) - set(CHECKS) - {"model", "images"})
    if unknown or not isinstance(mapping.get("images"), list):
        raise UsageError("The request is none", where=unknown, expected="model, images and settings")
    given = {
        name: check(f"--{name.replace('_', '-')}", mapping[name])
        for name, check in CHECKS.items()
        if mapping.get(name) is not None
    }
    model = description.from_mapping(mapping.get("model"))
    return Request(model, tuple(Path(str(image)) for image in mapping["images"]), **given)


def detect_pictures(request: Request) -> dict[str, Any]:
    """Detect in every picture.

    Returns
    -------
    dict
        ``images``: see describe; ``unreadable``: the errors of pictures that cannot be read;
        ``min_score``; ``labels``: how they were read, None without any; ``notes``; ``model``: its file,
        runtime and kind of NMS.

    Raises
    ------
    CkssdError
        The model or its labels cannot be used, no picture can be read, or the runtime fails.
    """
    finder = Finder(request.model, request.threads, request.resize, request.min_score)
    run = _Run(request, finder)
    images = run.all_pictures()
    unreadable = [error.as_dict() for error in run.unreadable]
    return {
        "images": images,
        "unreadable": unreadable,
        **finder.facts(),
        "notes": [*finder.notes, *run.notes()],
    }


class Finder:
    """A model opened for a person's pictures: it finds what is in pixels, names it, leaves out low scores.

    ``names``: class index to name. ``first_id``: the label id of class 0. ``notes``: see Backend and Labels.

    Raises
    ------
    CkssdError
        The model or its labels cannot be used.
    """

    def __init__(self, model: Model, threads: int, method: ResizeMethod, min_score: float | None) -> None:
        self._model, self._method = model, method
        self._backend = open_backend(model, Feeding(method))
        self._labels = _labels(model, self._backend.num_classes)
        threshold = self._backend.postprocessing.score_threshold
        self.shown = shown_from(model, threshold, min_score)
        self.names: Mapping[int, str] = self._labels.names if self._labels else {}
        self.first_id = self._labels.first_id if self._labels else 1
        self._detector = self._backend.new_detector(threads)
        self.notes = (
            *self._backend.notes,
            *(self._labels.notes if self._labels else _unnamed(model)),
            *_beyond_reach(min_score, threshold),
        )

    def facts(self) -> dict[str, Any]:
        """``min_score``, ``labels`` (how they were read, None without any) and ``model``, for JSON."""
        nms = self._backend.postprocessing.nms
        return {
            "min_score": self.shown,
            "labels": self._labels.describe() if self._labels else None,
            "model": {"file": str(self._model.file), "runtime": self._model.runtime, "nms": nms},
        }

    def find(self, pixels: Pixels, where: str) -> tuple[Detections, int]:
        """What is shown, and how many detections are left out for their scores; ``where`` is for the error.

        Raises
        ------
        RunError
            The runtime fails.
        """
        network = self._backend.input
        fed = network.resized(pixels, self._method)
        try:
            found = self._detector.detect(network.feed(fed))
        except RuntimeError as error:
            place = f"{self._model.file} with {where}"
            raise RunError("The runtime fails", where=place, got=str(error)) from error
        found = network.in_picture(found, pixels.shape[1], pixels.shape[0])
        shown = above(found, self.shown)
        return shown, len(found) - len(shown)


def shown_from(model: Model, graph_threshold: float, asked: float | None) -> float:
    """The score from which detections are shown: the one asked for, else the model's own, else 0.3.

    The entry's threshold goes before the graph's.
    """
    if asked is not None:
        return asked
    stated = graph_threshold if model.score_threshold is None else model.score_threshold
    return stated if stated >= LEAST_SHOWN else SHOWN_FROM


def _beyond_reach(asked: float | None, threshold: float) -> list[str]:
    """A note if scores are asked for that the graph drops by itself."""
    if asked is None or asked >= threshold or threshold < LEAST_SHOWN:
        return []
    return [
        f"the model itself gives no detection with a score below {threshold:g}; for a TFLite file or a graph"
        f" without NMS: --env CUSTOM_MODEL_SETTINGS=yes --env NMS_SCORE_THRESHOLD={asked:g}"
    ]


class _Run:
    def __init__(self, request: Request, finder: Finder) -> None:
        self._request, self._finder = request, finder
        self._with_tag = 0
        self.unreadable: list[InputError] = []

    def all_pictures(self) -> list[dict[str, Any]]:
        """One that cannot be read does not keep the others from being looked at."""
        images, quiet = self._request.images, self._request.quiet
        places = drawing_paths(images, self._request.draw or Path())
        if self._request.draw is not None:
            refuse_overwriting(images, places)
        work = list(zip(images, places, strict=True))
        found = []
        for path, place in report.progress(work, total=len(work), name="detecting", quiet=quiet):
            try:
                pixels = self._read(path)
            except InputError as error:
                self.unreadable.append(error)
            else:
                found.append(self._one(path, pixels, place))
        if not found:
            raise self.unreadable[0]
        return found

    def _read(self, path: Path) -> Pixels:
        data = read_file(path)
        tag = tag_in(data)
        pixels = decode_image(data, path, applied(tag, self._request.orientation))
        self._with_tag += tag != NO_TURN
        return pixels

    def _one(self, path: Path, pixels: Pixels, place: Path) -> dict[str, Any]:
        shown, left_out = self._finder.find(pixels, str(path))
        result = describe(path, pixels, shown, self._finder.names, self._finder.first_id)
        result["left_out"] = left_out
        if self._request.draw is not None:
            draw(pixels, shown, self._finder.names).save(place)
            result["drawn"] = str(place)
        return result

    def notes(self) -> list[str]:
        """Whether pictures were turned: boxes are in the pixels that were detected in."""
        if not self._with_tag:
            return []
        count = f"{self._with_tag} of {len(self._request.images)} pictures"
        if self._request.orientation == "upright":
            said = "were turned upright as their EXIF says, and boxes are in the upright picture"
            return [f"{count} {said} (--orientation stored leaves them)"]
        return [f"{count} were not turned upright as their EXIF says, and boxes are in the stored pixels"]


def describe(
    path: Path, pixels: Pixels, found: Detections, names: Mapping[int, str], first_id: int = 1
) -> dict[str, Any]:
    """One picture's detections as JSON.

    ``bbox`` is x, y, width, height in pixels, as COCO has it; ``class`` counts from 0, ``id`` is the label's.
    """
    height, width = pixels.shape[:2]
    listed = []
    for (top, left, bottom, right), index, score in zip(
        found.boxes.tolist(), found.classes.tolist(), found.scores.tolist(), strict=True
    ):
        listed.append(
            {
                "class": index,
                "id": index + first_id,
                "name": names.get(index, f"class {index}"),
                "score": score,
                "bbox": [left * width, top * height, (right - left) * width, (bottom - top) * height],
            }
        )
    return {"file": str(path), "width": width, "height": height, "detections": listed}


def above(found: Detections, score: float) -> Detections:
    """Only the detections with at least this score."""
    kept = found.scores >= score
    return Detections(found.boxes[kept], found.classes[kept], found.scores[kept])


def drawing_paths(images: Sequence[Path], folder: Path) -> list[Path]:
    """Where each picture's drawing goes: ``NAME.png``; pictures with equal names get a number."""
    used: set[str] = set()
    paths = []
    for image in images:
        name, number = image.stem, 1
        while name in used:
            number += 1
            name = f"{image.stem}-{number}"
        used.add(name)
        paths.append(folder / f"{name}.png")
    return paths


def refuse_overwriting(sources: Sequence[Path], places: Sequence[Path]) -> None:
    """Raise a UsageError if a drawing would take the place of what it is drawn from."""
    taken = {source.resolve() for source in sources}
    for place in places:
        if place.resolve() in taken:
            raise UsageError("--draw would overwrite what it reads", where=place, expected="another folder")


def _labels(model: Model, num_classes: int) -> Labels | None:
    if model.labels is None:
        return None
    return read_labels(model.labels, num_classes, first_id=model.first_label)


def _unnamed(model: Model) -> list[str]:
    return [f"no class names were found beside {model.file.name} or in it: classes are numbered from 0"]

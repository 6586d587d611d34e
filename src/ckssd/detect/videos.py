"""Videos and a camera through a model: each frame's detections go to a file as they come, a summary stays.

So memory does not grow with a video's length.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd import report
from ckssd.detect.choices import DEFAULT_RESIZE, ORIENTATIONS, RESIZE_METHODS, Orientation, ResizeMethod
from ckssd.detect.draw import draw
from ckssd.detect.frames_file import FrameRows, write_frames
from ckssd.detect.pictures import Finder, describe, drawing_paths, refuse_overwriting
from ckssd.detect.video import Frame, Video, camera
from ckssd.detect.video_writer import DESCRIPTION, VideoWriter
from ckssd.errors import UsageError
from ckssd.model import description
from ckssd.model.description import Model
from ckssd.values import Check, choice, made_folder, real_number, switch, whole_number


@dataclass(frozen=True)
class VideoRequest:
    """What is to be detected in which videos, or (``camera``) by which camera.

    ``every``: of so many frames the first. ``frames``: at most so many are detected in, in each video; None:
    all. ``output``: the file for each frame's detections. The others are those of ckssd.detect.pictures.
    """

    model: Model
    videos: tuple[Path, ...]
    camera: int | None = None
    every: int = 1
    frames: int | None = None
    threads: int = 1
    resize: ResizeMethod = DEFAULT_RESIZE
    orientation: Orientation = "upright"
    min_score: float | None = None
    draw: Path | None = None
    output: Path | None = None
    quiet: bool = False


CHECKS: dict[str, Check] = {
    "camera": whole_number(0, 1023),
    "every": whole_number(1),
    "frames": whole_number(1),
    "threads": whole_number(1, 1024),
    "resize": choice(*RESIZE_METHODS),
    "orientation": choice(*ORIENTATIONS),
    "min_score": real_number(0),
    "draw": made_folder,
    "output": lambda _, value: Path(str(value)),
    "quiet": switch,
}


def video_request_from(mapping: Mapping[str, Any]) -> VideoRequest:
    """Read a JSON object whose keys are the names of VideoRequest's fields; raises UsageError."""
    unknown = sorted(set(mapping) - set(CHECKS) - {"model", "videos"})
    if unknown or not isinstance(mapping.get("videos"), list):
        raise UsageError("The request is none", where=unknown, expected="model, videos and settings")
    given = {
        name: check(f"--{name}", mapping[name])
        for name, check in CHECKS.items()
        if mapping.get(name) is not None
    }
    if given.get("camera") is not None and "frames" not in given:
        raise UsageError("A camera has no end", expected="--frames N: how many frames to detect in")
    model = description.from_mapping(mapping.get("model"))
    return VideoRequest(model, tuple(Path(str(video)) for video in mapping["videos"]), **given)


def detect_videos(request: VideoRequest) -> dict[str, Any]:
    """Detect in every video.

    Returns
    -------
    dict
        ``videos``: a summary of each, see _Run.summary; ``min_score``, ``labels``, ``model``, ``notes`` as
        ckssd.detect.pictures.detect_pictures has them.

    Raises
    ------
    CkssdError
        The model or its labels cannot be used, a video cannot be read at all, the runtime fails, or a file
        cannot be written.
    """
    sources = _sources(request)
    for _, _, opened in sources if request.camera is None else []:  # before the first takes its time
        with opened():
            pass
    finder = Finder(request.model, request.threads, request.resize, request.min_score)
    notes = list(finder.notes)
    summaries = []

    def run(rows: FrameRows | None) -> None:
        for name, place, opened in sources:
            with opened() as video:
                one = _Run(request, finder, video, name, place)
                one.all_frames(rows)
                summaries.append(one.summary())
                notes.extend(one.notes())

    if request.output is None:
        run(None)
    else:
        write_frames(request.output, run)
    return {"videos": summaries, **finder.facts(), "notes": notes}


def _sources(request: VideoRequest) -> list[tuple[str, Path, Callable[[], Video]]]:
    """Name, place of the drawn video, and what opens it."""
    folder = request.draw or Path()
    if request.camera is not None:
        number = request.camera
        return [(f"camera {number}", folder / f"camera-{number}.mp4", lambda: camera(number))]

    def opening(path: Path) -> Callable[[], Video]:
        return lambda: Video(path, request.orientation)

    places = [place.with_suffix(".mp4") for place in drawing_paths(request.videos, folder)]
    if request.draw is not None:
        refuse_overwriting(request.videos, places)
    return [(str(path), place, opening(path)) for path, place in zip(request.videos, places, strict=True)]


class _Run:
    """One video."""

    def __init__(self, request: VideoRequest, finder: Finder, video: Video, name: str, place: Path) -> None:
        self._request, self._finder, self._video = request, finder, video
        self._name, self._place = name, place
        self._found: Counter[str] = Counter()
        self._size: tuple[int, int] | None = None
        self._frames = self._left_out = self._rescaled = 0
        self._last = self._wall = 0.0

    def all_frames(self, rows: FrameRows | None) -> None:
        """Detect in every frame that is asked for, draw it, and write what was found to ``rows``."""
        began = time.perf_counter()
        rate = self._video.rate / self._request.every
        drawn = None if self._request.draw is None else VideoWriter(self._place, rate)
        with contextlib.nullcontext() if drawn is None else drawn:
            for frame in self._shown():
                self._one(frame, rows, drawn)
        self._rescaled = 0 if drawn is None else drawn.rescaled
        self._wall = time.perf_counter() - began

    def _shown(self) -> Iterator[Frame]:
        stated, every, most = self._video.stated_frames, self._request.every, self._request.frames
        total = None if stated is None else -(-stated // every)
        if most is not None:
            total = most if total is None else min(total, most)
        frames = self._video.frames(every)
        shown = frames if most is None else (frame for _, frame in zip(range(most), frames, strict=False))
        yield from report.progress(
            shown, total=total, name="detecting", unit="frame", quiet=self._request.quiet
        )

    def _one(self, frame: Frame, rows: FrameRows | None, drawn: VideoWriter | None) -> None:
        shown, left_out = self._finder.find(frame.pixels, f"{self._name}, frame {frame.number}")
        names = self._finder.names
        found = describe(Path(self._name), frame.pixels, shown, names, self._finder.first_id)["detections"]
        self._size = self._size or frame.size
        self._frames, self._last = self._frames + 1, frame.seconds
        self._left_out += left_out
        self._found.update(one["name"] for one in found)
        if rows is not None:
            rows.add(self._name, frame.number, frame.seconds, found)
        if drawn is not None:
            drawn.add(draw(frame.pixels, shown, names), frame.seconds)

    def summary(self) -> dict[str, Any]:
        """For JSON: sizes in pixels (of the first frame), times in seconds; ``found``: name to number.

        ``last_s``: the time of the last frame that was detected in. ``frames_per_second``: of those, with
        decoding, drawing and writing; ``rate``: the video's own.
        """
        width, height = self._size or (0, 0)
        drawn = {} if self._request.draw is None else {"drawn": str(self._place), "drawn_as": DESCRIPTION}
        return {
            "file": self._name,
            "width": width,
            "height": height,
            "rate": self._video.rate,
            "frames_read": self._video.frames_read,
            "frames_detected": self._frames,
            "every": self._request.every,
            "last_s": self._last,
            "detections": self._found.total(),
            "found": dict(self._found.most_common()),
            "left_out": self._left_out,
            "wall_s": self._wall,
            "frames_per_second": self._frames / self._wall,
            **drawn,
        }

    def notes(self) -> Iterator[str]:
        """What a person should know; of a video that was read to its end only, how it ends."""
        yield from self._video.notes(to_end=self._frames != self._request.frames)
        if self._rescaled:
            yield f"{self._place}: {self._rescaled} frames of another size were scaled to the first one's"

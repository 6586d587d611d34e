"""The way of one image through a run, and of all of them: one after another, or one for each core.

Latency: one detector with n threads, one image at a time; its times are what a caller waits. Throughput: n
detectors with one thread each, in n threads that each take the next image, decode, resize and detect it. No
library on this way holds Python's interpreter lock while it computes, so the cores are busy but for some
microseconds an image. Results come in the images' order, and no more than a few wait: memory does not grow.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ckssd.coco.annotations import Annotations, ImageEntry, with_size
from ckssd.detect.backends import Detector
from ckssd.detect.detections import Detections
from ckssd.detect.laps import taken
from ckssd.detect.network_input import NetworkInput, Tensor
from ckssd.detect.orientation import NO_TURN, swaps_sides
from ckssd.detect.preprocessed import ImageReader, Preprocessed
from ckssd.errors import InputError, RunError

MODES = ("throughput", "latency")
DEFAULT_MODE = "throughput"
WAITING_PER_DETECTOR = 4


@dataclass(frozen=True)
class Fed:
    """An image with the size that was read, and the network's values of it."""

    image: ImageEntry
    tensor: Tensor


@dataclass(frozen=True)
class Detected:
    """An image that was run; ``tag``: its orientation tag, applied or not.

    ``load``, ``detect``: seconds; ``laps``: those of parts of them, see ckssd.detect.laps.
    """

    image: ImageEntry
    found: Detections
    load: float
    detect: float
    from_cache: bool
    tag: int
    laps: dict[str, float]


@dataclass(frozen=True)
class Unreadable:
    """An image that cannot be read, and why."""

    image: ImageEntry
    fault: InputError


Outcome = Detected | Unreadable


@dataclass(frozen=True)
class Steps:
    """From an image's file to its detections; may be used by several threads, each with its own detector."""

    folder: Path
    annotations: Annotations
    reader: ImageReader
    network: NetworkInput
    model: Path

    def run(self, image: ImageEntry, detector: Detector) -> Outcome:
        """Read, resize, normalise and detect; an image that cannot be read is an outcome, too.

        Raises
        ------
        InputError
            The image has another size than the annotations say.
        RunError
            The runtime fails with this image.
        """
        taken()
        started = time.perf_counter()
        try:
            read = self.reader.read(self.folder / image.file_name)
        except InputError as fault:
            return Unreadable(image, fault)
        fed = self._fed(image, read)
        loaded = time.perf_counter()
        found = self.detect(fed, detector)
        detected = time.perf_counter()
        return Detected(
            fed.image, found, loaded - started, detected - loaded, read.from_cache, read.tag, taken()
        )

    def load(self, image: ImageEntry) -> Fed:
        """Read, resize and normalise.

        Raises
        ------
        InputError
            The image cannot be read, or has another size than the annotations say.
        """
        return self._fed(image, self.reader.read(self.folder / image.file_name))

    def _fed(self, image: ImageEntry, read: Preprocessed) -> Fed:
        image = with_size(self.annotations, image, *read.size, advice=_advice(read))
        return Fed(image, self.network.feed(read.pixels))

    def detect(self, fed: Fed, detector: Detector) -> Detections:
        """Detect in what was loaded; raises a RunError where the runtime fails with this image."""
        try:
            found = detector.detect(fed.tensor)
        except RuntimeError as error:
            raise RunError(
                "The runtime fails", where=f"{self.model} with {fed.image.file_name}", got=str(error)
            ) from error
        return self.network.in_picture(found, fed.image.width, fed.image.height)


def _advice(read: Preprocessed) -> str | None:
    """What to do about a size that is not the annotations', if the image's tag can be the reason."""
    if not swaps_sides(read.tag):
        return None
    if read.turned_by != NO_TURN:
        return "it was turned as its EXIF orientation says; CK_IMAGE_ORIENTATION=stored does not"
    return "its EXIF orientation swaps width and height; CK_IMAGE_ORIENTATION=upright applies it"


# A way to run images: gives their outcomes in their order.
Way = Callable[[Steps, Iterable[ImageEntry]], Iterator[Outcome]]


def way_to_run(mode: str, threads: int, new_detector: Callable[[int], Detector]) -> Way:
    """Load what a mode needs: one detector with all threads, or as many with one thread each."""
    if mode == "latency":
        return partial(_one_at_a_time, new_detector(threads))
    return partial(_side_by_side, [new_detector(1) for _ in range(threads)])


def _one_at_a_time(detector: Detector, steps: Steps, images: Iterable[ImageEntry]) -> Iterator[Outcome]:
    for image in images:
        yield steps.run(image, detector)


def _side_by_side(
    detectors: Sequence[Detector], steps: Steps, images: Iterable[ImageEntry]
) -> Iterator[Outcome]:
    free: queue.SimpleQueue[Detector] = queue.SimpleQueue()
    for detector in detectors:
        free.put(detector)

    def run(image: ImageEntry) -> Outcome:
        detector = free.get()
        try:
            return steps.run(image, detector)
        finally:
            free.put(detector)

    pool = ThreadPoolExecutor(len(detectors), thread_name_prefix="detector")
    waiting: deque[Future[Outcome]] = deque()
    try:
        for image in images:
            waiting.append(pool.submit(run, image))
            if len(waiting) >= WAITING_PER_DETECTOR * len(detectors):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)

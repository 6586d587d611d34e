"""The system under test: detectors that answer LoadGen's queries, and what it counts of them.

One detector answers where it is asked, in LoadGen's own thread; several have a thread each and take samples
from a queue. A callback of LoadGen must not raise, or the process dies without a word: whatever goes wrong
is given to ``give_up``, which does not return.
"""

from __future__ import annotations

import queue
import threading
from array import array
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, NoReturn, Protocol

from ckssd.detect.backends import Detector
from ckssd.errors import CkssdError, RunError
from ckssd.loadgen.library import SampleLibrary
from ckssd.loadgen.payload import Payload
from ckssd.measure.images import Steps

GiveUp = Callable[[CkssdError], NoReturn]
# Takes a query sample's id, and its answer's address and size in bytes, and tells LoadGen.
Answer = Callable[[int, int, int], None]


class Sample(Protocol):
    """LoadGen's QuerySample: ``id`` of the query's sample, ``index`` in the library."""

    id: int
    index: int


class Counts:
    """Samples asked for and answered, and the seconds of each detection.

    LoadGen measures the time that counting takes, so an answer is one ``append``, which needs no lock.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.detect = array("d")
        self.began = 0.0
        self.last = 0.0

    def ask(self, samples: int) -> None:
        """Count a query's samples."""
        now = perf_counter()
        self.began = self.began or now
        if self.asked == self.answered:
            self.last = now
        self.asked += samples

    def answer(self, began: float, ended: float) -> None:
        """Count an answer by the times of its detection."""
        self.detect.append(ended - began)
        self.last = ended

    def ask_one(self, now: float) -> None:
        """Count a sample that is detected at once, from now."""
        self.began = self.began or now
        self.last = now
        self.asked += 1

    @property
    def answered(self) -> int:
        """Samples that have their answer."""
        return len(self.detect)

    @property
    def wall(self) -> float:
        """Seconds from the first query to the last detection's end."""
        return self.last - self.began

    def waiting(self) -> float:
        """Seconds since something happened while an answer is due; 0 if none is."""
        return perf_counter() - self.last if self.answered < self.asked else 0.0


class System:
    """Answers queries with one detector, or with several in threads of their own.

    Parameters
    ----------
    detectors
        One: it answers in the thread that asks.
    payload
        Makes what a detector's answers are written with.

    Attributes
    ----------
    issue
        LoadGen's callback: answer these samples, now or soon.
    """

    issue: Callable[[Sequence[Sample]], None]

    def __init__(
        self,
        detectors: Sequence[Detector],
        library: SampleLibrary,
        steps: Steps,
        payload: Callable[[], Payload],
        *,
        answer: Answer,
        give_up: GiveUp,
    ) -> None:
        self.counts = Counts()
        self._library, self._steps = library, steps
        self._answer, self._give_up = answer, give_up
        self._waiting: queue.SimpleQueue[Sample] = queue.SimpleQueue()
        if len(detectors) == 1:
            self.issue = self._inline(detectors[0], payload())
        else:
            self.issue = self._queue
            for detector in detectors:
                run = self._runner(detector, payload())
                threading.Thread(target=self._work, args=(run,), name="detector", daemon=True).start()

    def _queue(self, samples: Sequence[Sample]) -> None:
        try:
            self.counts.ask(len(samples))
            for sample in samples:
                self._waiting.put(sample)
        except BaseException as error:  # noqa: BLE001 (LoadGen would end the process without a word)
            self._give_up(as_error(error))

    def flush(self) -> None:
        """LoadGen's callback: no more queries for now; nothing is held back here."""

    def _work(self, run: Callable[[Sample], None]) -> None:
        try:
            while True:
                run(self._waiting.get())
        except BaseException as error:  # noqa: BLE001
            self._give_up(as_error(error))

    def _inline(self, detector: Detector, payload: Payload) -> Callable[[Sequence[Sample]], None]:
        """What answers where it is asked; what LoadGen need not wait for comes after the answer.

        As in ``_runner``, all that it needs is looked up here: after a detection nothing is in the
        processor's cache, so each look-up and each call costs microseconds.
        """
        get, detect, fill = self._library.get, self._steps.detect, payload.fill
        counts, answer, give_up = self.counts, self._answer, self._give_up

        def issue(samples: Sequence[Sample]) -> None:
            try:
                for sample in samples:
                    index = sample.index
                    fed = get(index)
                    began = perf_counter()
                    counts.ask_one(began)
                    found = detect(fed, detector)
                    ended = perf_counter()
                    size = fill(found, index)
                    answer(sample.id, payload.address, size)
                    counts.answer(began, ended)
            except BaseException as error:  # noqa: BLE001 (LoadGen would end the process without a word)
                give_up(as_error(error))

        return issue

    def _runner(self, detector: Detector, payload: Payload) -> Callable[[Sample], None]:
        """What answers a sample; all that it needs is looked up here, because LoadGen measures the rest."""
        get, detect, fill = self._library.get, self._steps.detect, payload.fill
        count, answer = self.counts.answer, self._answer

        def run(sample: Sample) -> None:
            index = sample.index
            fed = get(index)
            began = perf_counter()
            found = detect(fed, detector)
            ended = perf_counter()
            size = fill(found, index)
            count(began, ended)
            answer(sample.id, payload.address, size)

        return run


def guarded(work: Callable[..., None], give_up: GiveUp) -> Callable[..., None]:
    """A callback of LoadGen that gives up where it would raise."""

    def run(*arguments: Any) -> None:
        try:
            work(*arguments)
        except BaseException as error:  # noqa: BLE001
            give_up(as_error(error))

    return run


def as_error(error: BaseException) -> CkssdError:
    """An error of our family, whatever was raised."""
    if isinstance(error, CkssdError):
        return error
    return RunError(
        "An answer to LoadGen fails", where="the system under test", got=f"{type(error).__name__}: {error}"
    )

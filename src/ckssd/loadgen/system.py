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
from dataclasses import dataclass
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
    """Samples asked for and answered, and the seconds of each detection."""

    def __init__(self) -> None:
        self.asked = 0
        self.answered = 0
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

    def answer(self, seconds: float) -> None:
        """Count an answer; called by one thread at a time."""
        self.detect.append(seconds)
        self.answered += 1
        self.last = perf_counter()

    @property
    def wall(self) -> float:
        """Seconds from the first query to the last answer."""
        return self.last - self.began

    def waiting(self) -> float:
        """Seconds since something happened while an answer is due; 0 if none is."""
        return perf_counter() - self.last if self.answered < self.asked else 0.0


@dataclass(frozen=True)
class _Worker:
    detector: Detector
    payload: Payload


class System:
    """Answers queries with one detector, or with several in threads of their own.

    Parameters
    ----------
    detectors
        One: it answers in the thread that asks.
    payload
        Makes what a detector's answers are written with.
    """

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
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[Sample] = queue.SimpleQueue()
        workers = [_Worker(detector, payload()) for detector in detectors]
        self._inline = workers[0] if len(workers) == 1 else None
        for worker in [] if self._inline else workers:
            threading.Thread(target=self._work, args=(worker,), name="detector", daemon=True).start()

    def issue(self, samples: Sequence[Sample]) -> None:
        """LoadGen's callback: answer these samples, now or soon."""
        try:
            self.counts.ask(len(samples))
            for sample in samples:
                if self._inline is not None:
                    self._run(sample, self._inline)
                else:
                    self._waiting.put(sample)
        except BaseException as error:  # noqa: BLE001 (LoadGen would end the process without a word)
            self._give_up(as_error(error))

    def flush(self) -> None:
        """LoadGen's callback: no more queries for now; nothing is held back here."""

    def _work(self, worker: _Worker) -> None:
        try:
            while True:
                self._run(self._waiting.get(), worker)
        except BaseException as error:  # noqa: BLE001
            self._give_up(as_error(error))

    def _run(self, sample: Sample, worker: _Worker) -> None:
        fed = self._library.get(sample.index)
        began = perf_counter()
        found = self._steps.detect(fed, worker.detector)
        seconds = perf_counter() - began
        size = worker.payload.fill(found, sample.index)
        with self._lock:
            self.counts.answer(seconds)
        self._answer(sample.id, worker.payload.address, size)


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

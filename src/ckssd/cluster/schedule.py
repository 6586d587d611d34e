"""Which node gets which batch, and what is lost: decided here, without a clock or a network of its own.

Each batch is wanted once. It is given out again when its node is gone, its worker died, or no answer came
within the deadline: then two answers may come, and the first counts. A node that let a deadline pass gets
nothing more until it answers. A batch that was given out too often ends the run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ckssd.errors import RunError

MOST_TRIES = 4
# A runtime that dies with the same image twice, each time a new process, dies of it.
MOST_CRASHES = 2
SMALLEST_BATCH, LARGEST_BATCH, BATCHES_PER_WORKER = 8, 64, 8
KEPT = "see the nodes' logs; with --run-folder, --resume goes on from what is finished"


@dataclass(frozen=True)
class Given:
    """A batch that a node has, or had; ``number`` tells it from the same batch given out again."""

    number: int
    batch: int
    node: str


@dataclass
class _Batch:
    tries: int = 0
    crashes: int = 0
    reasons: list[str] = field(default_factory=list)


def batch_size(images: int, workers: int) -> int:
    """Images in a batch: so few that the last ones end at about the same time, each worth its way."""
    even = max(1, -(-images // workers))
    return max(min(SMALLEST_BATCH, even), min(LARGEST_BATCH, images // (workers * BATCHES_PER_WORKER)))


class Schedule:
    """Batches 0 to ``batches`` - 1, of which those in ``done`` are not wanted any more."""

    def __init__(self, batches: int, deadline_s: float, done: Iterable[int] = ()) -> None:
        self._done = set(done)
        self._waiting = deque(batch for batch in range(batches) if batch not in self._done)
        self._batches = [_Batch() for _ in range(batches)]
        self._deadline_s = deadline_s
        self._slots: dict[str, int] = {}
        self._out: dict[Given, float] = {}
        self._late: set[Given] = set()
        self._numbers = 0
        self._last_answer: float | None = None
        self.given_again = 0

    @property
    def finished(self) -> bool:
        """Whether every batch was answered."""
        return len(self._done) == len(self._batches)

    @property
    def late_nodes(self) -> set[str]:
        """Nodes that let a deadline pass and have not answered since."""
        return {given.node for given in self._late}

    def nodes(self, slots: Mapping[str, int]) -> list[Given]:
        """The nodes that are there now, each with how many batches it takes at once.

        Returns
        -------
        list
            What the nodes had that are gone: no answer will come.
        """
        gone = [given for given in self._out if given.node not in slots]
        self._slots = dict(slots)
        for given in gone:
            self.lost(given, "its node left")
        return gone

    def give(self, now: float) -> Iterator[Given]:
        """What to hand out now; a node with a free place for each."""
        busy = dict.fromkeys(self._slots, 0)
        for given in self._out:
            busy[given.node] = busy.get(given.node, 0) + 1
        late = self.late_nodes
        trusted = [node for node in self._slots if node not in late] or list(self._slots)
        while self._waiting:
            node = min(trusted, key=lambda node: busy[node] / self._slots[node], default=None)
            if node is None or busy[node] >= self._slots[node]:
                return
            batch = self._waiting.popleft()
            if batch in self._done:
                continue
            self._numbers += 1
            given = Given(self._numbers, batch, node)
            self._out[given] = now
            busy[node] += 1
            yield given

    def answered(self, given: Given, now: float) -> bool:
        """A batch's answer came; return whether it is the first, which counts."""
        self._last_answer = now
        self._out.pop(given, None)
        self._late = {late for late in self._late if late.node != given.node}
        first = given.batch not in self._done
        self._done.add(given.batch)
        return first

    def lost(self, given: Given, reason: str) -> None:
        """No answer will come; it is given out again.

        Raises
        ------
        RunError
            It was given out often enough.
        """
        self._out.pop(given, None)
        self._late.discard(given)
        self._again(given, reason)

    def crashed(self, given: Given, reason: str) -> bool:
        """The runtime died with it; return whether it is given out again, in case that was a coincidence."""
        batch = self._batches[given.batch]
        batch.crashes += 1
        self._out.pop(given, None)
        if batch.crashes >= MOST_CRASHES:
            return False
        self._again(given, reason)
        return True

    def overdue(self, now: float) -> list[Given]:
        """What let the deadline pass just now: it may still be answered, but is given out again.

        Raises
        ------
        RunError
            A batch was given out often enough, or nothing at all was answered for so long.
        """
        self._last_answer = now if self._last_answer is None else self._last_answer
        if now - self._last_answer > MOST_TRIES * self._deadline_s:
            raise RunError(
                "No node of the cluster answers",
                expected=f"an answer within {MOST_TRIES * self._deadline_s:g} s (CK_CLUSTER_DEADLINE)",
                got=f"{len(self._slots)} nodes, {len(self._batches) - len(self._done)} batches left",
                advice=KEPT,
            )
        passed = [
            given
            for given, since in self._out.items()
            if given not in self._late and now - since > self._deadline_s
        ]
        for given in passed:
            self._late.add(given)
            self._again(given, f"no answer within {self._deadline_s:g} s")
        return passed

    def _again(self, given: Given, reason: str) -> None:
        if given.batch in self._done or given.batch in self._waiting:
            return
        batch = self._batches[given.batch]
        batch.tries += 1
        batch.reasons.append(reason)
        if batch.tries >= MOST_TRIES:
            raise RunError(
                "A batch of images was lost every time",
                where=f"batch {given.batch + 1} of {len(self._batches)}",
                got="; ".join(dict.fromkeys(batch.reasons)),
                advice=KEPT,
            )
        self.given_again += 1
        self._waiting.appendleft(given.batch)

"""What LoadGen does not do while it runs: end the process when an answer is lost, or a disk is full.

A thread looks every half second. It cannot run where a library holds Python's interpreter lock for ever;
then a timer of faulthandler, which needs no lock, ends the process.
"""

from __future__ import annotations

import faulthandler
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from ckssd.errors import CkssdError, EnvironmentSetupError, RunError
from ckssd.report import failed

EVERY_S = 0.5
LEAST_BYTES = 1 << 20
ROOM_FOR_LOCK_S = 20.0


def exit_with(error_file: Path | None) -> Callable[[CkssdError], NoReturn]:
    """What ends this process at once with an error, from any thread: LoadGen cannot be stopped otherwise."""
    ending = threading.Lock()

    def give_up(error: CkssdError) -> NoReturn:
        ending.acquire()  # for good: the first error counts
        code = error.exit_code
        try:
            failed(error, "ckssd loadgen", error_file)
        finally:
            os._exit(code)

    return give_up


class Watch:
    """Looks after a running test; use as a context manager.

    Parameters
    ----------
    waiting
        Gives the seconds since something happened while an answer is due.
    within
        How long an answer may take.
    folder
        Where LoadGen writes.
    """

    def __init__(
        self,
        waiting: Callable[[], float],
        within: float,
        folder: Path,
        give_up: Callable[[CkssdError], NoReturn],
    ) -> None:
        self._waiting, self._within, self._folder, self._give_up = waiting, within, folder, give_up
        self._parent = os.getppid()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
        self._nowhere = Path(os.devnull).open("w")  # noqa: SIM115 (as long as the test runs)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()
        self._nowhere.close()

    def _look(self) -> None:
        while not self._over.wait(EVERY_S):
            faulthandler.dump_traceback_later(self._within + ROOM_FOR_LOCK_S, exit=True, file=self._nowhere)
            fault = self._fault()
            if fault is not None:
                self._give_up(fault)

    def _fault(self) -> CkssdError | None:
        if self._waiting() > self._within:
            return RunError(
                "An answer to LoadGen is missing",
                expected=f"within {self._within:g} s",
                got=f"none for {self._waiting():.1f} s",
                advice="a slow machine needs longer: CK_LOADGEN_ANSWER_WITHIN_S",
            )
        if os.getppid() != self._parent:
            return RunError("The process that started LoadGen is gone")
        room = os.statvfs(self._folder)
        if room.f_bavail * room.f_frsize < LEAST_BYTES:
            return EnvironmentSetupError(
                "The disk is full", where=self._folder, advice="make room there; nothing of this run was kept"
            )
        return None

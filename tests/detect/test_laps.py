"""Parts of an image's time are those of the thread that runs it, and are taken once."""

from __future__ import annotations

import threading
import time

from ckssd.detect.laps import lap, taken


def test_laps_add_up_and_are_taken_once() -> None:
    taken()
    for _ in range(2):
        with lap("resize"):
            time.sleep(0.01)
    first = taken()
    assert set(first) == {"resize"}
    assert 0.02 <= first["resize"] < 1
    assert taken() == {}


def test_threads_do_not_see_each_others() -> None:
    taken()
    found: list[dict[str, float]] = []

    def other() -> None:
        with lap("postprocess"):
            pass
        found.append(taken())

    with lap("resize"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert [set(one) for one in (*found, taken())] == [{"postprocess"}, {"resize"}]

"""Hashing beside a download: what it says of the bytes, and that Ctrl-C at any instruction ends it."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from ckssd.fetch.hashing import PIECES, BackgroundHasher

# A signal comes after some microseconds, again and again; one deadlock in thousands would end the time.
INTERRUPTED = """
import faulthandler, random, signal, time
from ckssd.fetch.hashing import BackgroundHasher

class Interrupted(BaseException):
    pass

def interrupt(*_):
    raise Interrupted

signal.signal(signal.SIGALRM, interrupt)
faulthandler.dump_traceback_later(30, exit=True)
times, end = random.Random(1), time.monotonic() + 3
while time.monotonic() < end:
    hasher = BackgroundHasher()
    hasher.update(b"x")
    try:
        signal.setitimer(signal.ITIMER_REAL, times.uniform(20e-6, 400e-6))
        while True:
            hasher.update(b"x" * 100)
    except Interrupted:
        pass
    hasher.close()
"""


@pytest.mark.parametrize("pieces", [0, 1, PIECES, 5 * PIECES])
def test_it_gives_the_digests_of_all_so_far_and_goes_on(pieces: int) -> None:
    hasher = BackgroundHasher(with_md5=True)
    data = b""
    for _ in range(2):
        for number in range(pieces):
            hasher.update(bytes([number]) * 1000)
            data += bytes([number]) * 1000
        found = hasher.digests()
        assert (found.size, found.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert found.md5 == hashlib.md5(data, usedforsecurity=False).hexdigest()
    hasher.close()


@pytest.mark.slow
def test_an_interrupt_anywhere_does_not_leave_it_waiting() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

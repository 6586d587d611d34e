"""A cluster of two local nodes as a test sees it: its processes, its sockets, and what is done to them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parent / "inside" / "nodes.py"
LISTENING = "0A"
ENDS_WITHIN_S = 60


class Nodes:
    """The processes of one; ``token``: that of Ray, which nothing may show."""

    def __init__(self, python: Path, **variables: str) -> None:
        self.token = secrets.token_hex(32)
        self.variables = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token}
        self._process = subprocess.Popen(
            [str(python), str(SCRIPT)],
            env={**os.environ, **self.variables, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.raylets: list[int] = []
        self.address = ""
        self.folder = Path()  # of Ray's own files
        self._read()

    def _read(self) -> None:
        assert self._process.stdout is not None
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        self.address, self.raylets = said["address"], said["raylets"]
        self.folder = Path(said["folder"])

    def add(self) -> None:
        """One more node."""
        assert self._process.stdin is not None
        self._process.stdin.write("add\n")
        self._process.stdin.flush()
        self._read()

    def everything(self) -> list[int]:
        """All processes of all nodes."""
        return descendants(self._process.pid)

    def signal(self, node: int, number: signal.Signals) -> None:
        """A signal to a node's raylet and all that it started."""
        for pid in [self.raylets[node], *descendants(self.raylets[node])]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def workers(self, node: int) -> list[int]:
        """Ray's workers of a node that run a batch."""
        return [pid for pid in descendants(self.raylets[node]) if b"ray::run_batch" in command(pid)]

    def end(self) -> None:
        """End all."""
        left = self.everything()
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def two_nodes(python: Path, **variables: str) -> Iterator[Nodes]:
    """A cluster whose sockets are all on loopback."""
    nodes = Nodes(python, **variables)
    try:
        strangers = {address for address in listening(nodes.everything()) if address != "127.0.0.1"}
        assert not strangers
        yield nodes
    finally:
        nodes.end()


def command(pid: int) -> bytes:
    """A process's command line; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def descendants(pid: int) -> list[int]:
    """All processes below one."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found, open_ones = [], [pid]
    while open_ones:
        children = parents.get(open_ones.pop(), [])
        found += children
        open_ones += children
    return found


def listening(pids: list[int]) -> set[str]:
    """Addresses that these processes listen at, by TCP."""
    inodes = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for handle in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    inodes.add(str(handle.readlink()).removeprefix("socket:[").removesuffix("]"))
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and fields[9] in inodes:
                found.add(_address(fields[1].partition(":")[0]))
    assert found
    return found


def _address(hexadecimal: str) -> str:
    words = [hexadecimal[begin : begin + 8] for begin in range(0, len(hexadecimal), 8)]
    packed = b"".join(bytes.fromhex(word)[::-1] for word in words)
    if len(packed) == 4:
        return socket.inet_ntop(socket.AF_INET, packed)
    return socket.inet_ntop(socket.AF_INET6, packed).removeprefix("::ffff:")


def wait_for(what: Callable[[], Any], within_s: float = 120) -> Any:
    """What ``what`` gives as soon as it gives something."""
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        found = what()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come")

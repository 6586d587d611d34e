"""Real processes that are stopped at a point, killed with all their children, or let go on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

STOPS = Path(__file__).parent / "stops"


@dataclass(frozen=True)
class StopAt:
    """Where a Python process is to stop: an audit event and a pattern for its arguments."""

    event: str
    pattern: str

    def variables(self) -> dict[str, str]:
        """Environment variables that make it stop there."""
        return {"TEST_STOP_AT": f"{self.event} {self.pattern}", "PYTHONPATH": str(STOPS)}

    def killing(self) -> dict[str, str]:
        """Environment variables that kill it there, and with it all that belongs to its process group."""
        return {"TEST_KILL_AT": f"{self.event} {self.pattern}", "PYTHONPATH": str(STOPS)}


class Started:
    """A process in a group of its own, with everything that it starts."""

    def __init__(self, command: list[str], environment: Mapping[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def wait_until_stopped(self) -> None:
        """Wait for the point that ``StopAt`` names."""
        _, status = os.waitpid(self._process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "it ended without coming to the point"

    def signal(self, number: int) -> None:
        """Send a signal to the whole group, as a terminal does."""
        os.killpg(self._process.pid, number)

    def kill(self) -> int:
        """Kill the whole group by SIGKILL; return the exit code."""
        self.signal(signal.SIGKILL)
        return self.finish()[0]

    def go_on(self) -> None:
        """Let a stopped process continue."""
        self.signal(signal.SIGCONT)

    @property
    def process_id(self) -> int:
        """The first process's, not that of its children."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def finish(self) -> tuple[int, str]:
        """Wait for the end; return exit code and output."""
        output, _ = self._process.communicate(timeout=120)
        return self._process.returncode, output


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until the condition holds; fail after 20 seconds."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)

"""Tools that run as processes, by real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ckssd.errors import RunError
from ckssd.process import in_one_line, only_informs, reason_in, running
from tests.support.processes import Started

ENDLESS = "import time; print('began', flush=True); time.sleep(600)"
POLITE = f"import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(3)); {ENDLESS}"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, ValueError])
@pytest.mark.parametrize(
    ("stop", "end"), [(subprocess.Popen.kill, -signal.SIGKILL), (subprocess.Popen.terminate, 3)]
)
def test_no_process_outlives_whoever_gave_up(
    interruption: type[BaseException], stop: Callable[[subprocess.Popen[str]], None], end: int
) -> None:
    command = [sys.executable, "-c", POLITE]
    process: subprocess.Popen[str] | None = None

    def give_up() -> None:
        nonlocal process
        with running(command, os.environ, not_started=RunError, stop=stop) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "began\n"
            raise interruption

    with pytest.raises(interruption):
        give_up()
    assert process is not None
    assert process.returncode == end


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_no_process_outlives_a_signal_that_comes_while_it_is_started(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    """The child runs before its parent knows that it does: on a busy machine for a long time."""
    script = tmp_path / "interrupted.py"
    script.write_text(f"""
import os, subprocess, sys, time
from ckssd import endings, errors, process

class Interrupted(subprocess.Popen):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        print(self.pid, flush=True)
        os.kill(os.getpid(), {int(number)})
        time.sleep(0.1)  # Python handles signals between two instructions

subprocess.Popen = Interrupted

def work():
    command = [sys.executable, "-c", {ENDLESS!r}]
    with process.running(command, os.environ, not_started=errors.RunError):
        print("went on")
    return 0

sys.exit(endings.run_main("x", work))
""")
    started = Started([sys.executable, str(script)], os.environ, tmp_path)
    returned, output = started.finish()
    child, *lines = output.splitlines()
    assert (returned, lines) == (code, ["x: interrupted"] if number == signal.SIGINT else [])
    with pytest.raises(ProcessLookupError):
        os.kill(int(child), 0)


def test_errors_come_with_the_output_or_apart() -> None:
    command = [sys.executable, "-c", "import sys; print('out', flush=True); print('err', file=sys.stderr)"]
    with running(command, os.environ, not_started=RunError) as together:
        assert together.communicate() == ("out\nerr\n", None)
    with running(command, os.environ, not_started=RunError, errors_apart=True) as apart:
        assert apart.communicate() == ("out\n", "err\n")


def test_what_cannot_be_started_is_the_callers_error(tmp_path: Path) -> None:
    with (
        pytest.raises(RunError, match=r"^No such file or directory$"),
        running([str(tmp_path / "none")], os.environ, not_started=RunError),
    ):
        raise AssertionError


def test_a_question_gets_no_answer_and_other_bytes_than_utf_8_do_no_harm() -> None:
    code = "import sys; sys.stdout.buffer.write(b'\\xff'); input()"
    with running([sys.executable, "-c", code], os.environ, not_started=RunError) as process:
        assert "\ufffd" in process.communicate()[0]
    assert process.returncode == 1


def test_lines_for_one_line() -> None:
    assert in_one_line(["  a\n", "", " \n", "b"]) == "a | b"


def traceback(message: str) -> list[str]:
    frame = ['  File "x.py", line 1, in <module>', "    work()", "    ^^^^^^"]
    return ["Traceback (most recent call last):", *frame, message]


INFORMING = (
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1795729872.139211   19077 port.cc:153] oneDNN custom operations are on.",
    "2019-03-01 10:11:12.123456: I tensorflow/core/platform/cpu_feature_guard.cc:141] Your CPU",
    "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.",
    "INFO:tensorflow:Restoring parameters from model.ckpt",
)
LOGGED = (
    "W0000 00:00:1795730506.567062    8534 op_kernel.cc:1858] OP_REQUIRES failed",
    "2019-03-01 10:11:12.123456: E tensorflow/core/x.cc:1] OP_REQUIRES failed",
    "WARNING:tensorflow:From x.py:98: y is deprecated",
    "/env/x.py:1694: UserWarning: `layer.apply` is deprecated",
    "     [[{{node save/RestoreV2}}]]",
    "",
)
DURING = ["", "During handling of the above exception, another exception occurred:", ""]
REASONS = {
    "a line": (["one", "two"], "two"),
    "a traceback": (traceback("ValueError: 7"), "ValueError: 7"),
    "a module's exception": (traceback("a.b_c.DataLossError: bad"), "DataLossError: bad"),
    "a message of several lines": ([*traceback("E: one"), "two"], "E: one"),
    "an exception without a message": (traceback("AssertionError"), "AssertionError"),
    "the cause and what it led to": (
        [*traceback("KeyError: 1"), *DURING, *traceback("E: two"), *DURING, *traceback("E: three")],
        "KeyError: 1 | E: three",
    ),
    "the cause alone": (
        [*traceback("E: no table"), *DURING, *traceback("E: Graph execution error:"), "", "Node: x"],
        "E: no table",
    ),
    "one that was handled before": ([*traceback("E: one"), *traceback("E: two")], "E: two"),
    "no reason": ([], ""),
}


@pytest.mark.parametrize("case", REASONS)
def test_the_reason_is_found_among_what_is_logged(case: str) -> None:
    lines, reason = REASONS[case]
    assert reason_in([*INFORMING, *lines, *LOGGED]) == reason


def test_only_what_informs_is_taken_for_that() -> None:
    assert all(only_informs(line) for line in INFORMING)
    assert not any(only_informs(line) for line in (*LOGGED, "detecting: done", "In no time"))

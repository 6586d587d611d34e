"""Stops a process at a chosen point, as ^Z would; Python imports this at its start from PYTHONPATH.

``TEST_STOP_AT`` is the name of an audit event of Python, a space, and a pattern that its arguments have to
match. The process under test is the real one, with nothing in it replaced. ``TEST_KILL_AT``, of the same
form, kills it there with its whole process group: also from a process that it started.
"""

import os
import re
import signal
import sys

stop_event, _, stop_text = os.environ.get("TEST_STOP_AT", "").partition(" ")
kill_event, _, kill_text = os.environ.get("TEST_KILL_AT", "").partition(" ")
stop_pattern, kill_pattern = re.compile(stop_text), re.compile(kill_text)
waiting = [True]


def stop_or_kill(event, arguments):
    if event == stop_event and waiting and stop_pattern.search(" ".join(map(str, arguments))):
        waiting.clear()  # goes on after SIGCONT
        os.kill(os.getpid(), signal.SIGSTOP)
    if event == kill_event and kill_pattern.search(" ".join(map(str, arguments))):
        os.killpg(0, signal.SIGKILL)


if stop_event or kill_event:
    sys.addaudithook(stop_or_kill)

"""Stops a process at a chosen point, as ^Z would; Python imports this at its start from PYTHONPATH.

``TEST_STOP_AT`` is the name of an audit event of Python, a space, and a pattern that its arguments have to
match. The process under test is the real one, with nothing in it replaced.
"""

import os
import re
import signal
import sys

event_name, _, text = os.environ.get("TEST_STOP_AT", "").partition(" ")
pattern = re.compile(text)
waiting = [True]


def stop(event, arguments):
    if event == event_name and waiting and pattern.search(" ".join(map(str, arguments))):
        waiting.clear()  # goes on after SIGCONT
        os.kill(os.getpid(), signal.SIGSTOP)


if event_name:
    sys.addaudithook(stop)

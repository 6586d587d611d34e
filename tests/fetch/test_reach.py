"""Whether published files can be reached, asked of a real server."""

from __future__ import annotations

from ckssd.fetch.reach import Reach, reach
from ckssd.secrets import public
from tests.support.http_server import LocalServer, Page


def test_each_url_says_its_size_or_why_not() -> None:
    with LocalServer() as server:
        there = server.serve("a file.bin", Page(b"x" * 1234))
        gone = server.serve("gone.bin", Page(b"", status=404))
        nobody = "http://127.0.0.1:9/x"
        answers = reach([there, gone, nobody, there])
    assert sorted(answers) == sorted({there, gone, nobody})
    assert (answers[there].reachable, answers[there].size) == (True, 1234)
    assert not answers[gone].reachable
    assert answers[gone].reason.startswith("404")
    assert "refused" in answers[nobody].reason


def test_a_password_that_this_process_was_given_is_used_and_not_told() -> None:
    with LocalServer() as server:
        there = server.serve("x", Page(b"x" * 1234, login="user:s3cr3t-w0rd"))
        shown = public(there.replace("://", "://user:s3cr3t-w0rd@"))
        (answer,) = reach([shown]).values()
    assert shown == there
    assert answer == Reach(there, 1234)


def test_a_silent_server_is_not_waited_for() -> None:
    with LocalServer() as server:
        slow = server.serve("slow.bin", Page(b"x" * 100, stall_at=0))
        answers = reach([slow], timeout=0.3)
    assert slow in answers

"""A run over Ray on this machine gives what a run without it gives; what is wrong is one clear error."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cluster.conftest import Runs, crashing
from tests.support.http_server import LocalServer, Page
from tests.support.sandbox import Sandbox

__all__ = ["Sandbox"]  # these tests use a home: they are slow

pytestmark = pytest.mark.slow(seconds=40)


def test_a_run_over_this_machine_is_the_run_of_this_machine(runs: Runs) -> None:
    """Its runtime dies once, and its pictures come from a server that wants a password and is busy once."""
    python = crashing(runs.bench.folder, "b3.png", once=True)
    with LocalServer() as server:
        for path in runs.bench.images.iterdir():
            page = Page(path.read_bytes(), login="me:swordfish", status=503, failures=1)
            server.serve(f"a folder/{path.name}?token=0123456789abcdef", page)
        shown = f"{server.address}/a%20folder/"
        address = shown.replace("://", "://me:swordfish@") + "?token=0123456789abcdef"
        driver = runs.begin("ray", python, CK_CLUSTER_BATCH="3", CK_CLUSTER_IMAGES=address)
        result = runs.ended(driver)
    runs.check(result)
    facts = result["cluster"]
    assert (facts["batches"], facts["nodes"], facts["workers"]) == (3, 1, 2)
    assert (facts["given_again"], facts["resumed"]) == (1, 0)
    assert facts["images"] == shown
    assert facts["fetch_retries"] == result["images"] - 3, "not those of the answer that did not come"
    assert facts["fetched_bytes"] == sum(path.stat().st_size for path in runs.bench.images.iterdir())
    assert "run by Ray with 2 workers on 1 nodes of ray, in 3 batches" in result["notes"][0]
    assert result["notes"][1] == f"the nodes fetched the pictures from {shown}"
    for secret in ("swordfish", "0123456789abcdef"):
        assert not any(secret in path.read_text("latin-1") for path in files_of(runs.bench.folder))


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.full
def test_an_image_that_cannot_be_read_is_the_error_of_one_machine(runs: Runs) -> None:
    (runs.bench.images / "b3.png").write_text("no image")
    error = runs.failed(runs.begin("ray", CK_CLUSTER_BATCH="3"))
    assert error["code"] == "input"
    assert "b3.png" in error["where"]


def test_an_address_where_nobody_is_ends_at_once_without_its_secrets(runs: Runs) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = runs.begin(f"ray://me:swordfish@127.0.0.1:{port}")
    error = runs.failed(driver)
    assert error["what"] == "Nothing answers at Ray's address"
    assert error["where"] == f"127.0.0.1:{port}"
    assert "swordfish" not in str(error)

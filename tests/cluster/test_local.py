"""A run over Ray on this machine gives what a run without it gives; what is wrong is one clear error."""

from __future__ import annotations

import socket

import pytest

from tests.cluster.conftest import Runs, crashing
from tests.support.sandbox import Sandbox

__all__ = ["Sandbox"]  # these tests use a home: they are slow

pytestmark = pytest.mark.slow(seconds=40)


def test_a_run_over_this_machine_is_the_run_of_this_machine_even_if_its_runtime_dies_once(
    runs: Runs,
) -> None:
    python = crashing(runs.bench.folder, "b3.png", once=True)
    result = runs.ended(runs.begin("ray", python, CK_CLUSTER_BATCH="3"))
    runs.check(result)
    facts = result["cluster"]
    assert (facts["batches"], facts["nodes"], facts["workers"]) == (3, 1, 2)
    assert (facts["given_again"], facts["resumed"]) == (1, 0)
    assert any(
        "run by Ray with 2 workers on 1 nodes of ray, in 3 batches" in note for note in result["notes"]
    )


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

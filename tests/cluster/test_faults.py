"""What fails on the way: the run ends with the numbers of one machine, or names what was lost.

Real processes: two nodes of Ray on this machine, every socket on loopback, and real signals.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cluster.conftest import Runs, crashing
from tests.cluster.nodes import Nodes, command, descendants, two_nodes, wait_for
from tests.measure.conftest import Bench
from tests.support.http_server import LocalServer, Page
from tests.support.run import install_once
from tests.support.sandbox import Sandbox

__all__ = ["Sandbox"]  # these tests use a home: they are slow

pytestmark = [pytest.mark.slow(seconds=90), pytest.mark.full]

IMAGES = 96
SIDE = 900  # pixels: decoding takes so long that there is time to disturb it


@pytest.fixture(scope="module")
def cluster(ray_python: Path) -> Iterator[Nodes]:
    with two_nodes(ray_python) as nodes:
        yield nodes


@pytest.fixture
def many(runs: Runs) -> Runs:
    """The small benchmark with many large pictures."""
    enlarge(runs.bench)
    return runs


def enlarge(bench: Bench) -> None:
    content = json.loads(bench.annotations.read_text())
    first = content["images"][0]
    random = np.random.default_rng(3)
    pictures = [random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(3)]
    files = []
    for number, picture in enumerate(pictures):
        files.append(bench.images / f"large{number}.png")
        Image.fromarray(picture).save(files[-1])
    content["images"] = []
    for number in range(IMAGES):
        name = f"many{number}.png"
        os.link(files[number % len(files)], bench.images / name)
        content["images"].append({"id": number + 1, "file_name": name, "width": SIDE, "height": SIDE})
    content["annotations"] = [
        {**annotation, "image_id": number % IMAGES + 1}
        for number, annotation in enumerate(content["annotations"])
    ]
    assert first
    bench.annotations.write_text(json.dumps(content))


def kept(runs: Runs) -> list[Path]:
    return sorted((runs.bench.folder / "kept").glob("*.part"))


def begin(runs: Runs, nodes: Nodes, **variables: str):  # type: ignore[no-untyped-def]
    kept_in = str(runs.bench.folder / "kept")
    run = {"CK_CLUSTER_BATCH": "4", "CK_CLUSTER_FOLDER": kept_in, **nodes.variables, **variables}
    return runs.begin(nodes.address, **run)


def test_a_worker_that_is_killed_costs_one_batch(many: Runs, cluster: Nodes) -> None:
    driver = begin(many, cluster)
    wait_for(lambda: kept(many))
    (worker, *_) = wait_for(lambda: cluster.workers(0) + cluster.workers(1))
    os.kill(worker, signal.SIGKILL)
    result = many.ended(driver)
    many.check(result)
    assert result["cluster"]["nodes"] == 2
    assert result["cluster"]["given_again"] >= 1
    assert cluster.token not in json.dumps(result)


def test_a_driver_that_is_killed_goes_on_from_what_is_finished(many: Runs, cluster: Nodes) -> None:
    driver = begin(many, cluster)
    wait_for(lambda: len(kept(many)) > 3)
    driver.kill()
    driver.communicate()
    before = {path: path.stat().st_mtime_ns for path in kept(many)}
    assert len(before) < IMAGES / 4, "it was too fast to be disturbed"
    anew = many.failed(begin(many, cluster))
    assert anew["what"] == "The folder has a run"
    result = many.ended(begin(many, cluster, CK_CLUSTER_RESUME="yes"))
    many.check(result)
    assert result["cluster"]["resumed"] == len(before)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items()), "nothing was run twice"


def test_a_node_that_hangs_is_given_up_after_the_deadline(many: Runs, cluster: Nodes) -> None:
    driver = begin(many, cluster, CK_CLUSTER_DEADLINE="12")
    wait_for(lambda: kept(many))
    wait_for(lambda: cluster.workers(1))
    cluster.signal(1, signal.SIGSTOP)
    try:
        result = many.ended(driver)
    finally:
        cluster.signal(1, signal.SIGCONT)
    many.check(result)
    assert result["cluster"]["given_again"] >= 1


def test_a_runtime_that_dies_with_a_picture_each_time_is_said_with_its_name(
    runs: Runs, cluster: Nodes
) -> None:
    python = crashing(runs.bench.folder, "b3.png", once=False)
    error = runs.failed(runs.begin(cluster.address, python, CK_CLUSTER_BATCH="4", **cluster.variables))
    assert error["what"] == "The runtime dies with an image, each time"
    assert error["where"] == str(runs.bench.images / "b3.png")
    assert "signal 11" in error["got"]


def test_a_runtime_that_dies_once_is_started_again(runs: Runs, cluster: Nodes) -> None:
    python = crashing(runs.bench.folder, "b3.png", once=True)
    result = runs.ended(runs.begin(cluster.address, python, CK_CLUSTER_BATCH="4", **cluster.variables))
    runs.check(result)
    assert result["cluster"]["given_again"] == 1


def test_a_node_without_the_runtime_makes_it_of_the_same_lock(
    runs: Runs, cluster: Nodes, shared: Sandbox
) -> None:
    install_once(shared, [["lib,litert"]])
    tags, variable = "lib,litert", "CK_ENV_LIB_LITERT_PYTHON_FILE"
    said = shared.in_environment(tags, f"printf '%s' \"${variable}\"").out
    installed = Path(said.strip().splitlines()[-1]).parent.parent
    elsewhere = runs.bench.folder / "of another machine"
    elsewhere.mkdir()
    python = elsewhere / "bin" / "python"
    lacking = runs.failed(runs.begin(cluster.address, python, **cluster.variables))
    assert (lacking["code"], lacking["what"]) == ("not-installed", "A node lacks the runtime")
    shutil.copy(installed / "provenance.json", elsewhere)
    runs.check(runs.ended(runs.begin(cluster.address, python, **cluster.variables)))


def test_another_picture_at_the_address_ends_the_run_with_its_name(runs: Runs, cluster: Nodes) -> None:
    """The password in the address gets to the server, and into nobody's files."""
    secret = b"swordfish-of-the-pictures"
    with LocalServer() as server:
        for path in runs.bench.images.iterdir():
            server.serve(f"val/{path.name}", Page(path.read_bytes(), login=f"me:{secret.decode()}"))
        whole = (runs.bench.images / "b3.png").read_bytes()
        server.serve("val/b3.png", whole[:-1] + bytes([whole[-1] ^ 1]))
        images = {"CK_CLUSTER_IMAGES": server.url("val/").replace("://", f"://me:{secret.decode()}@")}
        error = runs.failed(runs.begin(cluster.address, **images, **cluster.variables))
    of_ray = [path for path in cluster.folder.rglob("*") if path.is_file()]
    assert any("raylet" in path.name for path in of_ray)
    assert not any(secret in path.read_bytes() for path in [*of_ray, *runs.bench.folder.rglob("*.json")])
    assert error["what"] == "A picture at the address is not the data set's own"
    assert error["where"].startswith(server.url("val/b3.png on "))
    assert error["expected"].endswith(hashlib.sha256(whole).hexdigest())


def test_nodes_may_leave_and_join(many: Runs, ray_python: Path) -> None:
    with two_nodes(ray_python) as nodes:
        driver = begin(many, nodes)
        wait_for(lambda: kept(many))
        wait_for(lambda: nodes.workers(1))
        nodes.signal(1, signal.SIGKILL)
        nodes.add()
        result = many.ended(driver)
        many.check(result)
        assert result["cluster"]["given_again"] >= 1


def test_an_object_store_that_is_too_small_for_the_pictures_does_not_matter(
    many: Runs, ray_python: Path
) -> None:
    with two_nodes(ray_python, TEST_STORE_BYTES=str(80 << 20)) as nodes:
        size = sum(path.stat().st_size for path in many.bench.images.glob("many*.png"))
        assert size > 2 * (80 << 20)
        result = many.ended(
            begin(many, nodes, CK_CLUSTER_IMAGES="sent", CK_CLUSTER_BATCH="48", CK_CLUSTER_DEADLINE="60")
        )
        many.check(result)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_driver_that_is_told_to_end_leaves_nothing_of_a_ray_that_it_began(
    many: Runs, number: signal.Signals
) -> None:
    driver = many.begin("ray", CK_CLUSTER_BATCH="4", CK_CLUSTER_FOLDER=str(many.bench.folder / "kept"))
    wait_for(lambda: kept(many))
    begun = descendants(driver.pid)
    assert len(begun) > 4
    driver.send_signal(number)
    said = driver.communicate(timeout=60)[1]
    assert driver.returncode == 128 + number
    assert len(said.splitlines()) <= 3, said
    wait_for(lambda: not any(command(pid) for pid in begun))


def test_ray_s_client_gives_the_same(runs: Runs, cluster: Nodes, ray_python: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-m", "ray.util.client.server", "--address", cluster.address, "--host", "127.0.0.1"]
    variables = {**os.environ, **cluster.variables, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    with subprocess.Popen(
        [str(ray_python), *words, "--port", str(port), "--mode", "proxy"],
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            wait_for(lambda: answers(port))
            begin_run = partial(runs.begin, f"ray://127.0.0.1:{port}", CK_CLUSTER_BATCH="3")
            driver = begin_run(**cluster.variables)
            if driver.wait(120) == 6:  # Ray's server gives its own process half a minute: a busy machine
                driver = begin_run(**cluster.variables)
            result = runs.ended(driver)
        finally:
            server.terminate()
    runs.check(result)
    assert result["cluster"]["nodes"] == 2


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True

"""Pictures from S3: nodes of Ray fetch them from a real S3 server, with credentials of their own."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import Runs
from tests.cluster.nodes import wait_for
from tests.support.sandbox import Sandbox

__all__ = ["Sandbox"]  # these tests use a home: they are slow

pytestmark = [pytest.mark.slow(seconds=60), pytest.mark.full]

LOCK = Path(__file__).parent / "inside" / "s3-server.lock"
UPLOAD = """import sys
from pathlib import Path
import s3fs
files, bucket = s3fs.S3FileSystem(), sys.argv[2]
files.mkdir(bucket)
for path in Path(sys.argv[1]).iterdir():
    files.pipe_file(f"{bucket}/val 2017/{path.name}", path.read_bytes())
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables by which S3's clients reach a server of ours; it is in an environment of its own."""
    place = tmp_path_factory.mktemp("s3 server") / "venv"
    python = place / "bin" / "python"
    for words in (["venv", str(place)], ["pip", "sync", "-p", str(python), "--require-hashes", str(LOCK)]):
        subprocess.run([".venv/bin/uv", *words, "--quiet"], cwd=LOCK.parents[3], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [str(python), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(lambda: answers(port))
            yield {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_ACCESS_KEY_ID": "of the node",
                "AWS_SECRET_ACCESS_KEY": "swordfish",
                "AWS_DEFAULT_REGION": "us-east-1",
            }
        finally:
            server.terminate()


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def upload(runs: Runs, store: dict[str, str], bucket: str) -> None:
    words = [str(runs.ray), "-c", UPLOAD, str(runs.bench.images), bucket]
    subprocess.run(words, env={**os.environ, **store}, check=True)


def test_pictures_come_from_s3_by_the_node_s_own_credentials(runs: Runs, store: dict[str, str]) -> None:
    upload(runs, store, "whole")
    result = runs.ended(
        runs.begin("ray", CK_CLUSTER_BATCH="3", CK_CLUSTER_IMAGES="s3://whole/val 2017/", **store)
    )
    runs.check(result)
    assert result["cluster"]["images"] == "s3://whole/val 2017/"
    assert result["cluster"]["fetched_bytes"] > 0
    assert "swordfish" not in runs.output.read_text()


@pytest.mark.parametrize("bucket", ["lacks-one", "none"])
def test_what_s3_has_not_is_said_with_its_address(runs: Runs, store: dict[str, str], bucket: str) -> None:
    if bucket != "none":
        picture, hidden = runs.bench.images / "b3.png", runs.bench.folder / "b3.png"
        picture.rename(hidden)
        upload(runs, store, bucket)
        hidden.rename(picture)
    error = runs.failed(runs.begin("ray", CK_CLUSTER_IMAGES=f"s3://{bucket}/val 2017/", **store))
    assert (error["code"], error["got"]) == ("network", "there is no such file")
    assert error["where"].startswith(f"s3://{bucket}/val 2017/")

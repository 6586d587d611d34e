"""``ckssd cache`` on a real cache: list, verify, prune."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from ckssd.cluster.on_node.cache import use
from ckssd.fetch import Settings, Source, fetch
from tests.cli.test_contract import ckssd
from tests.support.http_server import LocalServer, Page

OLD, NEW = b"an old file", b"a new file"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with one file used now and one used 40 days ago."""
    folder = tmp_path / "a cache"
    monkeypatch.setenv("CKSSD_CACHE", str(folder))
    with LocalServer() as server:
        for name, body in (("old.bin", OLD), ("new.bin", NEW)):
            url = server.serve(name, Page(body))
            fetch(Source(name, (url,), len(body), hashlib.sha256(body).hexdigest()), Settings(cache=folder))
    long_ago = time.time() - 40 * 86400
    note = folder / "sources" / "sha256" / f"{hashlib.sha256(OLD).hexdigest()}.json"
    os.utime(note, (long_ago, long_ago))
    return folder


def test_list_shows_names_sizes_and_the_sum(cache: Path) -> None:
    data = json.loads(ckssd("cache", "list", "--json").stdout)["data"]
    assert [(file["file"], file["size"]) for file in data["files"]] == [("new.bin", 10), ("old.bin", 11)]
    assert (data["bytes"], data["folder"]) == (21, str(cache))
    text = ckssd("cache", "list").stdout
    assert "old.bin" in text
    assert "2 files, 0 unfinished, 21 bytes" in text


def test_what_a_node_keeps_is_shown_and_pruned_but_for_what_a_run_uses(cache: Path) -> None:
    nodes = cache / "cluster"
    for name in ("new", "used", "old", "python3.11-old"):
        use(nodes / name, lambda folder: (folder / "file").write_bytes(NEW)).close()
    (nodes / "half").mkdir()
    long_ago = time.time() - 40 * 86400
    for name in ("old", "python3.11-old"):
        os.utime(nodes / name / "whole", (long_ago, long_ago))
    sizes = dict.fromkeys(("new", "used", "old", "python3.11-old"), len(NEW)) | {"half": 0}
    with use(nodes / "used", lambda _: None):
        listed = json.loads(ckssd("cache", "list", "--json").stdout)["data"]["cluster"]
        assert {Path(one["path"]).name: one["size"] for one in listed} == sizes
        assert [Path(one["path"]).name for one in listed if one["in_use"]] == ["used"]
        assert {one["kind"] for one in listed if "python" in one["path"]} == {"python"}
        gone = json.loads(ckssd("cache", "prune", "--json").stdout)["data"]["cluster"]
        assert {Path(one["path"]).name for one in gone} == {"old", "python3.11-old", "half"}
        text = ckssd("cache", "prune", "--unused-for", "0").stdout
    assert f"1 of runs over a cluster removed, {len(NEW)} bytes; 1 stay in" in text
    assert {path.name for path in nodes.iterdir()} == {"used", "used.lock"}


def test_verify_finds_a_changed_file(cache: Path) -> None:
    assert ckssd("cache", "verify").returncode == 0
    changed = cache / "sources" / "sha256" / hashlib.sha256(NEW).hexdigest()
    changed.chmod(0o644)
    changed.write_bytes(b"A new file")
    done = ckssd("cache", "verify", "--json")
    assert done.returncode == 5
    answer = json.loads(done.stdout)
    assert answer["status"] == "failed"
    assert {file["file"]: file["whole"] for file in answer["data"]["files"]} == {
        "new.bin": False,
        "old.bin": True,
    }


def test_prune_removes_what_nobody_used_for_long(cache: Path) -> None:
    data = json.loads(ckssd("cache", "prune", "--json").stdout)["data"]
    assert [file["file"] for file in data["removed"]] == ["old.bin"]
    assert "1 files removed, 10 bytes; 0 stay" in ckssd("cache", "prune", "--unused-for=0").stdout
    assert not [path for path in (cache / "sources").rglob("*") if path.is_file()]


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    "words", [("list", "--unused-for=1"), ("prune", "--unused-for=-1"), ("prune", "--unused-for=nan")]
)
def test_flags_that_make_no_sense_are_refused(words: tuple[str, ...]) -> None:
    done = ckssd("cache", *words)
    assert done.returncode == 2
    assert "--unused-for" in done.stderr
    assert len(json.loads(ckssd("cache", "list", "--json").stdout)["data"]["files"]) == 2

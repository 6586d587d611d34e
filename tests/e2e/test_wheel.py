"""The wheel alone, without a checkout: built, installed in an empty environment, registered and used."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from ckssd.install.uv import find_uv
from tests.support.sandbox import CHECKOUT
from tests.support.tree import copy_tracked

pytestmark = pytest.mark.slow(seconds=30)


def run(*command: str, cwd: Path, **variables: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git has of this checkout, as it stands in its files: a clean clone."""
    return copy_tracked(tmp_path_factory.mktemp("a clone") / "p")


@pytest.fixture(scope="module")
def built(tracked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheel and the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    run(str(find_uv()), "build", "--quiet", "--out-dir", str(folder), str(tracked), cwd=tracked)
    return folder


@pytest.fixture(scope="module")
def environment(built: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of a person who has installed the wheel and has nothing else."""
    home = tmp_path_factory.mktemp("home")
    uv = str(find_uv())
    # ck's own setup.py needs `imp`, see [tool.uv] in pyproject.toml.
    needs = ("--config-file", str(CHECKOUT / "tools" / "uv-wheel.toml"))
    run(uv, "venv", "--quiet", str(home / "venv"), cwd=home)
    (wheel,) = built.glob("*.whl")
    run(uv, "pip", "install", "--quiet", *needs, f"--python={home}/venv/bin/python", str(wheel), cwd=home)
    kept = {name: os.environ[name] for name in ("UV_CACHE_DIR", "PATH") if name in os.environ}
    return {"HOME": str(home), **kept, "CK_REPOS": "", "CK_TOOLS": "", "XDG_DATA_HOME": f"{home}/my data"}


def test_the_source_archive_is_the_git_tree(tracked: Path, built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {member.name.partition("/")[2] for member in opened if member.isfile()}
    there = {str(path.relative_to(tracked)) for path in tracked.rglob("*") if path.is_file()}
    assert names - there == {"PKG-INFO"}
    assert there - names == set()


def test_built_again_the_wheel_has_the_same_bytes(tracked: Path, built: Path, tmp_path: Path) -> None:
    run(str(find_uv()), "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(tracked), cwd=tracked)
    digests = {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in (built, tmp_path)
        for path in folder.glob("*.whl")
    }
    assert len(digests) == 1


def test_the_wheel_has_every_entry(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    entries = [
        path
        for kind in ("env", "module", "os", "package", "program", "soft")
        for path in (CHECKOUT / kind).glob("*/.cm/meta.json")
    ]
    assert len(entries) > 60
    missing = [str(path) for path in entries if f"ckssd/repository/{path.relative_to(CHECKOUT)}" not in names]
    assert missing == []


def test_init_registers_it_and_a_package_is_installed_and_measured(
    environment: dict[str, str], shapes_tflite: Path, tmp_path: Path
) -> None:
    command = str(Path(environment["HOME"], "venv", "bin", "ckssd"))
    told = run(command, "init", cwd=tmp_path, **environment)
    assert f"Repository: {environment['XDG_DATA_HOME']}/ckssd/ck-ssd-" in told
    assert run(command, "init", cwd=tmp_path, **environment) == told
    for tags in ("lib,litert", "tool,coco", "dataset,object-detection,shapes,val"):
        run(command, "install", f"--tags={tags}", cwd=tmp_path, **environment)
    listed = run(command, "verify", cwd=tmp_path, **environment)
    assert len(re.findall("^whole:", listed, re.MULTILINE)) == 3
    graph = f"--model={shapes_tflite}/detect_regular_nms.tflite"
    words = ("benchmark", graph, "--dataset-tags=shapes", "--count", "4")
    assert "mAP: 0." in run(command, *words, cwd=tmp_path, **environment)

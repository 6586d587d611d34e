"""Adding this repository to a CK home, killed at the points where CK 2.6.4 leaves something half done."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ckssd.ck.registration import add_repository, registered_path
from tests.support.processes import Started, StopAt

pytestmark = pytest.mark.slow

CODE = """
import os, sys
from pathlib import Path
from ckssd.ck.registration import add_repository
add_repository(sys.argv[1], Path(sys.argv[2]), dict(os.environ))
"""
WRITING = r".* '?[wa]"


def repository(folder: Path, name: str) -> Path:
    """A CK repository with nothing in it but its own name."""
    folder.mkdir(parents=True)
    uid = hashlib.sha256(name.encode()).hexdigest()[:16]
    description = {"data_alias": name, "data_name": name, "data_uid": uid, "data_uoa": name}
    (folder / ".ckr.json").write_text(json.dumps({**description, "dict": {"shared": "git"}}))
    return folder


def home(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "CK").mkdir()
    return {**os.environ, "CK_REPOS": str(tmp_path / "CK"), "CK_TOOLS": str(tmp_path / "TOOLS")}


def killed_at(point: StopAt, environment: dict[str, str], name: str, path: Path, folder: Path) -> None:
    command = [sys.executable, "-c", CODE, name, str(path)]
    started = Started(command, {**environment, **point.killing()}, folder)
    code, output = started.finish()
    assert code == -signal.SIGKILL, f"it ended without coming to the point: {output}"


@pytest.mark.parametrize(
    "point",
    [
        StopAt("os.mkdir", r"local/kernel/default/\.cm"),
        StopAt("open", r"local/kernel/default/\.cm/meta\.json" + WRITING),
        StopAt("os.mkdir", r"local/repo/mine/\.cm"),
        StopAt("open", r"local/\.ck\.cache_repo_uoa\.json" + WRITING),
        StopAt("open", r"local/\.ck\.cache_repo_info\.json" + WRITING),
        StopAt("os.rename", r"\.ckssd-registering\.done"),
    ],
    ids=lambda point: point.pattern,
)
def test_a_killed_registration_is_done_by_the_next(tmp_path: Path, point: StopAt) -> None:
    path, environment = repository(tmp_path / "mine", "mine"), home(tmp_path)
    killed_at(point, environment, "mine", path, tmp_path)
    add_repository("mine", path, environment)
    assert registered_path("mine", environment) == str(path)
    assert [file.name for file in (tmp_path / "CK").iterdir()] == ["local"]


def test_what_else_a_home_has_outlives_a_list_that_was_cut_short(tmp_path: Path) -> None:
    """The process dies between emptying the list of repositories and filling it."""
    environment = home(tmp_path)
    theirs, mine = repository(tmp_path / "theirs", "theirs"), repository(tmp_path / "mine", "mine")
    add_repository("theirs", theirs, environment)
    point = StopAt("open", r"local/\.ck\.cache_repo_info\.json" + WRITING)
    killed_at(point, environment, "mine", mine, tmp_path)
    (tmp_path / "CK" / "local" / ".ck.cache_repo_info.json").write_text("")
    add_repository("mine", mine, environment)
    assert registered_path("mine", environment) == str(mine)
    assert registered_path("theirs", environment) == str(theirs)


def test_a_repository_that_moved_is_registered_where_it_is_now(tmp_path: Path) -> None:
    environment = home(tmp_path)
    add_repository("mine", repository(tmp_path / "mine", "mine"), environment)
    moved = shutil.move(tmp_path / "mine", tmp_path / "elsewhere")
    add_repository("mine", moved, environment)
    assert registered_path("mine", environment) == str(tmp_path / "elsewhere")


def test_several_register_this_repository_at_once(tmp_path: Path) -> None:
    checkout = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "ckssd.ck.home", "register", str(checkout), "--home"]
    processes = [
        subprocess.Popen(
            command, env=home_of_all, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for home_of_all in [home(tmp_path)] * 3
    ]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    registered = registered_path("ck-ssd", {**os.environ, "CK_REPOS": str(tmp_path / "CK")})
    assert registered is not None
    assert Path(registered).resolve() == checkout  # by a link where the path has a space

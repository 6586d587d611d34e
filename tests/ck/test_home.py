"""The CK home of a checkout: plain paths for CK, whatever the checkout's own path is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.ck.home import (
    PLAIN_PATH,
    CkHome,
    checkout_home,
    home_in,
    own_home,
    plain_path,
    prepare,
    shell_lines,
)
from ckssd.errors import EnvironmentSetupError


def test_a_plain_checkout_is_its_own_place(tmp_path: Path) -> None:
    root = tmp_path / "ck-ssd"
    root.mkdir()
    assert plain_path(root) == root
    assert checkout_home(root).repos == root / ".ck" / "repos"


@pytest.mark.parametrize("name", ["a clone", "it's", 'a "quoted" one', "größe", "$HOME", "a;b"])
def test_a_checkout_that_would_break_ck_is_reached_through_a_plain_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / name
    root.mkdir()
    link = plain_path(root)
    assert PLAIN_PATH.fullmatch(str(link))
    assert link.resolve() == root
    assert plain_path(root) == link, "the same link each time: CK's scripts hold its path"


def test_somebody_elses_link_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "a clone"
    root.mkdir()
    link = plain_path(root)
    link.unlink()
    link.symlink_to(tmp_path)
    with pytest.raises(EnvironmentSetupError, match="not usable"):
        plain_path(root)


@given(st.text(alphabet=st.characters(blacklist_characters="\0/\n", blacklist_categories=["Cs"]), min_size=1))
def test_the_shell_reads_back_the_path_that_was_meant(name: str) -> None:
    root = Path("/somewhere") / name
    lines = shell_lines(root, CkHome(root / "repos", root / "tools"))
    done = subprocess.run(
        ["/bin/sh", "-c", f'PATH=/bin\n{lines}printf %s "$PATH|$CK_TOOLS"'],
        capture_output=True,
        check=True,
        env={"LANG": "C.UTF-8"},
    )
    assert done.stdout == os.fsencode(f"{root}/.venv/bin:/bin|{root}/tools")


def test_repositories_are_where_ck_sees_a_plain_path_even_by_its_real_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "a clone" / ".ck"
    home = home_in(folder)
    prepare(home)
    assert PLAIN_PATH.fullmatch(str(home.repos.resolve()))
    assert PLAIN_PATH.fullmatch(str(home.tools))
    assert (folder / "repos").resolve() == home.repos
    assert (folder / "tools").is_dir()


def test_a_home_made_anew_does_not_remember_what_the_old_one_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "a clone" / ".ck"
    prepare(home_in(folder))
    (folder / "repos" / "registered").touch()
    prepare(home_in(folder))
    assert (folder / "repos" / "registered").exists()
    shutil.rmtree(folder)
    prepare(home_in(folder))
    assert not (folder / "repos" / "registered").exists()


def test_ones_own_home_is_where_ck_itself_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "ck-ssd"
    root.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    of_checkout = checkout_home(root)
    monkeypatch.setenv("CK_REPOS", str(of_checkout.repos))  # as after `. ./activate`
    monkeypatch.setenv("CK_TOOLS", str(tmp_path / "elsewhere" / "tools"))
    assert own_home(root) == CkHome(tmp_path / "CK", tmp_path / "elsewhere" / "tools")


def test_preparing_ones_own_home_takes_nothing_away(tmp_path: Path) -> None:
    home = CkHome(tmp_path / "a" / "CK", tmp_path / "b" / "TOOLS")
    home.repos.mkdir(parents=True)
    (home.repos / "registered").touch()
    prepare(home)
    assert (home.repos / "registered").exists()
    assert home.tools.is_dir()


@pytest.mark.parametrize("variable", ["CK_REPOS", "CK_TOOLS"])
def test_ones_own_home_that_would_break_ck_is_refused_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "it's a home"))
    with pytest.raises(EnvironmentSetupError, match=rf"it's a home.*plain place by {variable}"):
        own_home(tmp_path)

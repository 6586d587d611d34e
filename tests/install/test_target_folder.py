"""What may be in the place of an installation, and how one is taken away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ckssd.errors import EnvironmentSetupError, UsageError
from ckssd.install import Identity, Provenance, ensure, installed, uninstall
from ckssd.install.transaction import STAGING_PREFIX, work_folder


def filler(identity: Identity) -> Callable[[Path], Provenance]:
    def fill(staging: Path) -> Provenance:
        (staging / "one").write_text("new")
        return Provenance(identity)

    return fill


def stale(target: Path) -> list[Path]:
    return list(work_folder(target).glob(f"{STAGING_PREFIX}*"))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize("content", ["", "{}", "half a prov"])
def test_folder_with_a_broken_provenance_is_no_installation(target, identity, content):
    target.mkdir()
    (target / "provenance.json").write_text(content)
    assert installed(target) is None
    assert ensure(target, identity, filler(identity)).fresh


def test_foreign_folder_is_never_replaced(target, identity):
    target.mkdir()
    (target / "my thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="not empty"):
        ensure(target, identity, filler(identity), replace=True)
    with pytest.raises(UsageError, match="not empty"):
        uninstall(target)
    assert (target / "my thesis.txt").read_text() == "precious"


def test_empty_folder_and_leftover_of_ck_are_replaced(target, identity):
    target.mkdir()
    ensure(target, identity, filler(identity))
    assert installed(target, identity)
    uninstall(target)
    target.mkdir()
    (target / "ck-install.json").write_text("{}")
    ensure(target, identity, filler(identity))
    assert installed(target, identity)


def test_target_that_is_a_link_keeps_being_one(target, identity, folder):
    real = _made(folder / "real place")
    target.symlink_to(real)
    ensure(target, identity, filler(identity))
    assert target.is_symlink()
    assert installed(real, identity)


def test_file_in_the_place_is_named(target, identity):
    target.write_text("")
    with pytest.raises(UsageError, match="taken by a file"):
        ensure(target, identity, filler(identity))


def test_uninstall_takes_the_folder_away(target, identity):
    ensure(target, identity, filler(identity))
    assert uninstall(target)
    assert not target.exists()
    assert stale(target) == []
    assert not uninstall(target)


def test_read_only_folders_inside_do_not_hinder(target, identity):
    def fill(staging: Path) -> Provenance:
        _made(staging / "sub")
        (staging / "sub/file").write_text("")
        (staging / "sub").chmod(0o500)
        return Provenance(identity)

    ensure(target, identity, fill)
    ensure(target, identity, fill, replace=True)
    assert uninstall(target)
    assert stale(target) == []


def test_unwritable_place_is_an_environment_error(folder, identity):
    (folder / "file").write_text("")
    with pytest.raises(EnvironmentSetupError):
        ensure(folder / "file" / "target", identity, filler(identity))

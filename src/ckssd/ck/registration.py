"""Adding a repository to a CK home, so that a killed attempt is undone by the next one.

CK 2.6.4 writes its entries and its list of repositories in steps, in place, and refuses what it finds half
done. So a folder beside them remembers, while CK works, what was there before.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ckssd.errors import RunError

LOCAL = "local"
"""CK's own repository in a home; it holds the list of all."""
LISTS = (".ck.cache_repo_uoa.json", ".ck.cache_repo_info.json")
BEFORE = ".ckssd-registering"


def add_repository(name: str, path: Path, environment: dict[str, str]) -> None:
    """Make ``path`` the repository ``name`` of the home that ``CK_REPOS`` names; again is harmless.

    Nobody else may do the same meanwhile.

    Raises
    ------
    RunError
        CK refused.
    """
    repos = Path(environment["CK_REPOS"])
    _undo_killed_attempt(repos, name)
    # CK begins a home at its first command; only inside the block below can that be undone.
    if (repos / LOCAL).exists() and registered_path(name, environment) == str(path):
        return
    with _remembered(repos):
        _ck(environment, "rm", f"repo:{name}", "--force", check=False)
        _ck(environment, "add", "repo", "--import=yes", f"--path={path}", "--quiet")
    if registered_path(name, environment) != str(path):
        raise RunError(
            "CK did not register this repository", where=path, advice="see the output of `ck ls repo`"
        )


def registered_path(name: str, environment: dict[str, str]) -> str | None:
    """Return where the repository ``name`` is, or ``None`` if the home does not know it."""
    done = _ck(environment, "where", f"repo:{name}", check=False)
    lines = done.stdout.strip().splitlines()
    return lines[-1].strip() if done.returncode == 0 and lines else None


def _ck(environment: dict[str, str], *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "ck", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode != 0:
        raise RunError(f"ck {words[0]} failed", where=" ".join(words), got=(done.stdout + done.stderr)[-400:])
    return done


@contextlib.contextmanager
def _remembered(repos: Path) -> Iterator[None]:
    """Keep copies of CK's lists while the block runs; a failure in it leaves them for the next attempt."""
    before = repos / BEFORE
    new = before.with_name(BEFORE + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    if (repos / LOCAL).exists():
        (new / LOCAL).touch()
    for name in LISTS:
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(repos / LOCAL / name, new / name)
    new.rename(before)
    yield
    _forget(before)


def _undo_killed_attempt(repos: Path, name: str) -> None:
    before = repos / BEFORE
    if not before.is_dir():
        return
    local = repos / LOCAL
    if not (before / LOCAL).exists():
        shutil.rmtree(local, ignore_errors=True)  # the attempt itself began this home
    for list_name in LISTS:
        if (before / list_name).exists() and not _is_json(local / list_name):
            shutil.copyfile(before / list_name, local / list_name)
    _remove_entry(local / "repo", name)
    _forget(before)


def _remove_entry(folder: Path, name: str) -> None:
    """Remove the entry ``name`` of CK's module ``repo``, however much of it is there."""
    shutil.rmtree(folder / name, ignore_errors=True)
    (folder / ".cm" / f"alias-a-{name}").unlink(missing_ok=True)
    for alias in (folder / ".cm").glob("alias-u-*"):
        if alias.read_text(encoding="utf-8").strip() in {name, ""}:
            alias.unlink()


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _forget(before: Path) -> None:
    """Remove the copies: by a rename first, so that they are all there or none."""
    gone = before.with_name(BEFORE + ".done")
    shutil.rmtree(gone, ignore_errors=True)
    before.rename(gone)
    shutil.rmtree(gone)

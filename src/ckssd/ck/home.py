"""The CK home of a checkout: where CK keeps its repositories and installs its packages.

CK 2.6.4 writes paths unquoted into the shell scripts it runs, so a home whose path has a space or a
quote breaks it. Such a checkout is reached through symbolic links whose own paths are plain.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from ckssd.ck.registration import add_repository
from ckssd.errors import CkssdError, EnvironmentSetupError
from ckssd.fetch.locking import held_lock
from ckssd.report import failed

REPOSITORY = "ck-ssd"
PLAIN_PATH = re.compile(r"[A-Za-z0-9_.,+=:@/-]+")
PLAIN = "a path of letters, digits and _.,+=:@/- only"


@dataclass(frozen=True)
class CkHome:
    """Where CK keeps its repositories (``CK_REPOS``) and its installed packages (``CK_TOOLS``).

    ``behind`` is the folder that both stand for, when its own path would break CK.
    """

    repos: Path
    tools: Path
    behind: Path | None = None

    def variables(self) -> dict[str, str]:
        """Return the environment variables that make CK use this home."""
        return {"CK_REPOS": str(self.repos), "CK_TOOLS": str(self.tools)}


def ck_repositories() -> Path:
    """Return the folder in which the running CK keeps its repositories, without links."""
    return Path(os.environ.get("CK_REPOS") or Path.home() / "CK").resolve()


def ck_tools() -> Path:
    """Return the folder into which the running CK installs packages, without links."""
    return Path(os.environ.get("CK_TOOLS") or Path.home() / "CK-TOOLS").resolve()


def checkout_home(root: Path) -> CkHome:
    """Return the home inside a checkout: ``.ck``, ignored by git."""
    return home_in(root.resolve() / ".ck")


def home_in(folder: Path) -> CkHome:
    """Return the home whose parts are ``repos`` and ``tools`` in a folder, by paths that CK can use.

    CK follows links to its repositories and uses the real path. Where that would break its scripts, the
    repositories (a few small files) are in a plain place outside, and ``repos`` in the folder leads there.
    """
    plain = plain_path(folder)
    if plain == folder:
        return CkHome(repos=folder / "repos", tools=folder / "tools")
    return CkHome(plain.with_name(plain.name + ".repos"), plain / "tools", behind=folder)


def own_home(root: Path) -> CkHome:
    """Return the user's own home: ``CK_REPOS`` and ``CK_TOOLS``, else CK's ``~/CK`` and ``~/CK-TOOLS``.

    What activating this checkout has set them to before does not count.

    Raises
    ------
    EnvironmentSetupError
        CK cannot use such a path.
    """
    of_checkout = checkout_home(root).variables()
    places = []
    for variable, default in (("CK_REPOS", "CK"), ("CK_TOOLS", "CK-TOOLS")):
        value = os.environ.get(variable)
        place = Path(value) if value and value != of_checkout[variable] else Path.home() / default
        if not PLAIN_PATH.fullmatch(str(place.resolve())):
            raise EnvironmentSetupError(
                "CK cannot use the path of your own CK home",
                where=place,
                expected=PLAIN,
                advice=f"name a plain place by {variable}, or use the home in this checkout: . ./activate",
            )
        places.append(place)
    return CkHome(*places)


def plain_path(path: Path) -> Path:
    """Return ``path``, or a symbolic link to it when its own name would break CK's shell scripts.

    Raises
    ------
    EnvironmentSetupError
        There is no place for such a link, or somebody else's file is in its place.
    """
    path = path.resolve()
    if PLAIN_PATH.fullmatch(str(path)):
        return path
    link = _link_folder() / f"{REPOSITORY}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"
    if not os.path.lexists(link):
        _link_to(path, link)
    status = link.lstat()
    if not link.is_symlink() or status.st_uid != os.getuid() or link.resolve() != path:
        raise EnvironmentSetupError(
            "The link to this checkout is not usable",
            where=link,
            expected=f"your own symbolic link to {path}",
            got=f"owner {status.st_uid}, leads to {link.resolve()}",
            advice="remove it and try again",
        )
    return link


def _link_folder() -> Path:
    """A folder of this user with a plain path that outlives a restart of the machine."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ckssd" / "checkouts"
    if not PLAIN_PATH.fullmatch(str(cache)):
        cache = Path(f"/var/tmp/ckssd-{os.getuid()}")  # noqa: S108 - its owner is checked
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    if cache.stat().st_uid != os.getuid():
        raise EnvironmentSetupError("The folder for links to checkouts is somebody else's", where=cache)
    return cache


def _link_to(path: Path, link: Path) -> None:
    try:
        link.symlink_to(path, target_is_directory=True)
    except FileExistsError:
        return  # another process made it meanwhile; the caller checks it
    except OSError as error:
        raise EnvironmentSetupError(
            "CK cannot use this path, and no link without special characters could be made",
            where=path,
            expected=PLAIN,
            got=str(error),
            advice="move the checkout to a plain path",
        ) from error


def prepare(home: CkHome) -> None:
    """Make the folders of a home."""
    for place in (home.repos, home.tools):
        place.resolve().mkdir(parents=True, exist_ok=True)
    if home.behind is None:
        return
    inside = home.behind / "repos"
    if inside.resolve() != home.repos:
        # The folder was removed and made anew: what is registered outside belongs to the old one.
        shutil.rmtree(home.repos)
        home.repos.mkdir()
        inside.symlink_to(home.repos, target_is_directory=True)


def register(root: Path, home: CkHome) -> None:
    """Add the checkout as repository ``ck-ssd`` to a CK home; again, and by several at once, is harmless.

    Raises
    ------
    RunError
        CK refused.
    EnvironmentSetupError
        The home cannot be written.
    """
    lock = home.tools / ".ckssd-registration.lock"
    with held_lock(lock, f"the registration of this repository in {home.repos}"):
        prepare(home)
        add_repository(REPOSITORY, plain_path(root), {**os.environ, **home.variables()})


def shell_lines(root: Path, home: CkHome) -> str:
    """Return the lines that ``activate`` evaluates: PATH and the variables of the CK home."""
    lines = [f'export PATH={shlex.quote(str(root / ".venv" / "bin"))}:"$PATH"']
    lines += [f"export {name}={shlex.quote(value)}" for name, value in home.variables().items()]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Run ``python -m ckssd.ck.home register|shell ROOT [--home]``."""
    parser = argparse.ArgumentParser(prog="python -m ckssd.ck.home", description=__doc__)
    parser.add_argument("action", choices=["register", "shell"])
    parser.add_argument("root", type=Path, help="the checkout of ck-ssd")
    parser.add_argument("--home", action="store_true", help="your own CK home instead of the checkout's .ck")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    try:
        home = own_home(root) if options.home else checkout_home(root)
        if options.action == "register" or options.home:
            register(root, home)
        if options.action == "shell":
            sys.stdout.write(shell_lines(root, home))
    except CkssdError as error:
        return failed(error, "ckssd")
    except OSError as error:
        return failed(
            EnvironmentSetupError("The CK home cannot be written", where=error.filename, got=error.strerror),
            "ckssd",
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

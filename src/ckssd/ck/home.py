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
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ckssd.errors import CkssdError, EnvironmentSetupError, RunError

REPOSITORY = "ck-ssd"
PLAIN_PATH = re.compile(r"[A-Za-z0-9_.,+=:@/-]+")


@dataclass(frozen=True)
class CkHome:
    """Where CK keeps its repositories (``CK_REPOS``) and its installed packages (``CK_TOOLS``).

    ``None`` leaves a place to CK's own default (``~/CK``, ``~/CK-TOOLS``).
    """

    repos: Path | None
    tools: Path | None

    def variables(self) -> dict[str, str]:
        """Return the environment variables that make CK use this home."""
        places = {"CK_REPOS": self.repos, "CK_TOOLS": self.tools}
        return {name: str(place) for name, place in places.items() if place is not None}


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
    return CkHome(repos=plain.with_name(plain.name + ".repos"), tools=plain / "tools")


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
            expected="a path of letters, digits and _.,+=:@/- only",
            got=str(error),
            advice="move the checkout to a plain path",
        ) from error


def prepare(home: CkHome) -> None:
    """Make the folders of a home."""
    for place in (home.repos, home.tools):
        if place is not None:
            place.resolve().mkdir(parents=True, exist_ok=True)
    if home.repos is None or home.tools is None or home.repos.parent == home.tools.parent:
        return
    inside = home.tools.resolve().parent / "repos"
    if inside.resolve() != home.repos:
        # The folder was removed and made anew: what is registered outside belongs to the old one.
        shutil.rmtree(home.repos)
        home.repos.mkdir()
        inside.symlink_to(home.repos, target_is_directory=True)


def register(root: Path, home: CkHome) -> None:
    """Add the checkout as repository ``ck-ssd`` to a CK home; again is harmless.

    Raises
    ------
    RunError
        CK refused.
    """
    environment = {**os.environ, **home.variables()}
    prepare(home)
    plain = plain_path(root)
    if _registered_path(environment) == str(plain):
        return
    _ck(environment, "rm", f"repo:{REPOSITORY}", "--force", check=False)
    _ck(environment, "add", "repo", "--import=yes", f"--path={plain}", "--quiet")
    if _registered_path(environment) != str(plain):
        raise RunError(
            "CK did not register this repository", where=plain, advice="see the output of `ck ls repo`"
        )


def _registered_path(environment: dict[str, str]) -> str | None:
    done = _ck(environment, "where", f"repo:{REPOSITORY}", check=False)
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


def shell_lines(root: Path, *, own_home: bool) -> str:
    """Return the lines that ``activate`` evaluates: PATH and the variables of the CK home."""
    lines = [f'export PATH={shlex.quote(str(root / ".venv" / "bin"))}:"$PATH"']
    if own_home:
        lines.append("unset CK_REPOS CK_TOOLS")
    else:
        variables = checkout_home(root).variables()
        lines += [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
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
        if options.action == "register" or options.home:
            register(root, CkHome(None, None) if options.home else checkout_home(root))
        if options.action == "shell":
            sys.stdout.write(shell_lines(root, own_home=options.home))
    except CkssdError as error:
        print(f"ckssd: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

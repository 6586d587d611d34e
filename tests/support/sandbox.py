"""An isolated CK home with this checkout registered, in which real ``ck`` and ``ckssd`` commands run.

Its folder has a space in its path; CK reaches it as a checkout with such a path does, through a plain link.
What it registers is a checkout of its own, links but for the programs: they work in their own folders.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ckssd.ck.home import CkHome, home_in, plain_path, prepare, register
from tests.support.processes import Started

CHECKOUT = Path(__file__).resolve().parents[2]
PATHS_IN = (Path("local/.ck.cache_repo_info.json"), Path("local/repo/ck-ssd/.cm/meta.json"))


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything it printed."""
        return self.out + self.err


class Sandbox:
    """One CK home and the commands run in it.

    Parameters
    ----------
    folder
        Where it is made, or was made before (by another process, too): then it is opened as it is.
    tools
        Another sandbox whose ``CK_TOOLS`` it shares: what one of them has installed, the others find whole.
    like
        Another sandbox that it knows the environments of, as if they had been installed by it.
    """

    def __init__(self, folder: Path, *, tools: Sandbox | None = None, like: Sandbox | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.home = home_in(self.folder)
        self.checkout = self.folder / "checkout"
        self.cache = self.folder / "cache"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CK_", "CKSSD_", "USE_NMS", "VIRTUAL_ENV"))
        }
        # What installs the packages is the interpreter of these tests, as after `. ./activate`.
        scripts = str(Path(sys.executable).parent)
        self.environment["PATH"] = scripts + os.pathsep + self.environment.get("PATH", "")
        self.environment.update(self.home.variables())
        # Downloads and parsed ground truth: fakes must not get into the user's cache. uv's stays shared.
        self.environment["CKSSD_CACHE"] = str(self.cache)
        self._share(tools or like)
        prepare(self.home)
        if not self.checkout.exists():
            known = Repositories.read(like.home.repos, like._registered) if like else _empty()
            known.write(self.home.repos, self._registered)
            _link_checkout(self.checkout)

    @property
    def _registered(self) -> Path:
        """The checkout by the path that CK can use."""
        return plain_path(self.folder) / "checkout"

    def _share(self, other: Sandbox | None) -> None:
        if other is not None:
            self.environment["CK_TOOLS"] = other.environment["CK_TOOLS"]
            if not (self.folder / "tools").is_symlink():
                (self.folder / "tools").symlink_to(other.folder / "tools", target_is_directory=True)

    def program(self, name: str) -> Path:
        """The folder of a program, whose ``tmp`` its runs in this home leave their files in."""
        return self.checkout / "program" / name

    def remove(self) -> None:
        """Remove the home and the links to it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.home.repos, ignore_errors=True)
        link = self.home.repos.with_name(self.home.repos.name.removesuffix(".repos"))
        if link.is_symlink():
            link.unlink()

    def run(self, *command: str, stdin: str | None = None, **variables: str) -> Done:
        """Run a command with this CK home; standard input is closed unless given."""
        done = subprocess.run(
            command,
            env={**self.environment, **variables},
            cwd=self.folder,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *command: str, **variables: str) -> Started:
        """Begin a command in a process group of its own, with this CK home and a closed standard input."""
        return Started(list(command), {**self.environment, **variables}, self.folder)

    def ck(self, *words: str, stdin: str | None = None, **variables: str) -> Done:
        """Run ``ck``."""
        return self.run("ck", *words, stdin=stdin, **variables)

    def ckssd(self, *words: str, stdin: str | None = None, **variables: str) -> Done:
        """Run ``ckssd``."""
        return self.run("ckssd", *words, stdin=stdin, **variables)

    def install(self, tags: str, *options: str) -> Done:
        """Install a package by its tags; a failure fails the test with all that was printed."""
        done = self.ck("install", "package", f"--tags={tags}", *options)
        assert done.code == 0, done.text
        return done

    def in_environment(self, tags: str, shell_command: str) -> Done:
        """Run a shell command inside ``ck virtual env``."""
        return self.ck("virtual", "env", f"--tags={tags}", f"--shell_cmd={shell_command}")


def _link_checkout(place: Path) -> None:
    """Make a checkout of links to this one, with copies of the programs: two runs at once are two folders."""
    place.mkdir()
    for path in CHECKOUT.iterdir():
        if path.name == "program":
            shutil.copytree(path, place / path.name, ignore=shutil.ignore_patterns("tmp"))
        elif not path.name.startswith(".") or path.name in (".cm", ".ckr.json"):
            (place / path.name).symlink_to(path, target_is_directory=path.is_dir())


@dataclass(frozen=True)
class Repositories:
    """What CK keeps in ``CK_REPOS``, and the two paths that it has written into it."""

    files: dict[Path, bytes]
    place: Path
    checkout: Path

    @classmethod
    def read(cls, place: Path, checkout: Path) -> Repositories:
        files = [path for path in place.rglob("*") if path.is_file()]
        return cls({path.relative_to(place): path.read_bytes() for path in files}, place, checkout)

    def write(self, place: Path, checkout: Path) -> None:
        """Write them as if CK had registered ``checkout`` there."""
        for relative, content in self.files.items():
            path = place / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            if relative in PATHS_IN:
                for old, new in ((self.checkout, checkout), (self.place, place)):
                    content = content.replace(os.fsencode(f'"{old}'), os.fsencode(f'"{new}'))
            path.write_bytes(content)


@functools.cache
def _empty() -> Repositories:
    """Those of a home in which nothing is installed: registered by CK itself, once in this process."""
    with tempfile.TemporaryDirectory(prefix="ck-ssd-tests-") as folder:
        home = CkHome(Path(folder, "repos").resolve(), Path(folder, "tools").resolve())
        register(CHECKOUT, home)
        return Repositories.read(home.repos, plain_path(CHECKOUT))

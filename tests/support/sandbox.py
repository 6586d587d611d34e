"""An isolated CK home with this checkout registered, in which real ``ck`` and ``ckssd`` commands run.

Its folder has a space in its path; CK reaches it as a checkout with such a path does, through a plain link.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ckssd.ck.home import home_in, register
from tests.support.processes import Started

CHECKOUT = Path(__file__).resolve().parents[2]


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
    """One CK home and the commands run in it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.home = home_in(self.folder)
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
        register(CHECKOUT, self.home)

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

    def install(self, tags: str) -> Done:
        """Install a package by its tags; a failure fails the test with all that was printed."""
        done = self.ck("install", "package", f"--tags={tags}")
        assert done.code == 0, done.text
        return done

    def in_environment(self, tags: str, shell_command: str) -> Done:
        """Run a shell command inside ``ck virtual env``."""
        return self.ck("virtual", "env", f"--tags={tags}", f"--shell_cmd={shell_command}")

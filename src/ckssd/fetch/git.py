"""Fetches folders of one commit of a git repository; the commit's id is what verifies them.

A commit id is a hash over the tree, hence over every file; git computes the ids of what it receives itself.
Only the wanted folders are transferred where the server can select (GitHub can).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ckssd.errors import EnvironmentSetupError, InputError, NetworkError, UsageError, VerificationError
from ckssd.fetch.settings import is_offline
from ckssd.secrets import given, public

COMMIT_ID = re.compile(r"[0-9a-f]{40}")
ABSENT = re.compile(r"not our ref|unadvertised object|couldn't find remote ref|no such remote ref", re.I)
# Each of these would make git work on another repository than the one it is told.
MISLEADING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")
# A hook or a rewriting of line ends would change what the commit id stands for.
CONFIGURATION = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false", "-c", "core.fsmonitor=false"),
    *("-c", "protocol.version=2"),  # with which a server gives a commit by its id
)


@dataclass(frozen=True)
class GitSource:
    """Folders of one commit.

    Parameters
    ----------
    url
        Address of the repository: ``https://…``, ``file://…`` or a path; kept in its public form.
    commit
        The full id, 40 hexadecimal digits.
    folders
        What is wanted of the commit, as paths with ``/``; all of it when empty.
    """

    url: str
    commit: str
    folders: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", public(self.url))
        if not COMMIT_ID.fullmatch(self.commit):
            raise UsageError(
                "a commit is named by its full id, which verifies it",
                where=self.url,
                expected="40 hexadecimal digits",
                got=self.commit,
            )
        if self.url.startswith("-") or not self.url:
            raise UsageError("this is no address of a git repository", got=self.url)

    @property
    def is_local(self) -> bool:
        """Whether no connection is needed."""
        return self.url.startswith("file://") or Path(self.url).is_absolute()

    def as_dict(self) -> dict[str, object]:
        """The same as plain data, for ``provenance.json``."""
        return {**asdict(self), "folders": list(self.folders)}


def fetch_commit(source: GitSource, destination: Path) -> None:
    """Put the source's folders, as they are in the commit, below ``destination``.

    Raises
    ------
    EnvironmentSetupError
        There is no git.
    NetworkError
        The repository cannot be reached, or ``CKSSD_OFFLINE`` forbids to.
    VerificationError
        The repository has no such commit, or what came is another.
    InputError
        The commit lacks a wanted folder.
    """
    if is_offline() and not source.is_local:
        raise _offline(source)
    destination.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".git-", dir=destination) as work:
        _check_out(source, Path(work))
        for folder in source.folders:
            if not (Path(work) / folder).is_dir():
                raise InputError(
                    "the commit lacks a folder", where=f"{source.url} {source.commit}", expected=folder
                )
            (destination / folder).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(work) / folder, destination / folder)


def clone_commit(source: GitSource, destination: Path) -> None:
    """Make the new folder ``destination`` a working tree of the whole commit, with the repository in it.

    Raises
    ------
    EnvironmentSetupError, NetworkError, VerificationError
        As :func:`fetch_commit`.
    """
    if is_offline() and not source.is_local:
        raise _offline(source)
    destination.mkdir()
    _check_out(source, destination)


def _check_out(source: GitSource, work: Path) -> None:
    _git(source, work, "init", "--quiet", "--template=")
    # A remote with a name: git completes the files of a partial fetch from there.
    _git(source, work, "remote", "add", "origin", source.url)
    selecting = ["--filter=blob:none"] if source.folders else []
    _git(source, work, "fetch", "--quiet", "--no-tags", "--depth=1", *selecting, "origin", source.commit)
    if source.folders:
        _git(source, work, "sparse-checkout", "set", *source.folders)
    _git(source, work, "checkout", "--quiet", "--detach", source.commit)
    (work / ".git" / "FETCH_HEAD").unlink(missing_ok=True)  # git writes the address there as it asked it
    got = _git(source, work, "rev-parse", "HEAD").strip()
    changed = _git(source, work, "status", "--porcelain").strip()
    if got != source.commit or changed:
        raise VerificationError(
            "what git gave is not the commit",
            where=source.url,
            expected=source.commit,
            got=got if got != source.commit else f"changed files: {changed[:200]}",
        )


def _git(source: GitSource, work: Path, *words: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    environment.update(GIT_TERMINAL_PROMPT="0", LC_ALL="C", **_secrets_of(source, environment))
    try:
        done = subprocess.run(
            ["git", *CONFIGURATION, *words],
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise EnvironmentSetupError(
            "git is missing, which fetches this source", advice="install git, or choose a variation from PyPI"
        ) from error
    if done.returncode != 0:
        raise _failure(source, words, done.stderr)
    return done.stdout


def _secrets_of(source: GitSource, environment: Mapping[str, str]) -> dict[str, str]:
    """Variables by which git asks the address that was given: not in its arguments, nor in what it writes."""
    address = given(source.url)
    if address == source.url:
        return {}
    number = int(environment.get("GIT_CONFIG_COUNT", "0"))
    return {
        "GIT_CONFIG_COUNT": str(number + 1),
        f"GIT_CONFIG_KEY_{number}": f"url.{address}.insteadOf",
        f"GIT_CONFIG_VALUE_{number}": source.url,
    }


def _offline(source: GitSource) -> NetworkError:
    return NetworkError(
        "CKSSD_OFFLINE is set, and a git repository is needed",
        where=source.url,
        advice="name a local copy of it with --env.PACKAGE_URL=…",
    )


def _failure(source: GitSource, words: Sequence[str], told: str) -> NetworkError | VerificationError:
    last = " | ".join(line.strip() for line in told.splitlines()[-3:] if line.strip())
    if ABSENT.search(told):
        return VerificationError(
            "the repository has not the commit", where=source.url, expected=source.commit, got=last
        )
    return NetworkError(
        f"git {words[0]} failed",
        where=source.url,
        got=last,
        advice="try again, or name a copy of the repository with --env.PACKAGE_URL=…",
    )

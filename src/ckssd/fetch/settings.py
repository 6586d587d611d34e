"""What the user decides about downloads, read once from the ``CKSSD_*`` environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ckssd.errors import UsageError
from ckssd.fetch.source import ACCEPT_UNVERIFIED, is_web_url
from ckssd.secrets import public

TRUE_WORDS = frozenset({"1", "yes", "true", "on"})
FALSE_WORDS = frozenset({"", "0", "no", "false", "off"})


@dataclass(frozen=True)
class Settings:
    """How to download.

    Parameters
    ----------
    cache
        Folder of the content-addressed cache.
    mirror
        A folder or an ``http(s)`` URL (in its public form) that stands before every source, or ``None``.
    offline
        Never open a connection.
    accept_unverified
        File names accepted without a hash.
    stall_seconds
        A server that sends next to nothing for this long is stalled.
    max_failures
        Failures in a row, without progress, after which the next URL is tried.
    first_wait_seconds
        Pause after the first failure; it doubles with each further one.
    """

    cache: Path
    mirror: str | None = None
    offline: bool = False
    accept_unverified: frozenset[str] = frozenset()
    stall_seconds: float = 30.0
    max_failures: int = 4
    first_wait_seconds: float = 0.5

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read ``CKSSD_CACHE``, ``CKSSD_MIRROR``, ``CKSSD_OFFLINE``, ``CKSSD_ACCEPT_UNVERIFIED`` (names
        separated by commas) and ``CKSSD_STALL_SECONDS``.

        Raises
        ------
        UsageError
            A variable has a value that makes no sense.
        """
        env = os.environ if environment is None else environment
        accepted = (name.strip() for name in env.get(ACCEPT_UNVERIFIED, "").split(","))
        return cls(
            cache=default_cache_folder(env),
            mirror=_mirror(env),
            offline=is_offline(env),
            accept_unverified=frozenset(name for name in accepted if name),
            stall_seconds=_seconds(env, "CKSSD_STALL_SECONDS", cls.stall_seconds),
        )


def default_cache_folder(env: Mapping[str, str]) -> Path:
    """``$CKSSD_CACHE``, else ``$XDG_CACHE_HOME/ckssd``, else ``~/.cache/ckssd``; absolute."""
    if env.get("CKSSD_CACHE"):
        return Path(env["CKSSD_CACHE"]).expanduser().absolute()
    base = env.get("XDG_CACHE_HOME", "")
    # The XDG specification says that a relative path is to be ignored.
    folder = Path(base) if Path(base).is_absolute() else Path(env.get("HOME") or Path.home()) / ".cache"
    return folder / "ckssd"


def is_offline(env: Mapping[str, str] | None = None) -> bool:
    """Whether ``CKSSD_OFFLINE`` forbids every connection.

    Raises
    ------
    UsageError
        The value is neither a yes nor a no: guessing could open a connection against the user's will.
    """
    value = (os.environ if env is None else env).get("CKSSD_OFFLINE", "").strip().lower()
    if value not in TRUE_WORDS | FALSE_WORDS:
        raise UsageError(
            "a switch is neither on nor off", where="CKSSD_OFFLINE", expected="1 or 0", got=value
        )
    return value in TRUE_WORDS


def _mirror(env: Mapping[str, str]) -> str | None:
    mirror = env.get("CKSSD_MIRROR", "").strip()
    if not mirror:
        return None
    if mirror.startswith(("http://", "https://")):
        if not is_web_url(mirror):
            raise UsageError("the mirror's URL is malformed", where="CKSSD_MIRROR", got=public(mirror))
        return public(mirror.rstrip("/")).rstrip("/")
    folder = Path(mirror).expanduser().absolute()
    if not folder.is_dir():
        raise UsageError(
            "the mirror is neither a folder nor a URL",
            where="CKSSD_MIRROR",
            got=mirror,
            advice="make the folder",
        )
    return str(folder)


def _seconds(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 86400:
        raise UsageError("a time in seconds was expected", where=name, got=text)
    return value

"""The machine as wheels see it: ``linux-x86_64``, ``linux-aarch64``, ``macos-arm64``, and glibc's version.

An entry says for which machines its locked packages have wheels, so that the others are told before anything
is downloaded.
"""

from __future__ import annotations

import platform
from collections.abc import Collection, Mapping

SYSTEMS = {"Darwin": "macos"}


def this_machine() -> str:
    """Return the name of the machine that this process runs on."""
    system = platform.system()
    return f"{SYSTEMS.get(system, system.lower())}-{platform.machine()}"


def glibc_version() -> str:
    """Return the version of glibc, such as ``2.36``; empty where another C library is used."""
    name, version = platform.libc_ver()
    return version if name == "glibc" else ""


def what_is_missing(machines: Collection[str] | None, glibc: Mapping[str, str] | None = None) -> str | None:
    """Tell why locked packages have no wheels for this machine; ``None`` if they have.

    Parameters
    ----------
    machines
        Those for which they have; ``None``: for all.
    glibc
        The oldest version that their wheels for a machine run with, where that is a recent one.
    """
    machine = this_machine()
    if machines is not None and machine not in machines:
        return f"it has wheels only for {', '.join(sorted(machines))}"
    oldest, there = (glibc or {}).get(machine), glibc_version()
    if oldest is not None and _numbers(there) < _numbers(oldest):
        return f"its wheels need glibc {oldest}, here is {there or 'another C library'}"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())

"""The name of a machine, and what keeps a package's wheels from running on it."""

from __future__ import annotations

import platform

import pytest

from ckssd.install import machine
from ckssd.install.machine import glibc_version, this_machine, what_is_missing

ALL = ("linux-aarch64", "linux-x86_64", "macos-arm64")


@pytest.mark.parametrize(
    ("system", "processor", "name"),
    [
        ("Linux", "x86_64", "linux-x86_64"),
        ("Linux", "aarch64", "linux-aarch64"),
        ("Darwin", "arm64", "macos-arm64"),
    ],
)
def test_the_three_machines_have_the_names_that_entries_use(
    monkeypatch: pytest.MonkeyPatch, system: str, processor: str, name: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: processor)
    assert this_machine() == name
    assert what_is_missing(ALL) is None


def test_another_machine_is_told_for_which_there_are_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "this_machine", lambda: "linux-aarch64")
    assert what_is_missing(None) is None
    assert what_is_missing(["linux-x86_64"]) == "it has wheels only for linux-x86_64"


@pytest.mark.parametrize(
    ("there", "fits"), [("2.35", True), ("2.100", True), ("2.31", False), ("2.4", False), ("", False)]
)
def test_wheels_for_a_later_glibc_are_refused(
    monkeypatch: pytest.MonkeyPatch, there: str, fits: bool
) -> None:
    monkeypatch.setattr(machine, "this_machine", lambda: "linux-aarch64")
    monkeypatch.setattr(machine, "glibc_version", lambda: there)
    assert what_is_missing(ALL, {"linux-x86_64": "2.99"}) is None
    missing = what_is_missing(ALL, {"linux-aarch64": "2.35"})
    assert (missing is None) == fits
    assert fits or missing == f"its wheels need glibc 2.35, here is {there or 'another C library'}"


def test_glibc_has_a_version_of_numbers() -> None:
    assert all(part.isdigit() for part in glibc_version().split(".") if part)

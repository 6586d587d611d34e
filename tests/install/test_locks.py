"""The locks are for every machine that their entries name: what each chooses there, and that wheels exist."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

from ckssd.install import run_uv

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CHECKOUT = Path(__file__).resolve().parents[2]
MACHINES = {
    "linux-x86_64": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    "linux-aarch64": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"},
    "macos-arm64": {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
}
# As uv names them. The oldest glibc of a Linux that has a fitting Python, and that of OpenVINO's wheels; the
# oldest macOS of ONNX Runtime's.
UV_PLATFORMS = {
    "linux-x86_64": "x86_64-manylinux_2_28",
    "linux-aarch64": "aarch64-manylinux_2_35",
    "macos-arm64": "aarch64-apple-darwin",
}
MACOS = "14.0"
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
# tensorflow-cpu is for Linux on x86-64 only; it has the same modules.
SAME = {"tensorflow-cpu": "tensorflow"}
# Added to a runtime's own packages, so it brings nothing else.
OF_ONE_PACKAGE = {"lib-python-mlperf-loadgen"}
PROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "uv.lock").read_text())


def entries() -> list[tuple[str, dict[str, Any]]]:
    """Alias and ``ckssd`` of every package with wheels for several machines, so not of TensorFlow 1."""
    metas = sorted(CHECKOUT.glob("package/*/.cm/meta.json"))
    found = [(file.parents[1].name, json.loads(file.read_text()).get("ckssd", {})) for file in metas]
    return [(alias, section) for alias, section in found if len(section.get("machines", [])) > 1]


ALIASES = [alias for alias, _ in entries()]


def test_every_environment_says_for_which_machines_it_has_wheels() -> None:
    assert len(ALIASES) == 10
    for file in CHECKOUT.glob("package/*/.cm/meta.json"):
        section = json.loads(file.read_text()).get("ckssd", {})
        if section.get("recipe") in ("python-environment", "bazel-build"):
            assert {*section["machines"]} <= {*MACHINES}, file


@pytest.mark.parametrize(("alias", "section"), entries(), ids=ALIASES)
def test_a_lock_chooses_the_same_packages_on_every_machine(alias: str, section: dict[str, Any]) -> None:
    chosen = {
        (machine, python): pins(CHECKOUT / "package" / alias / section["requirements"], machine, python)
        for machine in section["machines"]
        for python in PYTHONS
        if SpecifierSet(section["python"]).contains(python)
    }
    for python in {python for _, python in chosen}:
        of_each = [pinned for (_, other), pinned in chosen.items() if other == python]
        assert of_each.count(of_each[0]) == len(section["machines"]), python
        assert len(of_each[0]) > 2 or alias in OF_ONE_PACKAGE


def test_no_lock_is_empty_on_a_machine_that_its_entry_does_not_exclude() -> None:
    locks = sorted(CHECKOUT.glob("package/*/*.lock"))
    assert len(locks) > 15
    for lock in locks:
        section = json.loads((lock.parent / ".cm" / "meta.json").read_text())["ckssd"]
        chosen = [pins(lock, machine, "3.11") for machine in section.get("machines", MACHINES)]
        assert chosen[0], lock
        assert chosen.count(chosen[0]) == len(chosen), lock


def pins(lock: Path, machine: str, python: str) -> dict[str, str]:
    """Name to version of what a lock chooses."""
    environment = {**MACHINES[machine], "python_version": python, "python_full_version": f"{python}.1"}
    lines = [line for line in lock.read_text().splitlines() if line and line[0] not in " #"]
    wanted = [Requirement(line.rstrip(" \\")) for line in lines]
    fitting = [one for one in wanted if one.marker is None or one.marker.evaluate(environment)]
    found = {SAME.get(one.name, one.name): str(one.specifier) for one in fitting}
    assert len(found) == len(fitting), "a package is chosen twice"
    return found


def tags(machine: str, python: str) -> set[Tag]:
    """The tags of the wheels that run there."""
    version = tuple(map(int, python.split(".")))
    if machine == "macos-arm64":
        platforms = [*mac_platforms((14, 0), "arm64")]
    else:
        processor = machine.partition("-")[2]
        platforms = [f"manylinux_2_{minor}_{processor}" for minor in range(35, 16, -1)]
        platforms += [f"manylinux2014_{processor}", f"linux_{processor}"]
        if processor == "x86_64":
            platforms += ["manylinux2010_x86_64", "manylinux1_x86_64"]
    return {*cpython_tags(version, platforms=platforms), *compatible_tags(version, f"cp{python}", platforms)}


def without_wheel(machine: str, python: str) -> Iterator[str]:
    """Packages of the project's own lock that have no wheel there."""
    environment = {**MACHINES[machine], "python_version": python, "python_full_version": f"{python}.1"}
    fitting = tags(machine, python)
    for package in PROJECT["package"]:
        markers = [Requirement(f"x ; {one}").marker for one in package.get("resolution-markers", [])]
        if "editable" in package["source"] or not wanted(package["name"], environment):
            continue
        if markers and not any(marker.evaluate(environment) for marker in markers if marker):
            continue
        names = [wheel["url"].rpartition("/")[2] for wheel in package.get("wheels", [])]
        if not any(parse_wheel_filename(name)[3] & fitting for name in names):
            yield f"{package['name']} {package['version']}"


def wanted(name: str, environment: dict[str, str]) -> bool:
    """Whether anything asks for a package there."""
    for package in PROJECT["package"]:
        groups = [package.get("dependencies", []), *package.get("dev-dependencies", {}).values()]
        for one in (one for group in groups for one in group if one["name"] == name):
            marker = Requirement(f"x ; {one['marker']}").marker if "marker" in one else None
            if marker is None or marker.evaluate(environment):
                return True
    return False


@pytest.mark.parametrize(("machine", "python"), [*product(MACHINES, PYTHONS)])
def test_the_project_s_own_packages_have_wheels(machine: str, python: str) -> None:
    # ck was never published as a wheel: it is built, of Python alone.
    assert [*without_wheel(machine, python)] == ["ck 2.6.4"]


@pytest.mark.full
@pytest.mark.slow(seconds=200)
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("alias", "section"), entries(), ids=ALIASES)
def test_the_index_has_the_locked_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alias: str, section: dict[str, Any], machine: str
) -> None:
    """Of the oldest and the newest Python; nothing is downloaded but what the index says."""
    if machine not in section["machines"]:
        pytest.skip("the entry excludes this machine")
    pythons = [python for python in PYTHONS if SpecifierSet(section["python"]).contains(python)]
    for python in (pythons[0], pythons[-1]):
        lock, answer = CHECKOUT / "package" / alias / section["requirements"], tmp_path / "pylock.toml"
        where = ["--python-platform", UV_PLATFORMS[machine], "--python-version", python]
        only = ["--no-deps", "--only-binary", ":all:", "--format", "pylock.toml"]
        monkeypatch.setenv("MACOSX_DEPLOYMENT_TARGET", MACOS)
        run_uv(["pip", "compile", str(lock), *only, *where, "-o", str(answer)], quiet=True)
        found = tomllib.loads(answer.read_text())["packages"]
        assert len(found) == len(pins(lock, machine, python))
        assert all(package["wheels"] for package in found)

"""The Object Detection API: its source from PyPI or from a commit of the upstream repository, made to run
on every TensorFlow.

``ckssd.variants`` has one entry for each variation that is a source, and says where it is from:

``requirements``
    a lock with the package on PyPI
``nets_from``
    a lock whose package has the networks (``nets``), where the first lacks them
``slim``
    folders that the package has in ``object_detection`` and the upstream repository in ``slim``, by whose
    names the source imports them
``git``
    ``url``, ``commit`` and ``folders`` of a repository; only its message files (``.proto``) are there, so
    they are compiled by the protoc in the environment that the lock ``protoc`` describes
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ckssd.errors import InputError, RunError, UsageError
from ckssd.fetch.git import GitSource, fetch_commit
from ckssd.install import Python, create_environment, install_packages_to, uv_version
from ckssd.recipes.environments import NAMED_PYTHON, python_for
from ckssd.recipes.package import Package, Used
from ckssd.recipes.recipe import recipe
from ckssd.report import step
from ckssd.tflite.odapi import prepare_object_detection_api

FIXES = "CK_APPLY_FIXES"  # repeats the variations fixes and no-fixes, which are part of the identity


# Python only runs the tools that put the source there.
@recipe(content={"PACKAGE_URL": "", "PACKAGE_COMMIT": ""}, means=[FIXES, NAMED_PYTHON])
def object_detection_api(package: Package, staging: Path) -> Used:
    """Get the source that the package's variation names and make it run on TensorFlow 1.11 to 2.x."""
    name, variant = variant_of(package)
    python = python_for(package)
    used = Used(tools={"uv": uv_version()}, extra={"variant": name})
    research = staging / "research"
    if "git" in variant:
        _from_git(package, variant, research, python, used)
    else:
        _from_index(package, variant, research, python, used)
    fixes = applies_fixes(package)
    patches = prepare_object_detection_api(research, apply_fixes=fixes)
    used.patches += [f"{patch.file}: {patch.reason}" for patch in patches]
    used.extra.update(patched_files=[patch.as_dict() for patch in patches], fixes_applied=fixes)
    return used


def variant_of(package: Package) -> tuple[str, Mapping[str, Any]]:
    """Return the name and the description of the source that the install's variations choose.

    Raises
    ------
    InputError
        They choose none or several.
    """
    variants = package.section["variants"]
    chosen = [name for name in package.variations if name in variants]
    if len(chosen) != 1:
        raise InputError(
            "The source of the Object Detection API is not named by one variation",
            where=package.alias,
            expected=f"one of {', '.join(sorted(variants))}",
            got=", ".join(package.variations) or "none",
        )
    return chosen[0], variants[chosen[0]]


def applies_fixes(package: Package) -> bool:
    """Tell whether the known faults of the source are mended (``CK_APPLY_FIXES``, yes if unset)."""
    return FIXES not in package.options or package.wants(FIXES)


def git_source(package: Package, variant: Mapping[str, Any]) -> GitSource:
    """Return the commit to fetch: the entry's, or what ``PACKAGE_URL`` and ``PACKAGE_COMMIT`` say instead."""
    stated = variant["git"]
    return GitSource(
        url=package.options.get("PACKAGE_URL") or stated["url"],
        commit=package.options.get("PACKAGE_COMMIT") or stated["commit"],
        folders=tuple(stated["folders"]),
    )


def _from_git(
    package: Package, variant: Mapping[str, Any], research: Path, python: Python, used: Used
) -> None:
    source = git_source(package, variant)
    step(f"Fetching {', '.join(source.folders)} at {source.commit[:12]} from {source.url}")
    with tempfile.TemporaryDirectory(prefix=".source-", dir=research.parent) as work:
        fetch_commit(source, Path(work))
        shutil.move(Path(work) / "research", research)
    _compile_messages(research, package.folder / str(variant["protoc"]), python)
    used.environment += _pins(package.folder / str(variant["protoc"]))
    used.extra["git"] = source.as_dict()


def _from_index(
    package: Package, variant: Mapping[str, Any], research: Path, python: Python, used: Used
) -> None:
    if package.options.get("PACKAGE_URL") or package.options.get("PACKAGE_COMMIT"):
        raise UsageError(
            "This variation is a locked package of the Python index, which PACKAGE_URL cannot replace",
            where=package.alias,
            expected="a variation that is a git commit",
            got=variant["requirements"],
        )
    lock = package.folder / str(variant["requirements"])
    install_packages_to(research, lock, python)
    used.environment += _pins(lock)
    for name in variant.get("slim", ()):
        (research / "slim").mkdir(exist_ok=True)
        shutil.move(research / "object_detection" / name, research / "slim" / name)
    if "nets_from" in variant:
        other = package.folder / str(variant["nets_from"])
        with tempfile.TemporaryDirectory(prefix=".nets-", dir=research.parent) as work:
            install_packages_to(Path(work), other, python)
            shutil.move(Path(work) / "nets", research / "nets")
        used.environment += _pins(other)


def _compile_messages(research: Path, lock: Path, python: Python) -> None:
    """Write the ``_pb2.py`` beside each ``.proto``, by a protoc of the locked version."""
    messages = sorted(
        path.relative_to(research).as_posix() for path in (research / "object_detection").rglob("*.proto")
    )
    if not messages:
        raise InputError(
            "The source has no message files", where=research, expected="object_detection/protos/*.proto"
        )
    with tempfile.TemporaryDirectory(prefix=".protoc-", dir=research.parent) as work:
        environment = create_environment(python, lock, Path(work) / "environment")
        done = subprocess.run(
            [str(environment.python), "-m", "grpc_tools.protoc", "-I.", "--python_out=.", *messages],
            cwd=research,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise RunError("protoc failed", where=research, got=done.stderr[:400])


def _pins(lock: Path) -> list[str]:
    lines = lock.read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if "==" in line and not line.startswith((" ", "#"))]

"""What was just installed verifies clean: the demo's packages; in the wider matrix all there are."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ckssd.install import changes
from ckssd.install.identity import Identity
from ckssd.install.provenance import Provenance, manifest
from tests.support.sandbox import CHECKOUT, Sandbox

# Recipes that fetch from hosts which no package registry stands for.
ELSEWHERE = ("urls", "git")
BROUGHT = "dataset-imported"  # is made of what a person brings


def states(home: Sandbox) -> dict[str, str]:
    """State of everything that is installed, by name and tags."""
    done = home.ckssd("verify", "--json")
    listed: list[dict[str, Any]] = json.loads(done.out)["data"]["installed"]
    return {f"{one['name']} {one['version']}": f"{one['state']} {one['changes'][:3]}" for one in listed}


def test_the_demos_packages_are_whole(installed: Sandbox) -> None:
    found = states(installed)
    assert len(found) >= 8
    assert set(found.values()) == {"whole []"}


def needs_no_download_from_elsewhere(meta: dict[str, Any]) -> bool:
    text = json.dumps(meta.get("ckssd", {}))
    return not any(f'"{key}"' in text for key in ELSEWHERE) and "bazel" not in text


def entries() -> dict[str, dict[str, Any]]:
    found = {}
    for path in sorted((CHECKOUT / "package").glob("*/.cm/meta.json")):
        meta = json.loads(path.read_text())
        if (
            path.parent.parent.name != BROUGHT
            and "suggested_path" in meta
            and needs_no_download_from_elsewhere(meta)
        ):
            found[path.parent.parent.name] = meta
    # Checkpoints before what is made of any: else one is chosen that only the model zoo has.
    return dict(sorted(found.items(), key=lambda item: not item[0].startswith(("lib-", "model-tf-"))))


@pytest.mark.full
@pytest.mark.slow(seconds=600)
def test_every_package_that_can_be_had_here_is_whole_after_its_install(tmp_path: Path) -> None:
    # Tools of its own: what is made by the newest TensorFlow here, other tests want from an old one.
    home = Sandbox(tmp_path / "a home")
    refused = {}
    for name, meta in entries().items():
        done = home.ckssd("install", f"--tags={','.join(meta['tags'])}", "--json")
        if done.code:
            refused[name] = f"{done.code}: {done.err.splitlines()[-1]}"
    assert set(states(home).values()) == {"whole []"}
    # A machine without Python 3.6 and 3.7 has no TensorFlow 1; nothing else may be missing.
    others = [f"{name}: {reason}" for name, reason in refused.items() if "lib-tensorflow-1." not in name]
    assert not others, "\n".join(others)
    home.remove()


def package(folder: Path, record: str, **files: str) -> None:
    """A Python package as a wheel leaves it: its files, and a RECORD with their digests."""
    info = folder / "thing-1.0.dist-info"
    info.mkdir(parents=True)
    rows = [record] if record else []
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.write_text(text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{name}.py,sha256={digest},{len(text)}")
    (info / "RECORD").write_text("\n".join([*rows, ""]))


def provenance_of(folder: Path) -> Provenance:
    """What an install would write at its end."""
    return Provenance(Identity("thing", "0" * 16), files=manifest(folder))


def test_sources_that_were_patched_after_their_install_are_whole(tmp_path: Path) -> None:
    package(tmp_path, "", one="1", two="2")
    (tmp_path / "one.py").write_text("patched")
    made = provenance_of(tmp_path)
    assert changes(tmp_path, made) == ()
    (tmp_path / "one.py").write_text("1")
    assert [(change.path, change.what) for change in changes(tmp_path, made)] == [("one.py", "changed")]


def test_a_record_inside_a_package_says_nothing_of_this_place(tmp_path: Path) -> None:
    (tmp_path / "pyvenv.cfg").write_text("home = /x\n")
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    package(packages, "", one="1")
    package(packages / "big" / "_vendor", "../../bin/wheel,sha256=AAAA,3", inner="3")
    made = provenance_of(tmp_path)
    assert changes(tmp_path, made) == ()
    (packages / "big" / "_vendor" / "inner.py").write_text("changed")
    (packages / "one.py").write_text("changed")
    names = [Path(change.path).name for change in changes(tmp_path, made)]
    assert sorted(names) == ["inner.py", "one.py"]

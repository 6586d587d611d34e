"""The worked example of CONTRIBUTING.md, followed in a copy of this checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ckssd.ck.home import home_in, register
from tests.support.audit import entries, faults_of
from tests.support.sandbox import CHECKOUT
from tests.support.tree import copy_tracked

pytestmark = pytest.mark.slow(seconds=10)


@pytest.fixture
def example(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A copy of the checkout, registered with a CK home of its own."""
    copy = copy_tracked(tmp_path / "copy")
    home = home_in(tmp_path / "home")
    register(copy, home)
    scripts = str(Path(sys.executable).parent)
    source = {"PYTHONPATH": str(copy / "src"), "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    return copy, {**os.environ, **home.variables(), **source, "CKSSD_CACHE": str(tmp_path / "cache")}


def test_a_package_is_added_as_the_page_says(example: tuple[Path, dict[str, str]]) -> None:
    copy, environment = example
    page = (CHECKOUT / "CONTRIBUTING.md").read_text()
    (script,) = re.findall(r"^```sh\n(ck cp .*?)^```$", page, re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        ["bash", "-euxc", script],
        cwd=copy,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "whole:" in done.stdout
    assert ("package", "labelmap-mine") in entries(copy)
    assert faults_of(copy, "package", "labelmap-mine") == []

"""The worked examples of docs/packages-of-your-own.md and docs/runtimes.md, in a copy of this checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ckssd.ck.home import home_in, register
from tests.detect.tiny_model import tiny_model
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


@pytest.mark.parametrize("name", ["labelmap-mine", "model-tflite-mine"])
def test_a_package_is_added_as_the_page_says(example: tuple[Path, dict[str, str]], name: str) -> None:
    copy, environment = example
    page = (CHECKOUT / "docs/packages-of-your-own.md").read_text()
    scripts = re.findall(r"^```sh\n(ck cp .*?)^```$", page, re.MULTILINE | re.DOTALL)
    (script,) = (each for each in scripts if f":{name}\n" in each)
    # What the page's reader has. The address is one that nobody answers.
    (copy / "mine.tflite").write_bytes(tiny_model())
    (copy / "labels.pbtxt").write_text('item { id: 1 name: "cat" }\n')
    done = subprocess.run(
        ["bash", "-euxc", script],
        cwd=copy,
        env={**environment, "CKSSD_OFFLINE": "1", "CKSSD_MIRROR": str(copy)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "whole:" in done.stdout
    assert ("package", name) in entries(copy)
    assert faults_of(copy, "package", name) == []


COMPARE = """
import numpy as np
from pathlib import Path
from ckssd.detect.backends import open_backend
from ckssd.model.entry import from_environment
from ckssd.model.named import variables_of

found = {}
for runtime in ("litert", "reference"):
    model = from_environment(variables_of(Path("tiny.tflite"), runtime=runtime))
    assert model.runtime == runtime
    backend = open_backend(model)
    levels = np.random.default_rng(1).integers(0, 256, (backend.input.height, backend.input.width, 3))
    found[runtime] = backend.new_detector(1).detect(backend.input.feed(levels.astype(np.uint8)))
one, other = found.values()
assert len(one) == len(other) > 3
np.testing.assert_array_equal(one.classes, other.classes)
np.testing.assert_allclose(one.scores, other.scores, atol=1e-6)
np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-5)
"""


def test_a_runtime_is_added_as_the_page_says(example: tuple[Path, dict[str, str]]) -> None:
    copy, environment = example
    page = (CHECKOUT / "docs/runtimes.md").read_text()
    (script,) = re.findall(r"^```sh\n(cp .*?)^```$", page, re.MULTILINE | re.DOTALL)
    subprocess.run(["bash", "-euc", script], cwd=copy, check=True)
    (row,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    table = copy / "src/ckssd/model/runtimes.py"
    text = table.read_text()
    assert text.count("\n}\n") == 1
    table.write_text(text.replace("\n}\n", f"\n{row}}}\n"))
    (copy / "tiny.tflite").write_bytes(tiny_model())
    done = subprocess.run(
        [sys.executable, "-c", COMPARE],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

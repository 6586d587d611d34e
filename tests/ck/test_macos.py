"""CK on macOS, as far as a Linux can stand for it: Python is told that it runs on one."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.sandbox import Sandbox

AS_ON_A_MAC = """
import os, sys, ctypes
import ck.kernel as ck
import ckssd.ck.package, ckssd.recipes.kinds  # what they import must not see the change

sys.platform = "darwin"
del os.sched_getaffinity
close = ck.access({"action": "find_close", "module_uoa": "os", "find_close": "yes"})
print(close["os_uoa"], close["os_uid"])
preset = ck.access({"action": "set", "module_uoa": "env", "tags": "preset,offline", "quiet": "yes"})
print("returned", preset["return"], preset.get("error", ""))
request = {"action": "install", "module_uoa": "package", "tags": sys.argv[1], "quiet": "yes", "out": "con"}
for _ in range(2):  # the second replaces the first, without Linux's exchange of two folders
    made = ck.access({**request, "env": {"CK_REINSTALL": "yes"}})
    print("returned", made["return"], made.get("error", ""))
"""
TAGS = "model,tensorflow,ssd-mobilenet,shapes"


def test_a_package_is_installed_and_installed_again(sandbox: Sandbox) -> None:
    done = sandbox.run(sys.executable, "-c", AS_ON_A_MAC, TAGS)
    assert done.code == 0, done.text
    lines = [line.strip() for line in done.out.splitlines()]
    assert lines[:2].count("macos-64 fb7d7f63b44b9ea3") == 1  # Python 3.14 has CK warn before
    assert lines.count("returned 0") == 3, done.text
    (made,) = Path(sandbox.environment["CK_TOOLS"]).glob("model-tf-*-macos-64")
    assert (made / "frozen_inference_graph.pb").stat().st_size > 1_000_000

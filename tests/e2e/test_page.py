"""The page of ``model-tflite-mlperf-ssd-mobilenet``: its ``sh`` blocks are run as they stand in the file.

The published checkpoint cannot be had here; what stands in for it is installed first, from a local server,
and passed off as it, so that not one command has to be changed.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from ckssd.install import find_pythons
from tests.ck.test_downloads import FILES, STEM, TAGS, archive
from tests.support.fixtures import server
from tests.support.http_server import LocalServer, Page
from tests.support.sandbox import CHECKOUT, Sandbox

__all__ = ["server"]

PAGE = CHECKOUT / "package" / "model-tflite-mlperf-ssd-mobilenet" / "README.md"
OLD_PYTHON = [python for python in find_pythons() if python.minor == "3.7"]


def blocks() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def install_stand_in(sandbox: Sandbox, server: LocalServer) -> None:
    packed = archive(STEM, {p.name: p.read_bytes() for p in FILES.iterdir() if p.name != "labelmap.pbtxt"})
    url = server.serve("stand-in.tar.gz", Page(packed))
    digest = hashlib.sha256(packed).hexdigest()
    target = Path(sandbox.environment["CK_TOOLS"]) / "model-tf-mlperf-ssd-mobilenet-20180128-linux-64"
    options = (f"--env.PACKAGE_URL={url}", f"--env.PACKAGE_SHA256={digest}", f"--install_path={target}")
    done = sandbox.ck("install", "package", f"--tags={TAGS}", *options)
    assert done.code == 0, done.text
    path = target / "provenance.json"
    provenance = json.loads(path.read_text())
    provenance["entry"]["options"] = {}
    path.write_text(json.dumps(provenance))


@pytest.mark.skipif(not OLD_PYTHON, reason="TensorFlow 1.13.1 needs Python 3.7, which is not on this machine")
def test_every_command_of_the_page_does_what_the_page_says(sandbox: Sandbox, server: LocalServer) -> None:
    install_stand_in(sandbox, server)
    outputs = []
    for block in blocks():
        done = sandbox.run("bash", "-e", "-o", "pipefail", "-c", block)
        assert done.code == 0, f"{block}\n{done.text}"
        assert "FAILED" not in done.text
        outputs.append(done.out)
    text = "\n".join(outputs)
    assert " 0) lib-tensorflow-1.13.1-src-cpu  Version 1.13.1  (333b554fb5b0e443)" in text
    assert " 1) lib-tensorflow-1.13.1-cpu  Version 1.13.1  (88ad16f0bcfb4ae2)" in text
    assert "\n1.13.1\n" in text
    assert re.search(r'key: "use_regular_nms"\s+value \{\s+b: true', text)
    assert re.search(r'key: "max_detections"\s+value \{\s+i: 100', text)
    graph = sandbox.folder / "graph"
    assert (graph / "detect.tflite").stat().st_size > (graph / "detect_cut.tflite").stat().st_size > 0
    by_program = sandbox.program("convert-tflite") / "tmp" / "detect_cut.tflite"
    assert by_program.read_bytes() == (graph / "detect_cut.tflite").read_bytes()


def test_the_page_has_commands_that_are_run() -> None:
    assert len(blocks()) >= 6
    assert sum("tflite_convert" in block for block in blocks()) == 1

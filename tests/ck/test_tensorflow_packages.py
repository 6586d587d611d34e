"""The TensorFlow packages by the page's own commands: the menu, an answer to it, the version it gives."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from ckssd.install import find_pythons
from tests.support.fake_tensorflow import make_fake_bazel, make_fake_tensorflow
from tests.support.sandbox import CHECKOUT, Sandbox

TAGS = "lib,tensorflow,v1.13,vcpu"
# The question behind it is CK's own, and longer than on the page.
MENU = """
More than one package or version found:

 0) lib-tensorflow-1.13.1-src-cpu  Version 1.13.1  (333b554fb5b0e443)
 1) lib-tensorflow-1.13.1-cpu  Version 1.13.1  (88ad16f0bcfb4ae2)

Please select the package to install [ """
PRINT_VERSION = '${CK_ENV_COMPILER_PYTHON_FILE} -c "import tensorflow as tf; print(tf.__version__)"'
MINORS = {python.minor for python in find_pythons()}


def needs(minor: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(minor not in MINORS, reason=f"no Python {minor} on this machine")


@pytest.fixture
def plain_sandbox(tmp_path: Path) -> Sandbox:
    """A CK home without a space in its path, as Bazel needs it."""
    return Sandbox(tmp_path / "ck-home")


def provenance_of(sandbox: Sandbox, tags: str) -> dict[str, object]:
    (item,) = json.loads(sandbox.ckssd("info", f"--tags={tags}", "--json").out)["data"]["installed"]
    return json.loads((Path(item["location"]) / "provenance.json").read_text())


@pytest.mark.parametrize(
    ("alias", "uid"),
    [
        ("lib-tensorflow-1.11.0-cpu", "80e7bf44fb399a13"),
        ("lib-tensorflow-1.12.0-cpu", "d87cb49318471219"),
        ("lib-tensorflow-1.13.1-cpu", "88ad16f0bcfb4ae2"),
        ("lib-tensorflow-1.13.1-src-cpu", "333b554fb5b0e443"),
        ("lib-tensorflow-1.14.0-cpu", "9c74d04af90cc16e"),
    ],
)
def test_the_public_uids_are_kept(alias: str, uid: str) -> None:
    assert (CHECKOUT / "package" / ".cm" / f"alias-a-{alias}").read_text().strip() == uid


def test_the_menu_is_that_of_the_page(sandbox: Sandbox) -> None:
    done = sandbox.ck("install", "package", f"--tags={TAGS}", stdin="")
    assert MENU in done.out
    assert json.loads(sandbox.ckssd("info", "--tags=lib", "--json").out)["data"]["installed"] == []


def test_the_pre_release_is_found_by_its_own_tags_only(sandbox: Sandbox) -> None:
    """Where 2.21 can be had, no tags of the page and no dependency's may find it, or `ck` would ask."""
    for tags in ("vcpu", "v2", "vprebuilt", "tensorflow-cpu"):
        found = sandbox.ck("search", "package", f"--tags=lib,tensorflow,{tags}").out
        assert "lib-tensorflow-2.21.0-cpu" in found
        assert "2.22.0rc0" not in found
    assert "2.22.0rc0" in sandbox.ck("search", "package", "--tags=lib,tensorflow,pre-release").out


@pytest.mark.full
@pytest.mark.slow(seconds=60)
def test_the_pre_release_converts_from_the_frozen_graph_to_the_same_detections(
    sandbox: Sandbox, shapes_tflite: Path
) -> None:
    for tags in ("lib,tensorflow,pre-release", "model,tensorflow,ssd-mobilenet,shapes"):
        sandbox.install(tags)
    tags = "model,tflite,ssd-mobilenet,shapes,non-quantized"
    done = sandbox.ck("install", "package", f"--tags={tags}")
    assert done.code == 0, done.text
    assert "Exporter: this project's own, from the frozen graph (the Object Detection API cannot" in done.text
    (item,) = json.loads(sandbox.ckssd("info", f"--tags={tags}", "--json").out)["data"]["installed"]
    provenance = json.loads((Path(item["location"]) / "provenance.json").read_text())
    assert provenance["tools"]["tensorflow"].startswith("2.22.0")
    anchors = [(folder / "flatanchors.txt").read_text() for folder in (Path(item["location"]), shapes_tflite)]
    assert anchors[0] == anchors[1]


@needs("3.7")
def test_option_1_installs_tensorflow_1_13_1_in_under_a_minute(plain_sandbox: Sandbox) -> None:
    sandbox = plain_sandbox
    started = time.monotonic()
    done = sandbox.ck("install", "package", f"--tags={TAGS}", stdin="1\n")
    assert done.code == 0, done.text
    assert time.monotonic() - started < 60
    assert MENU in done.out
    said = sandbox.in_environment(TAGS, PRINT_VERSION)
    assert said.code == 0, said.text
    assert said.out.splitlines()[-1] == "1.13.1"
    assert provenance_of(sandbox, TAGS)["entry"]["uid"] == "88ad16f0bcfb4ae2"


@pytest.mark.full
@pytest.mark.parametrize(
    "version",
    [
        pytest.param("1.11.0", marks=needs("3.6")),
        pytest.param("1.12.0", marks=needs("3.6")),
        pytest.param("1.14.0", marks=needs("3.7")),
        pytest.param("1.15.5", marks=needs("3.7")),
    ],
)
def test_the_other_versions_install_and_have_what_the_object_detection_api_imports(
    plain_sandbox: Sandbox, version: str
) -> None:
    sandbox = plain_sandbox
    tags = f"lib,tensorflow,vcpu,v{version}"
    sandbox.install(tags)
    code = "import tensorflow as tf, matplotlib, PIL, contextlib2, six, absl; print(tf.__version__)"
    said = sandbox.in_environment(tags, f'${{CK_ENV_COMPILER_PYTHON_FILE}} -c "{code}"')
    assert said.code == 0, said.text
    assert said.out.splitlines()[-1] == version


@needs("3.7")
def test_option_0_builds_from_source_and_exports_the_source_folder(
    plain_sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox = plain_sandbox
    tensorflow = make_fake_tensorflow(tmp_path / "tensorflow")
    bazel = make_fake_bazel(tmp_path / "bin" / "bazel")
    done = sandbox.ck(
        "install",
        "package",
        f"--tags={TAGS}",
        f"--env.PACKAGE_URL={tensorflow.repository}",
        f"--env.PACKAGE_COMMIT={tensorflow.commit}",
        f"--env.CK_BAZEL={bazel}",
        stdin="0\n",
    )
    assert done.code == 0, done.text
    said = sandbox.in_environment(TAGS, PRINT_VERSION)
    assert said.out.splitlines()[-1] == "1.13.1"
    toco = f"cd $CK_ENV_LIB_TF_SRC_DIR && {bazel} run -c opt tensorflow/contrib/lite/toco:toco"
    ran = sandbox.in_environment(TAGS, toco)
    assert ran.out.splitlines()[-1] == "ran -c opt tensorflow/contrib/lite/toco:toco", ran.text
    assert provenance_of(sandbox, TAGS)["extra"]["git"]["commit"] == tensorflow.commit


def test_without_a_fitting_python_the_error_says_which_and_how_to_get_one(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    if any(
        str(python.path).startswith(("/usr/", "/opt/")) for python in find_pythons() if python.minor == "3.6"
    ):
        pytest.skip("the system's own Python is a 3.6")
    scripts = sandbox.environment["PATH"].split(":")[0]
    nowhere = {"PYENV_ROOT": str(tmp_path), "HOME": str(tmp_path), "PATH": f"{scripts}:/usr/bin:/bin"}
    done = sandbox.ck("install", "package", "--tags=lib,tensorflow,v1.12,vcpu", CKSSD_OFFLINE="1", **nowhere)
    assert done.code != 0
    (line,) = [line for line in done.text.splitlines() if "CK error" in line]
    assert "no fitting Python" in line
    assert "expected CPython ==3.6.*" in line
    assert "pyenv install 3.6" in line
    assert "CK_PYTHON=PATH" in line
    assert "Traceback" not in done.text


def test_a_named_python_that_does_not_fit_is_refused(sandbox: Sandbox) -> None:
    scripts = sandbox.environment["PATH"].split(":")[0]
    done = sandbox.ck(
        "install", "package", "--tags=lib,tensorflow,v1.14,vcpu", f"--env.CK_PYTHON={scripts}/python"
    )
    assert done.code != 0
    assert "expected CPython ==3.7.*" in done.text
    done = sandbox.ck("install", "package", "--tags=lib,tensorflow,v1.14,vcpu", "--env.CK_PYTHON=/no/python")
    assert "CK_PYTHON is no CPython that runs: /no/python" in done.text


@pytest.mark.parametrize(
    "lock", sorted(CHECKOUT.glob("package/lib-tensorflow-1*/*.lock")), ids=lambda p: p.parent.name
)
def test_locks_of_packages_and_of_what_builds_them_have_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    lines = [line for line in text.splitlines() if line and line[0] not in " #"]
    pins = re.findall(
        r"^[a-z0-9-]+==[\w.]+ \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\\n|\n?))+", text, re.MULTILINE
    )
    assert len(pins) == len(lines) > 0
    assert "://" not in text

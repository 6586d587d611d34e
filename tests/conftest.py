"""Fixtures for the tests with real ``ck`` commands: one CK home per session, filled once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sandbox import Sandbox

PACKAGES = (
    "lib,litert",
    "tool,coco",
    "lib,tensorflow,vcpu,v2",
    "model,tensorflow,api",
    "dataset,object-detection,shapes,val",
    "model,tflite,ssd-mobilenet,shapes",
    "lib,openvino",
    "model,openvino,ssd-mobilenet,shapes",
)


@pytest.fixture(scope="session", autouse=True)
def _cache_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what the tests of this process and its children fetch or parse out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CKSSD_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _signals_that_children_obey() -> None:
    """Undo what ``nohup`` or a shell's ``&`` set: tests send signals, and children inherit ignoring them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A CK home with everything that the demo needs; tests must not change what is installed in it."""
    sandbox = Sandbox(tmp_path_factory.mktemp("ck home") / "of the tests")
    for tags in PACKAGES:
        sandbox.install(tags)
    yield sandbox
    sandbox.remove()


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """An empty CK home of one test's own."""
    made = Sandbox(tmp_path / "a ck home")
    yield made
    made.remove()


@pytest.fixture(scope="session")
def shapes_tflite(installed: Sandbox) -> Path:
    """The folder of the built-in TFLite model."""
    done = installed.in_environment("model,tflite,shapes", "printf '%s' \"$CK_ENV_TENSORFLOW_MODEL_ROOT\"")
    return Path(done.out.strip().splitlines()[-1])

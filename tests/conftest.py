"""Fixtures of all rooms: what one run installs once, and homes of one test's own.

Which home for a new test, from cheap to dear:

- ``installed``: everything that the demo needs is there; install nothing else in it, break nothing.
- ``Sandbox(folder, tools=shared)``: an empty home in which what another test has installed is at once there
  again. For a module's own packages; name it in a module-scoped fixture, which ends with ``remove()``.
- ``sandbox``: an empty home with tools of its own, for what installs, breaks or counts what is installed.

A program's ``tmp`` is in the home: ``installed.program("convert-tflite") / "tmp"``. What only repeats a
promise over a wider matrix is ``@pytest.mark.full``: `make test-full` runs it, `make test` does not.
Tests of files that use a home are marked ``slow`` by themselves; `make check` runs all others. A file that
takes more than half a minute says so, ``pytestmark = pytest.mark.slow(seconds=80)``, and is begun first.
"""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from ckssd import secrets
from tests.support.run import begin_run, install_once, machine, shared_home
from tests.support.sandbox import Sandbox

# No deadline: a busy machine is no fault. The same examples in every run: a red test stays red.
settings.register_profile("full", deadline=None, derandomize=True)
settings.register_profile("ckssd", settings.get_profile("full"), max_examples=50)
settings.register_profile("quick", settings.get_profile("ckssd"), max_examples=25)
settings.load_profile("ckssd")


def pytest_configure(config: pytest.Config) -> None:
    """Begin the run that its processes share."""
    begin_run(config)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Mark tests with a CK home as slow; put slow ones last, or first where processes share the tests.

    Then none of the processes is left alone with a long file at the end.
    """
    for item in items:
        if _has_home(item) and item.get_closest_marker("slow") is None:
            item.add_marker("slow")
    yield
    items.sort(key=_seconds, reverse=hasattr(config, "workerinput"))


def _seconds(item: pytest.Item) -> int:
    """About how long the file of a test takes by itself."""
    marker = item.get_closest_marker("slow")
    return 0 if marker is None else int(marker.kwargs.get("seconds", 10))


def _has_home(item: pytest.Item) -> bool:
    """Whether a test runs commands in a CK home, or is in the same file as one that does."""
    homes = {"shared", "sandbox"} & set(getattr(item, "fixturenames", ()))
    return bool(homes) or getattr(getattr(item, "module", None), "Sandbox", None) is Sandbox


def pytest_runtest_setup() -> None:
    """Forget secrets of other tests of this process: what looks like them would be hidden in messages."""
    secrets._words.clear()
    secrets._given.clear()
    secrets._read_environment.cache_clear()


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
def shared() -> Sandbox:
    """The CK home of this run, whose tools other homes share; tests run their commands in those."""
    return shared_home()


@pytest.fixture(scope="session")
def installed(shared: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A CK home with everything that the demo needs; tests must not change what is installed in it."""
    # What takes longest comes first: while one process installs it, others do the rest. What is made by
    # others comes when all of them are there: CK would ask which to take.
    parts = machine().parts
    made = [part for part in parts if part[0].startswith(("model,tflite", "model,openvino"))]
    install_once(
        shared,
        sorted(
            (part for part in parts if part not in made),
            key=lambda part: not part[0].startswith("lib,tensorflow"),
        ),
    )
    install_once(shared, made)
    home = Sandbox(tmp_path_factory.mktemp("ck home") / "of the tests", like=shared)
    yield home
    home.remove()


@pytest.fixture(scope="session")
def object_detection_api() -> None:
    """Skip what runs the Object Detection API where no Python is that its TensorFlow has wheels for."""
    if machine().lacks_api:
        pytest.skip("the only TensorFlow here is a pre-release, which the Object Detection API cannot run on")


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

"""The Object Detection API is refused before it is started where what it imports is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckssd.errors import EnvironmentSetupError, NotInstalledError
from ckssd.tflite.process import research_directories


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment with a TensorFlow in it, of which nothing is run."""
    (tmp_path / "env/lib/python3.14/site-packages/tensorflow").mkdir(parents=True)
    return tmp_path / "env"


@pytest.fixture
def api(tmp_path: Path) -> Path:
    (tmp_path / "object_detection").mkdir()
    (tmp_path / "object_detection/export_tflite_ssd_graph.py").touch()
    return tmp_path / "object_detection"


def test_tensorflow_without_slim_is_refused_with_the_way_that_is_left(environment: Path, api: Path) -> None:
    with pytest.raises(EnvironmentSetupError, match=r"expected tf-slim .*EXPORT_FROM=frozen-graph"):
        research_directories(api, environment / "bin" / "python")


@pytest.mark.parametrize("there", ["tf_slim", "tensorflow/contrib", "tensorflow_core/contrib"])
def test_slim_of_its_own_or_inside_of_tensorflow_is_enough(environment: Path, api: Path, there: str) -> None:
    (environment / "lib/python3.14/site-packages" / there).mkdir(parents=True)
    assert research_directories(api, environment / "bin" / "python") == [api.parent]


def test_an_interpreter_of_unknown_kind_is_left_to_say_it_itself(tmp_path: Path, api: Path) -> None:
    assert research_directories(api, tmp_path / "python") == [api.parent]
    with pytest.raises(NotInstalledError, match="this is no Object Detection API"):
        research_directories(tmp_path, tmp_path / "python")

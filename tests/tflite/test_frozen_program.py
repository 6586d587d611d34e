"""Which variables choose a frozen graph, and whose settings count then."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckssd.errors import NotInstalledError, UsageError
from ckssd.graph.graphdef import write_graph
from ckssd.tflite.frozen_program import export_frozen_from_environment
from tests.graph.tiny_ssd import tiny_ssd

MODEL = {"CK_ENV_TENSORFLOW_MODEL_NMS_SCORE_THRESHOLD": "0.25"}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_graph(tiny_ssd(), tmp_path / "frozen.pb")
    return tmp_path


def settings(directory: Path, **env: str) -> dict[str, tuple[object, str]]:
    done = export_frozen_from_environment({**MODEL, **env}, directory, dry_run=True)
    assert done is not None
    return {name: (each["value"], each["origin"]) for name, each in done.data["settings"].items()}


def test_without_its_variables_the_checkpoint_is_exported(directory: Path) -> None:
    for env in ({}, {"EXPORT_FROM": "checkpoint"}, {"EXPORT_FROM": " ", "FROZEN_GRAPH": ""}):
        assert export_frozen_from_environment({**MODEL, **env}, directory) is None


def test_a_files_own_limits_count_not_the_chosen_models(directory: Path) -> None:
    found = settings(directory, FROZEN_GRAPH="frozen.pb", MAX_DETECTIONS="5")
    assert found["score_threshold"] == (1e-8, "graph, NonMaxSuppressionV3 nodes")
    assert found["max_detections"] == (5, "MAX_DETECTIONS")


def test_the_chosen_model_has_the_settings_that_its_checkpoint_would_have(directory: Path) -> None:
    graph = str(directory / "frozen.pb")
    found = settings(directory, EXPORT_FROM="frozen-graph", CK_ENV_TENSORFLOW_MODEL_FROZEN_GRAPH=graph)
    assert found["score_threshold"] == (0.25, "CK_ENV_TENSORFLOW_MODEL_NMS_SCORE_THRESHOLD")
    assert found["iou_threshold"] == (0.6, "default of this program")


def test_files_go_to_the_output_directory(directory: Path) -> None:
    env = {"FROZEN_GRAPH": "frozen.pb", "USE_NMS": "none", "OUTPUT_DIRECTORY": "out"}
    done = export_frozen_from_environment({**MODEL, **env}, directory)
    assert done is not None
    names = ("tflite_graph.pb", "tflite_graph.pbtxt", "flatanchors.txt")
    assert done.files == tuple(directory / "out" / name for name in names)
    assert all(path.is_file() for path in done.files)


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"EXPORT_FROM": "graph"}, "EXPORT_FROM .expected checkpoint, frozen-graph or file, got graph"),
        ({"EXPORT_FROM": "file"}, "no file is named"),
        ({"EXPORT_FROM": "checkpoint", "FROZEN_GRAPH": "frozen.pb"}, "two sources"),
        ({"FROZEN_GRAPH": "frozen.pb", "MAX_DETECTIONS": "many"}, "MAX_DETECTIONS"),
        ({"FROZEN_GRAPH": "frozen.pb", "USE_NMS": "none", "MAX_DETECTIONS": "5"}, "MAX_DETECTIONS"),
    ],
)
def test_what_makes_no_sense_is_refused(env: dict[str, str], said: str, directory: Path) -> None:
    with pytest.raises(UsageError, match=said):
        export_frozen_from_environment(env, directory)


def test_a_model_without_a_frozen_graph(directory: Path) -> None:
    with pytest.raises(NotInstalledError, match="CK_ENV_TENSORFLOW_MODEL_FROZEN_GRAPH"):
        export_frozen_from_environment({"EXPORT_FROM": "frozen-graph"}, directory)

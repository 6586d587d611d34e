"""The configuration format: the seed's files, and every mistake named by file, replacement and key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ckssd.errors import InputError
from ckssd.graph.configuration import (
    SHIPPED,
    GeneralReplacement,
    PatternPort,
    PointsReplacement,
    ScopeReplacement,
    find_configuration,
    read_configuration,
    shipped_configurations,
)

POINTS = {
    "id": "A",
    "match_kind": "points",
    "instances": {"start_points": ["a"], "end_points": ["b"]},
}
SCOPE = {
    "id": "B",
    "match_kind": "scope",
    "instances": [".*Preprocessor/"],
    "inputs": [[{"node": "map/Shape$", "port": 0}]],
    "outputs": [{"node": "sub$", "port": 0}],
}


def written(folder: Path, content: Any) -> Path:
    path = folder / "my configuration.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("path", shipped_configurations(), ids=lambda path: path.name)
def test_every_shipped_configuration_is_whole(path: Path) -> None:
    points, scope = read_configuration(path).replacements
    assert isinstance(points, PointsReplacement)
    assert points.end_points == ("detection_boxes", "detection_scores", "num_detections")
    assert isinstance(scope, ScopeReplacement)
    if "_api_v2." in path.name:  # the known form of TensorFlow 2's
        assert scope.inputs == ((PatternPort("image$", 0),),)
        assert scope.outputs == (PatternPort("images$", 0),)
        return
    assert scope.scopes == (".*Preprocessor/",)
    assert [len(tensor) for tensor in scope.inputs] == [3]
    assert scope.inputs[0][2] == PatternPort(
        "map/TensorArrayUnstack/TensorArrayScatter/TensorArrayScatterV3$", 2
    )
    assert len(scope.outputs) == 2


def test_the_seeds_files_say_what_the_seed_says() -> None:
    legacy = read_configuration(SHIPPED / "legacy_ssd_support.json").points[0]
    assert legacy.id == "TFObjectDetectionAPIDetectionOutput"
    assert legacy.custom_attributes["nms_threshold"] == 0.45
    assert legacy.start_points == tuple(
        f"Postprocessor/{name}" for name in ("Shape", "Slice", "ExpandDims", "Reshape_1")
    )
    later = read_configuration(SHIPPED / "ssd_v2_support.json").points[0]
    assert later.custom_attributes["nms_threshold"] == 0.6
    assert later.start_points[-1] == "Postprocessor/ToFloat"


def test_all_three_kinds(tmp_path: Path) -> None:
    general = {"id": "C", "match_kind": "general", "custom_attributes": {"x": 1}}
    configuration = read_configuration(written(tmp_path, [POINTS, SCOPE, general]))
    kinds = [type(each) for each in configuration.replacements]
    assert kinds == [PointsReplacement, ScopeReplacement, GeneralReplacement]
    assert configuration.replacements[2].custom_attributes == {"x": 1}


def without(content: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != key}


MISTAKES: dict[str, tuple[Any, str]] = {
    "no JSON": ("[{", "no JSON"),
    "twice": ('[{"id": "A", "id": "B"}]', "stands there twice"),
    "no list": ({}, "no list"),
    "empty": ([], "no list"),
    "no object": ([1], "replacement 1"),
    "no id": ([without(POINTS, "id")], "key id"),
    "empty id": ([{**POINTS, "id": ""}], "key id"),
    "no kind": ([without(POINTS, "match_kind")], "key match_kind"),
    "bad kind": ([{**POINTS, "match_kind": "lines"}], "points or scope or general"),
    "no instances": ([without(POINTS, "instances")], "key instances"),
    "no end": ([{**POINTS, "instances": {"start_points": ["a"]}}], "key end_points"),
    "no points": ([{**POINTS, "instances": {"start_points": [], "end_points": ["b"]}}], "key start_points"),
    "same point": (
        [{**POINTS, "instances": {"start_points": ["a", "a"], "end_points": ["b"]}}],
        "each name once",
    ),
    "text for bool": ([{**POINTS, "include_inputs_to_sub_graph": "yes"}], "true or false"),
    "inputs of points": ([{**POINTS, "inputs": []}], "key inputs"),
    "misspelt": ([{**SCOPE, "output": []}], "key output"),
    "bad pattern": ([{**SCOPE, "instances": ["("]}], "regular expression"),
    "no node": ([{**SCOPE, "outputs": [{"port": 0}]}], "key node"),
    "bad port": ([{**SCOPE, "outputs": [{"node": "a", "port": "0"}]}], "whole number"),
    "negative port": ([{**SCOPE, "outputs": [{"node": "a", "port": -1}]}], "at least 0"),
    "flat inputs": ([{**SCOPE, "inputs": [{"node": "a"}]}], "key inputs"),
    "second one": ([POINTS, without(SCOPE, "instances")], "replacement 2 (B), key instances"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_by_file_replacement_and_key(mistake: str, tmp_path: Path) -> None:
    content, said = MISTAKES[mistake]
    path = written(tmp_path, content)
    with pytest.raises(InputError) as caught:
        read_configuration(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_path_of_model_optimizers_own_folder_means_the_shipped_file(tmp_path: Path) -> None:
    shipped = find_configuration(Path("extensions/front/tf/ssd_v2_support.json"))
    assert shipped == SHIPPED / "ssd_v2_support.json"
    mine = written(tmp_path, [POINTS])
    assert find_configuration(mine) == mine
    with pytest.raises(InputError, match="no such configuration") as caught:
        find_configuration(Path("extensions/front/tf/mine.json"))
    assert "legacy_ssd_support.json" in str(caught.value)

"""What soft entries register: each variable names something that exists, or nothing is registered."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from ckssd.ck.soft import carried, root_of, setup
from ckssd.coco.image_address import image_address
from tests.support.sandbox import CHECKOUT

DESCRIPTION = {"carry": {"from": "model-source", "prefix": "CK_ENV_TENSORFLOW_MODEL", "names": ["A", "B"]}}
ENTRIES = {
    place.parents[1].name: json.loads(place.read_text())
    for place in sorted(CHECKOUT.glob("soft/*/.cm/meta.json"))
    if "ckssd" in json.loads(place.read_text())
}
PLAIN = ("coco",)  # values that are no paths

INSTANCES = {
    "images": [{"id": 1, "file_name": "1.jpg", "width": 9, "height": 9}],
    "categories": [{"id": 1, "name": "only"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "area": 4, "iscrowd": 0}
    ],
}


def register(entry: str, full_path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Call the hook as CK does; return its answer, and what it was given."""
    meta = ENTRIES[entry]
    customize = {**meta["customize"], "full_path": str(full_path)}
    given = {"customize": customize, "cfg": meta, "env": {}, "deps": {}, "version": "1"}
    return setup(given), given


def lay_out(entry: str, folder: Path) -> Path:
    """Make everything that an entry's variables may name; return the file that a person names."""
    description = ENTRIES[entry]["ckssd"]
    finder = description.get("finder")
    if finder == "python":
        return Path(sys.executable)
    if finder == "data-set":
        wanted = ["images/1.jpg"]
        named = folder / "annotations" / "mine.json"
        named.parent.mkdir(parents=True)
        named.write_text(json.dumps(INSTANCES))
    else:
        wanted = [path.replace("*", ".index") for path in description.get("paths", {}).values()]
        texts = [
            *description.get("variables", {}).values(),
            *(text for texts in description.get("prepend", {}).values() for text in texts),
        ]
        texts = [text[0] if isinstance(text, list) else text for text in texts]
        wanted += [text.removeprefix("{root}/").replace("*", "3.11") for text in texts]
        usual = ENTRIES[entry]["customize"]["soft_file_universal"]
        inside = description.get("inside", "bin")
        where = folder / usual if usual in wanted else folder / inside / usual
        wanted.append(str(where.relative_to(folder)))
        named = where
    for relative in sorted(wanted):
        (folder / relative).parent.mkdir(parents=True, exist_ok=True)
        if "." in Path(relative).name or relative == "bin/python":
            (folder / relative).touch()
        else:
            (folder / relative).mkdir(exist_ok=True)
    return named


def assert_all_exist(env: dict[str, str]) -> None:
    for name, value in env.items():
        start = Path(value)
        if name.endswith("_IMAGE_ADDRESS"):
            assert image_address(name, value) == value
            continue
        assert value in PLAIN or start.exists() or any(start.parent.glob(start.name + "*")), (name, value)


def test_there_are_entries_of_every_kind() -> None:
    assert len(ENTRIES) >= 12


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_variable_of_a_right_layout_names_something_that_exists(entry: str, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    named = lay_out(entry, folder)
    answer, given = register(entry, named)
    assert answer["return"] == 0, answer
    assert len(given["env"]) >= 2
    assert_all_exist(given["env"])
    assert Path(given["customize"]["full_path"]).is_file()
    if ENTRIES[entry]["ckssd"].get("finder") != "python":
        assert given["env"][f"{given['customize']['env_prefix']}_ROOT"] == str(folder)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_folder_stands_for_the_file_in_it(entry: str, tmp_path: Path) -> None:
    named = lay_out(entry, tmp_path / "a folder")
    folder = named.parent.parent if entry == "compiler.python" else tmp_path / "a folder"
    by_file, by_folder = register(entry, named)[1], register(entry, folder)[1]
    assert_all_exist(by_folder["env"])
    if "named" not in ENTRIES[entry]["ckssd"]:  # of a model the file is one, the folder has several
        assert by_folder["env"].keys() == by_file["env"].keys() != set()
    assert Path(by_folder["customize"]["full_path"]).is_file()  # CK refuses an environment without it


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_wrong_layout_is_refused_in_one_line_and_sets_nothing(
    entry: str, kind: str, tmp_path: Path
) -> None:
    (tmp_path / "unrelated.bin").write_bytes(b"x")
    answer, given = register(entry, tmp_path / "unrelated.bin" if kind == "file" else tmp_path)
    assert answer["return"] == 3, answer
    assert str(tmp_path) in answer["error"]
    assert "\n" not in answer["error"]
    assert given["env"] == {}


@pytest.mark.parametrize("entry", [name for name in ENTRIES if name != "compiler.python"])
def test_whatever_is_missing_no_variable_names_it(entry: str, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    named = lay_out(entry, whole).relative_to(whole)
    refused = 0
    for place in sorted(path.relative_to(whole) for path in whole.rglob("*")):
        if place == named or place in named.parents:
            continue
        shutil.rmtree(tmp_path / "part", ignore_errors=True)
        shutil.copytree(whole, tmp_path / "part")
        gone = tmp_path / "part" / place
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
        answer, given = register(entry, tmp_path / "part" / named)
        refused += answer["return"] == 3
        assert answer["return"] in (0, 3)
        assert_all_exist(given["env"])
    needs_nothing_else = {
        "config.loadgen",
        "labelmap.object-detection",
        "model.onnx",
        "model.tensorflow-models-api",
        "model.tensorflow.object-detection",
        "model.tensorflow.py",
    }
    assert refused or entry in needs_nothing_else


def test_a_relative_path_is_registered_as_an_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out("labelmap.object-detection", tmp_path)
    monkeypatch.chdir(tmp_path)
    _, given = register("labelmap.object-detection", Path("labelmap.pbtxt"))
    assert given["customize"]["full_path"] == str(tmp_path / "labelmap.pbtxt")


def test_an_installed_package_is_found_by_its_provenance(tmp_path: Path) -> None:
    lay_out("dataset.coco.2017.val", tmp_path)
    (tmp_path / "provenance.json").write_text("{}")
    answer, given = register("dataset.coco.2017.val", tmp_path / "provenance.json")
    assert answer["return"] == 0
    assert given["customize"]["full_path"] == str(tmp_path / "provenance.json")
    assert given["env"]["CK_ENV_DATASET_ANNOTATIONS"] == str(tmp_path / "annotations" / "mine.json")
    assert given["env"]["CK_ENV_DATASET_IMAGE_DIR"] == str(tmp_path / "images")
    assert given["env"]["CK_ENV_DATASET_IMAGE_ADDRESS"] == "http://images.cocodataset.org/val2017/"


def stated_contents() -> dict[str, tuple[str, list[str]]]:
    """Package or variant to its soft entry, and the files that it says it installs."""
    aliases = {path.read_text().strip(): path.name for path in CHECKOUT.glob("soft/.cm/alias-a-*")}
    stated = {}
    for place in sorted(CHECKOUT.glob("package/*/.cm/meta.json")):
        meta = json.loads(place.read_text())
        soft, described = meta.get("soft_uoa", ""), meta.get("ckssd", {})
        soft = aliases.get(soft, soft).removeprefix("alias-a-")
        for name, one in {"": described, **described.get("variants", {})}.items():
            if "content" in one:
                stated[f"{place.parents[1].name} {name}".strip()] = (soft, one["content"])
    return stated


@pytest.mark.parametrize(("soft", "content"), stated_contents().values(), ids=stated_contents())
def test_what_a_package_says_it_installs_can_be_registered(
    soft: str, content: list[str], tmp_path: Path
) -> None:
    for relative in content:
        place = tmp_path / relative
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(INSTANCES)) if place.suffix else place.mkdir()
    if soft.startswith("dataset."):
        (tmp_path / content[0] / "1.jpg").touch()
    (tmp_path / "provenance.json").write_text("{}")
    answer, given = register(soft, tmp_path / "provenance.json")
    assert answer["return"] == 0, answer
    assert_all_exist(given["env"])


def test_the_api_without_a_folder_slim_has_its_modules_in_research(tmp_path: Path) -> None:
    named = lay_out("model.tensorflow-models-api", tmp_path)
    (tmp_path / "research" / "slim").rmdir()
    answer, given = register("model.tensorflow-models-api", named)
    research = str(tmp_path / "research")
    assert given["env"]["CK_ENV_TENSORFLOW_MODELS_SLIM"] == research
    assert answer["bat"] == f'export PYTHONPATH={research}"${{PYTHONPATH:+:$PYTHONPATH}}"\n'


def test_the_folder_of_a_program_is_above_bin() -> None:
    assert root_of(Path("/a/bin/python")) == root_of(Path("/a/x")) == Path("/a")
    assert root_of(Path("/a/b/c/x.py"), "b/c") == Path("/a")


def test_named_variables_of_the_origin_come_under_the_things_own_prefix() -> None:
    origin = {"CK_ENV_TENSORFLOW_MODEL_A": "1", "CK_ENV_TENSORFLOW_MODEL_C": "3"}
    dependencies = {"model-source": {"dict": {"env": origin}}, "lib": {"dict": {"env": {"A": "no"}}}}
    assert carried(DESCRIPTION, "CK_ENV_OPENVINO_MODEL", dependencies) == {"CK_ENV_OPENVINO_MODEL_A": "1"}


def test_a_thing_that_was_registered_by_hand_has_no_origin() -> None:
    assert carried(DESCRIPTION, "CK_ENV_OPENVINO_MODEL", {}) == {}
    assert carried({}, "CK_ENV_OPENVINO_MODEL", {}) == {}

"""What programs read of this project's JSON is as the schemas in docs/schema say."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.sandbox import CHECKOUT, Done, Sandbox

SCHEMAS = CHECKOUT / "docs" / "schema"


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text())
    return found


def check(name: str, instance: object) -> None:
    jsonschema.validate(instance, schema(name), jsonschema.Draft202012Validator)


def data_of(done: Done) -> dict[str, Any]:
    assert done.code == 0, done.text
    printed = json.loads(done.out)
    check("envelope", printed)
    found: dict[str, Any] = printed["data"]
    return found


@pytest.fixture(scope="module")
def contents(
    installed: Sandbox, shapes_tflite: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Name of a schema to something real of its kind."""
    folder = tmp_path_factory.mktemp("json")
    graph = str(shapes_tflite / "detect_regular_nms.tflite")
    picture = next((CHECKOUT / "tests").rglob("*.jpg"), None)
    listed = data_of(installed.ckssd("info", "--tags=dataset,shapes", "--json"))["installed"][0]["variables"]
    picture = picture or sorted(Path(listed["CK_ENV_DATASET_IMAGE_DIR"]).iterdir())[0]
    words = ("benchmark", "--model", graph, "--dataset-tags=shapes", "--count", "4", "--json")
    measured = data_of(installed.ckssd(*words, "--results", str(folder / "run")))
    locked = installed.ckssd("lock", str(folder / "lock.json"))
    assert locked.code == 0, locked.text
    return {
        "detections": data_of(installed.ckssd("detect", "--model", graph, str(picture), "--json")),
        "benchmark": measured,
        "report": data_of(installed.ckssd("report", str(folder / "run"), "--json")),
        "lock": json.loads((folder / "lock.json").read_text()),
        "provenance": json.loads((shapes_tflite / "provenance.json").read_text()),
        "envelope": json.loads(installed.ckssd("info", "--json").out),
    }


def test_there_is_something_real_for_each_schema(contents: dict[str, Any]) -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} == contents.keys()
    for name, content in contents.items():
        jsonschema.Draft202012Validator.check_schema(schema(name))
        check(name, content)


def test_a_field_that_is_required_is_missed(contents: dict[str, Any]) -> None:
    for name, content in contents.items():
        for field in schema(name)["required"]:
            less = copy.copy(content)
            del less[field]
            with pytest.raises(jsonschema.ValidationError, match=field):
                check(name, less)


def test_an_error_has_the_envelope_too(installed: Sandbox) -> None:
    done = installed.ckssd("detect", "--model=/no such.tflite", "picture.jpg", "--json")
    assert done.code == 3
    printed = json.loads(done.out)
    check("envelope", printed)
    assert printed["status"] == "failed"

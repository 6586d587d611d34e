"""The entries as data: every one is complete, and what stands in two places agrees."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.audit import entries, faults_of
from tests.support.sandbox import CHECKOUT

PUBLIC_UIDS = {
    "os/linux-64": "4258b5fe54828a50",
    "os/macos-64": "fb7d7f63b44b9ea3",
    "soft/compiler.python": "45d68512df22fde7",
    "soft/lib.tensorflow": "30db354f469bb178",
    "soft/model.tensorflow-models-api": "72ca45fb219ff46c",
    "soft/model.tensorflow.object-detection": "3fc0c4b9ba63de2f",
    "soft/model.tensorflow.py": "439b9f1757f27091",
    "soft/dataset.coco.2017.val": "f80a27f548effb8c",
    "soft/labelmap.object-detection": "048ce42fdbca2f43",
    "soft/lib.openvino": "455b809caa0daa92",
    "soft/model.openvino": "ca3867b1044f859b",
    "soft/tool.coco": "7432c898273fe70d",
    "package/model-openvino-convert-from-tf": "48c5af76e8e653f7",
    "package/model-tf-mlperf-ssd-mobilenet-quantized-finetuned": "9e5de6f4f46b0da0",
    "package/model-tf-ssd-inceptionv2-coco": "b52f64ae9aede4dd",
    "package/tensorflowmodel-api": "d7451ca9ee5eae6a",
    "package/tool-coco": "3a59276b87532c04",
    "program/dump-repo-to-submission": "3db416d9cce4ba90",
    "program/object-detection-tflite": "81ff2123447a8b0f",
}


@pytest.mark.parametrize(("kind", "alias"), entries(CHECKOUT))
def test_an_entry_states_all_that_the_audit_wants(kind: str, alias: str) -> None:
    assert faults_of(CHECKOUT, kind, alias) == []


def test_no_uid_is_given_twice() -> None:
    uids = [(CHECKOUT / kind / ".cm" / f"alias-a-{alias}").read_text() for kind, alias in entries(CHECKOUT)]
    assert len(set(uids)) == len(uids) > 30


@pytest.mark.parametrize(("name", "uid"), PUBLIC_UIDS.items())
def test_public_uids_are_kept(name: str, uid: str) -> None:
    kind, alias = name.split("/")
    assert (CHECKOUT / kind / ".cm" / f"alias-a-{alias}").read_text().strip() == uid


@pytest.mark.parametrize("preset", [alias for kind, alias in entries(CHECKOUT) if kind == "env"])
def test_a_presets_script_exports_what_its_meta_says(preset: str) -> None:
    folder = CHECKOUT / "env" / preset
    script = (folder / "env.sh").read_text()
    exported = dict(re.findall(r"^export (\w+)=(\S*)$", script, re.MULTILINE))
    assert exported == json.loads((folder / ".cm" / "meta.json").read_text())["env"]


def test_the_repository_needs_no_other_and_has_no_requirements_file() -> None:
    repository = json.loads((CHECKOUT / ".ckr.json").read_text())
    assert repository["data_alias"] == "ck-ssd"
    assert repository["dict"]["repo_deps"] == []
    assert not (CHECKOUT / "requirements.txt").exists()

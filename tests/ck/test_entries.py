"""The entries as data: every one is complete, and what stands in two places agrees."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ckssd.recipes import stated_sources
from tests.support.sandbox import CHECKOUT

KINDS = ("os", "soft", "package", "program", "env", "module")
METAS = sorted(meta for kind in KINDS for meta in (CHECKOUT / kind).glob("*/.cm/meta.json"))
PACKAGES = [meta for meta in METAS if "suggested_path" in json.loads(meta.read_text())]
PUBLIC_UIDS = {
    "os/linux-64": "4258b5fe54828a50",
    "soft/compiler.python": "45d68512df22fde7",
    "soft/lib.tensorflow": "30db354f469bb178",
    "soft/model.tensorflow-models-api": "72ca45fb219ff46c",
    "soft/model.tensorflow.object-detection": "3fc0c4b9ba63de2f",
    "soft/model.tensorflow.py": "439b9f1757f27091",
    "soft/dataset.coco.2017.val": "f80a27f548effb8c",
    "soft/labelmap.object-detection": "048ce42fdbca2f43",
    "soft/tool.coco": "7432c898273fe70d",
    "package/tensorflowmodel-api": "d7451ca9ee5eae6a",
    "package/tool-coco": "3a59276b87532c04",
    "program/object-detection-tflite": "81ff2123447a8b0f",
}


def name_of(meta: Path) -> str:
    return f"{meta.parents[2].name}/{meta.parents[1].name}"


@pytest.mark.parametrize("meta", METAS, ids=name_of)
def test_an_entry_has_one_uid_that_its_three_records_agree_on(meta: Path) -> None:
    kind, alias = name_of(meta).split("/")
    uid = (CHECKOUT / kind / ".cm" / f"alias-a-{alias}").read_text().strip()
    assert re.fullmatch(r"[0-9a-f]{16}", uid)
    assert (CHECKOUT / kind / ".cm" / f"alias-u-{uid}").read_text().strip() == alias
    info = json.loads((meta.parent / "info.json").read_text())
    assert info["backup_data_uid"] == uid
    assert info["backup_module_uid"] == (CHECKOUT / ".cm" / f"alias-a-{kind}").read_text().strip()


@pytest.mark.parametrize(("name", "uid"), PUBLIC_UIDS.items())
def test_public_uids_are_kept(name: str, uid: str) -> None:
    kind, alias = name.split("/")
    assert (CHECKOUT / kind / ".cm" / f"alias-a-{alias}").read_text().strip() == uid


@pytest.mark.parametrize("meta", PACKAGES, ids=name_of)
def test_a_package_says_all_that_an_install_needs(meta: Path) -> None:
    package = json.loads(meta.read_text())
    version = package["customize"]["version"]
    assert package["customize"]["version_split"] == [int(part) for part in version.split(".")]
    assert package["licence"]
    assert package["tags"]
    assert package["end_full_path"]["linux"]
    soft = package["soft_uoa"]
    assert (CHECKOUT / "soft" / ".cm" / f"alias-a-{soft}").exists() or (
        CHECKOUT / "soft" / ".cm" / f"alias-u-{soft}"
    ).exists()


LOCKS = sorted((CHECKOUT / "package").glob("*/*.lock"))
# No public hash was found for these; a test below shows that they are refused.
REFUSED_UNLESS_ACCEPTED = {"tflite_ssd_mobilenet_v1_coco_2018_01_28.tar.gz"}
MADE_HERE = {"shapes-dataset", "shipped-files", "tflite-model", "seeded-checkpoint"}


@pytest.mark.parametrize("meta", PACKAGES, ids=name_of)
def test_every_file_of_a_package_can_be_verified(meta: Path) -> None:
    section = json.loads(meta.read_text())["ckssd"]
    sources = stated_sources(section, name_of(meta))
    for source in sources:
        known = source.sha256 or (source.md5 and source.size)
        assert known or source.file_name in REFUSED_UNLESS_ACCEPTED, source
        assert source.licence
    assert sources or "requirements" in section or section["recipe"] in MADE_HERE


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: f"{lock.parent.name}/{lock.name}")
def test_locked_requirements_have_a_hash_for_every_line(lock: Path) -> None:
    text = lock.read_text()
    pins = re.findall(
        r"^[A-Za-z0-9._-]+==\S+.*(?:\n[ \t]+--hash=sha256:[0-9a-f]{64}[ \\]*)+", text, re.MULTILINE
    )
    lines = [line for line in text.splitlines() if line and line[0] not in " #-"]
    assert len(pins) == len(lines) > 0


@pytest.mark.parametrize("preset", [meta for meta in METAS if name_of(meta).startswith("env/")], ids=name_of)
def test_a_presets_script_exports_what_its_meta_says(preset: Path) -> None:
    script = (preset.parents[1] / "env.sh").read_text()
    exported = dict(re.findall(r"^export (\w+)=(\S*)$", script, re.MULTILINE))
    assert exported == json.loads(preset.read_text())["env"]


def test_the_repository_needs_no_other_and_has_no_requirements_file() -> None:
    repository = json.loads((CHECKOUT / ".ckr.json").read_text())
    assert repository["data_alias"] == "ck-ssd"
    assert repository["dict"]["repo_deps"] == []
    assert not (CHECKOUT / "requirements.txt").exists()

"""The audit of the entries' meta data: everything that an install has to be able to rely on is stated.

It reads files only, so that a broken copy of an entry can prove that each fault is found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ckssd.errors import CkssdError
from ckssd.fetch import Source
from ckssd.recipes.kinds import RECIPES
from ckssd.recipes.layout import LAYOUT_KEYS

KINDS = ("env", "module", "os", "package", "program", "soft")
# No public hash was found for these; an install refuses them unless they are accepted by name.
WITHOUT_HASH = {
    "mobilenet_v1_ssd_8bit_finetuned.tar.gz",
    "ssd_mobilenet_v1_coco_2018_01_28.onnx",
    "ssd_inception_v2_coco_2018_01_28.tar.gz",
    "ssd_mobilenet_v1_fpn_640x640_coco17_tpu-8.tar.gz",
    "ssd_mobilenet_v2_320x320_coco17_tpu-8.tar.gz",
    "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8.tar.gz",
    "ssd_mobilenet_v2_fpnlite_640x640_coco17_tpu-8.tar.gz",
    "tflite_ssd_mobilenet_v1_coco_2018_01_28.tar.gz",
}
# Nothing is downloaded for these; all others have to say by which hash they are verified.
MADE_HERE = {
    "imported-dataset",
    "onnx-model",
    "openvino-model",
    "quantized-openvino-model",
    "quantized-tflite-model",
    "seeded-checkpoint",
    "shapes-dataset",
    "shipped-files",
    "tflite-model",
}
UID = re.compile(r"[0-9a-f]{16}")
PART = re.compile(r"[0-9]+((?:a|b|rc)[0-9]+)?")
COMMIT = re.compile(r"[0-9a-f]{40}")
PIN = re.compile(r"^[A-Za-z0-9._-]+==\S+.*(?:\n[ \t]+--hash=sha256:[0-9a-f]{64}[ \\]*)+", re.MULTILINE)


def entries(root: Path) -> list[tuple[str, str]]:
    """Kind and alias of every entry below ``root``."""
    return [
        (kind, meta.parents[1].name)
        for kind in KINDS
        for meta in sorted(root.glob(f"{kind}/*/.cm/meta.json"))
    ]


def faults_of(root: Path, kind: str, alias: str) -> list[str]:
    """What is wrong with one entry; each fault begins with the key that it is about."""
    folder = root / kind / alias
    try:
        meta = json.loads((folder / ".cm" / "meta.json").read_text(encoding="utf-8"))
    except ValueError as error:
        return [f"meta.json: {error}"]
    if not isinstance(meta, dict):
        return ["meta.json: no table of keys"]
    found = [*_faults_of_uid(root, kind, alias), *_faults_of_licence(kind, meta), *_faults_of_versions(meta)]
    section = meta.get("ckssd", {})
    for source in _tables_with("file_name", section):
        found += _faults_of_source(source)
    for table in _tables_with("commit", section):
        if not COMMIT.fullmatch(str(table["commit"])):
            found.append("commit: no whole id of a git commit")
    for lock in _locks(section):
        found += _faults_of_lock(folder / lock)
    if kind == "package" and "suggested_path" in meta:
        found += _faults_of_package(root, meta)
    return found


def _faults_of_uid(root: Path, kind: str, alias: str) -> Iterator[str]:
    uid = _line(root / kind / ".cm" / f"alias-a-{alias}")
    if not UID.fullmatch(uid):
        yield f"uid: {uid!r} in alias-a-{alias}"
        return
    if _line(root / kind / ".cm" / f"alias-u-{uid}") != alias:
        yield f"uid: alias-u-{uid} does not lead back"
    info = json.loads((root / kind / alias / ".cm" / "info.json").read_text(encoding="utf-8"))
    if info.get("backup_data_uid") != uid:
        yield "uid: info.json has another one"
    if info.get("backup_module_uid") != _line(root / ".cm" / f"alias-a-{kind}"):
        yield f"uid: info.json has another one for the module {kind}"


def _line(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


def _faults_of_licence(kind: str, meta: dict[str, Any]) -> Iterator[str]:
    key = "license" if kind == "module" else "licence"  # modules have CK's own keys
    if not isinstance(meta.get(key), str) or not meta[key]:
        yield f"{key}: missing"


def _faults_of_versions(meta: dict[str, Any]) -> Iterator[str]:
    """Wherever a version is stated, CK's menus sort by its ``version_split``."""
    variations = _table(meta.get("variations"))
    stated = [meta.get("customize"), meta.get("setup")]
    stated += [_table(variation).get("extra_customize") for variation in variations.values()]
    for table in map(_table, stated):
        version = table.get("version")
        if version is not None and table.get("version_split") != _split(version):
            yield f"version_split: {table.get('version_split')} for version {version}"


def _split(version: object) -> list[int] | None:
    """As CK splits a version: the part of a pre-release (``0rc0``) is no number to it, so 0."""
    parts = [PART.fullmatch(part) for part in str(version).split(".")]
    return [0 if part[1] else int(part[0]) for part in parts if part] if all(parts) else None


def _faults_of_source(meta: dict[str, Any]) -> Iterator[str]:
    name = meta["file_name"]
    try:
        source = Source.from_meta(
            {key: meta[key] for key in meta if key not in LAYOUT_KEYS}, "", WITHOUT_HASH
        )
    except CkssdError as error:
        yield f"source: {error}"
        return
    if not source.licence:
        yield f"licence: missing for {name}"
    if source.size is None and name not in WITHOUT_HASH:
        yield f"size: missing for {name}"


def _faults_of_lock(lock: Path) -> Iterator[str]:
    if not lock.is_file():
        yield f"lock: {lock.name} is missing"
        return
    text = lock.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and line[0] not in " #-"]
    if not lines or len(PIN.findall(text)) != len(lines):
        yield f"hash: {lock.name} has a line without one"


def _faults_of_package(root: Path, meta: dict[str, Any]) -> Iterator[str]:
    if "version" not in _table(meta.get("customize")):
        yield "version: missing"
    section = _table(meta.get("ckssd"))
    recipe = section.get("recipe")
    if recipe not in [*RECIPES]:
        yield f"recipe: {recipe!r} does not exist"
    downloads = any(_tables_with("file_name", section)) or any(_locks(section))
    if recipe not in [*MADE_HERE] and not downloads:
        yield "hash: neither a source nor a lock"
    for key in ("tags", "end_full_path", "soft_uoa"):
        if not meta.get(key):
            yield f"{key}: missing"
    names = root / "soft" / ".cm"
    if not any((names / f"alias-{sort}-{meta.get('soft_uoa')}").exists() for sort in "au"):
        yield f"soft_uoa: there is no soft entry {meta.get('soft_uoa')}"


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables_with(key: str, value: object) -> Iterator[dict[str, Any]]:
    """Every table at any depth that has the key."""
    if isinstance(value, dict):
        if key in value:
            yield value
        value = list(value.values())
    for inner in value if isinstance(value, list) else []:
        yield from _tables_with(key, inner)


def _locks(value: object) -> Iterator[str]:
    """Every file name at any depth that ends with ``.lock``."""
    if isinstance(value, str) and value.endswith(".lock"):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    for item in inner:
        yield from _locks(item)

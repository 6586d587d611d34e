"""Annotation files with random damage: read, or refused with one line; never another exception."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from ckssd.ck.datasets import Named, show
from ckssd.errors import CkssdError
from tests.formats.made import Content
from tests.formats.test_reading import read

WORDS = (
    b"\x00",
    b"\xff\xfe",
    b"-1",
    b"nan",
    b"1e999",
    b"{",
    b"]",
    b"<",
    b'"',
    b",",
    b"\n",
    b"null",
    b"../",
    b"&x;",
    b"9" * 30,
)
ANNOTATIONS = {
    "coco": "annotations/*.json",
    "voc": "Annotations/*.xml",
    "yolo": "**/*.[ty][xa][tm]*",
    "cvat": "*.xml",
    "labelme": "*.json",
    "openimages": "*.csv",
}
TRIES = 40


def damaged(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data) + 1)
    kind = chance.randrange(4)
    if kind == 0:
        return data[:start] + chance.choice(WORDS) + data[start:]
    if kind == 1:
        return data[:start] + data[start + chance.randrange(1, 9) :]
    if kind == 2:
        return data[:start] + bytes([chance.randrange(256)]) + data[start + 1 :]
    end = min(len(data), start + chance.randrange(40))
    return data[:start] + data[start:end] * 2 + data[end:]


@pytest.mark.parametrize("name", ANNOTATIONS)
def test_random_damage_is_refused_in_one_line_or_read(
    name: str, made: tuple[Path, Content], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(made[0] / name, tmp_path / name))
    files = sorted(folder.glob(ANNOTATIONS[name]))
    assert files
    said: list[str] = []
    for seed in range(TRIES):
        chance = random.Random(f"{name} {seed}")
        file = chance.choice(files)
        whole = file.read_bytes()
        file.write_bytes(damaged(whole, chance))
        for look in (lambda: read(name, folder), lambda: show(Named(source=str(folder), format=name))):
            try:
                look()
            except CkssdError as error:
                said.append(str(error))
        file.write_bytes(whole)
    assert len(said) > TRIES / 10
    assert all(len(line.splitlines()) == 1 for line in said)

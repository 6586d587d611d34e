"""The page docs/your-own-data.md: its ``sh`` blocks run as they stand, and mAP is that of COCO's format."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.formats import made as tools
from tests.support.sandbox import CHECKOUT, Sandbox

pytestmark = pytest.mark.slow(seconds=45)
PAGE = CHECKOUT / "docs" / "your-own-data.md"
WITH_CROWD = ("cvat", "labelme", "openimages")  # made.py flags one box in these


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's folders; ``crowd`` is COCO's format with the crowd that three of the others have."""
    root = tmp_path_factory.mktemp("what I have")
    content = tools.make_pictures(root / "drawn")
    pictures = root / "drawn" / "images"
    for name, make in tools.MAKERS.items():
        (root / name).mkdir()
        make(content, pictures, root / name)
    for one in content["annotations"]:
        one["iscrowd"] = int(one["id"] == tools.CROWD)
    (root / "crowd").mkdir()
    tools.as_coco(content, pictures, root / "crowd")
    shutil.rmtree(root / "drawn")
    return root


@pytest.fixture(scope="module")
def home(installed: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path_factory.mktemp("home") / "a home", like=installed)
    yield made
    for name in ("by-ck", *(f"my-{name}" for name in (*tools.MAKERS, "crowd"))):
        made.ckssd("uninstall", f"--tags=imported,{name}")
    made.remove()


def test_the_page_works_and_every_format_measures_the_same(home: Sandbox, place: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5
    done = home.run("bash", "-e", "-o", "pipefail", "-c", "\n".join([f"cd '{place}'", *blocks]))
    assert done.code == 0, done.text[-3000:]
    assert "Traceback" not in done.text
    assert re.search(r"^mAP: 0\.[5-9]", done.out, re.MULTILINE), done.out
    for folder in ("for-training", "to-correct", "as-voc"):
        assert (place / folder).is_dir()
    done = home.ckssd("dataset", "import", "--format=coco", str(place / "crowd"), "--name=my-crowd")
    assert done.code == 0, done.text
    accuracy = {name: measured(home, f"my-{name}") for name in (*tools.MAKERS, "crowd")}
    assert accuracy["coco"] != accuracy["crowd"]
    for name in tools.MAKERS:
        wanted = accuracy["crowd" if name in WITH_CROWD else "coco"]
        # A mean over classes in another order (VOC's: of the alphabet) may have another last digit.
        assert accuracy[name] == pytest.approx(wanted, abs=1e-12), name
        assert {key: value for key, value in accuracy[name].items() if key.startswith("class")} == {
            key: value for key, value in wanted.items() if key.startswith("class")
        }, name
        assert accuracy[name]["AP"] == wanted["AP"], name


def measured(home: Sandbox, name: str) -> dict[str, float]:
    """All of COCO's twelve numbers, and those of each class."""
    done = home.ckssd("benchmark", "--tags=shapes,non-quantized", f"--dataset-tags={name}", "--json")
    assert done.code == 0, done.text
    data = json.loads(done.out)["data"]
    return {**data["metrics"], **{f"class {key}": value for key, value in data["per_class"].items()}}

"""A person's own data set, imported: an installation like any other, by ckssd and by ck."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.formats.conftest import made
from tests.formats.made import MAKERS, Content
from tests.support.sandbox import Sandbox

__all__ = ["made"]
Made = tuple[Path, Content]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    return Sandbox(tmp_path_factory.mktemp("imports") / "a home")


def given(done_text: str) -> dict[str, object]:
    return dict(json.loads(done_text)["data"])


def test_an_import_is_registered_verified_found_and_taken_away(
    home: Sandbox, made: Made, tmp_path: Path
) -> None:
    source = Path(shutil.copytree(made[0] / "voc", tmp_path / "my $(set) 'é"))
    asked = ["dataset", "import", "--format", "voc", str(source), "--name", "voc-own"]
    asked += ["--image-address", "https://images.example/voc/"]
    done = home.ckssd(*asked, "--json")
    assert done.code == 0, done.text
    data = given(done.out)
    assert (data["images"], data["split"], data["tags"]) == (10, "val", "voc-own,val")
    place = Path(str(data["location"]))
    told = home.ck("cat", "env", "--tags=dataset,object-detection,voc-own,val").out
    assert f"CK_ENV_DATASET_ANNOTATIONS={place}/annotations/instances_val.json" in told
    assert f"CK_ENV_DATASET_IMAGE_DIR={place}/images" in told
    assert "CK_ENV_DATASET_IMAGE_ADDRESS=https://images.example/voc/" in told
    known = json.loads((place / "provenance.json").read_text())
    assert known["extra"]["imported"]["split"] == "val"
    assert known["extra"]["imported"]["source"] == str(source)
    assert known["entry"]["options"]["CK_IMPORT_FORMAT"] == "voc"
    assert home.ckssd("verify", "--tags=voc-own").code == 0
    assert "Already installed" in home.ckssd(*asked).text
    picture = next((place / "images").iterdir())
    picture.write_bytes(picture.read_bytes() + b" ")
    assert home.ckssd("verify", "--tags=voc-own").code == 5
    changed = sorted((source / "Annotations").iterdir())[0]
    changed.write_text(changed.read_text().replace("<ymin>", "<ymin>0"))
    done = home.ckssd(*asked)
    assert done.code == 0, done.text  # written otherwise, the same numbers
    changed.write_text(changed.read_text().replace("circle", "square").replace("ring", "star"))
    done = home.ckssd(*asked)
    assert done.code == 2, done.text
    assert "no longer what was imported" in done.err.splitlines()[-1]
    assert home.ckssd(*asked, "--reinstall").code == 0
    assert home.ckssd("verify", "--tags=voc-own").code == 0
    assert home.ckssd("uninstall", "--tags=voc-own").code == 0
    assert not place.exists()


def test_two_splits_of_one_name_are_two_and_a_taken_name_is_refused(
    home: Sandbox, made: Made, tmp_path: Path
) -> None:
    source = Path(shutil.copytree(made[0] / "voc", tmp_path / "voc"))
    sets = source / "ImageSets" / "Main"
    stems = (sets / "val.txt").read_text().split()
    (sets / "train.txt").write_text("\n".join(stems[:4]))
    asked = ["dataset", "import", "--format", "voc", str(source), "--name", "both"]
    done = home.ckssd(*asked)
    assert (done.code, "several splits" in done.err) == (2, True)
    assert given(home.ckssd(*asked, "--split", "train", "--json").out)["images"] == 4
    assert given(home.ckssd(*asked, "--split", "val", "--json").out)["images"] == 10
    assert given(home.ckssd(*asked, "--split", "all", "--json").out)["tags"] == "both,all"
    assert len(home.ck("search", "env", "--tags=both").out.split()) == 3
    other = ["dataset", "import", "--format", "coco", str(made[0] / "coco"), "--name", "both"]
    done = home.ckssd(*other)
    assert (done.code, "name is taken" in done.err) == (2, True), done.text


@pytest.mark.parametrize("name", ["shapes", "a b", "../up", "größe", "", "v1.0", "train", "64bits"])
def test_a_name_that_is_no_tag_or_anothers_is_refused(home: Sandbox, made: Made, name: str) -> None:
    done = home.ckssd("dataset", "import", "--format", "coco", str(made[0] / "coco"), f"--name={name}")
    assert done.code == 2, done.text
    assert "Traceback" not in done.text


@pytest.mark.parametrize("name", MAKERS)
def test_every_format_is_imported(home: Sandbox, made: Made, name: str) -> None:
    done = home.ckssd(
        "dataset", "import", "--format", name, str(made[0] / name), "--name", f"own-{name}", "--json"
    )
    assert done.code == 0, done.text
    data = given(done.out)
    assert (data["images"], data["boxes"]) == (10, len(made[1]["annotations"]))


def test_what_was_assumed_is_said_once_by_either_door(home: Sandbox, made: Made) -> None:
    done = home.ckssd("dataset", "import", "--format=cvat", str(made[0] / "cvat"), "--name=once")
    assert done.text.count("Note: <polyline>") == 1
    given = [f"--env.CK_IMPORT_{key}={value}" for key, value in (("FORMAT", "cvat"), ("NAME", "twice"))]
    given.append(f"--env.CK_IMPORT_SOURCE={made[0] / 'cvat'}")
    done = home.ck("install", "package", "--tags=dataset,imported", *given)
    assert done.code == 0, done.text
    assert done.text.count("Note: <polyline>") == 1
    done = home.ck("install", "package", "--tags=dataset,imported")
    assert done.code == 2
    assert "What to import is not said" in done.text


def test_a_failed_import_leaves_nothing(home: Sandbox, made: Made, tmp_path: Path) -> None:
    source = Path(shutil.copytree(made[0] / "voc", tmp_path / "voc"))
    next((source / "JPEGImages").iterdir()).write_bytes(b"broken")
    done = home.ckssd("dataset", "import", "--format", "voc", str(source), "--name", "broken-one")
    assert done.code == 3, done.text
    assert "The picture cannot be read" in done.err.splitlines()[-1]
    assert home.ck("search", "env", "--tags=broken-one").out.split() == []
    assert not list(Path(home.environment["CK_TOOLS"]).glob("*broken-one*"))


def test_ck_imports_shows_and_exports(home: Sandbox, made: Made, tmp_path: Path) -> None:
    done = home.ck("import", "ssd", "--format=cvat", f"--source={made[0] / 'cvat'}", "--name=by-ck")
    assert done.code == 0, done.text
    assert "Chosen by: --dataset-tags=by-ck,all" in done.out
    assert "Note: <polyline> left out" in done.out
    assert home.ck("search", "env", "--tags=dataset,object-detection,by-ck,all").out.split()
    assert f"Boxes:  {len(made[1]['annotations'])}" in home.ck("show", "ssd", "--tags=by-ck").out
    done = home.ck("export", "ssd", "--format=yolo", "--tags=by-ck", f"--target={tmp_path}/a b")
    assert done.code == 0, done.text
    assert (
        given(home.ckssd("dataset", "show", "--format", "yolo", f"{tmp_path}/a b", "--json").out)["odd"] == {}
    )
    done = home.ck("import", "ssd", "--format=vok", f"--source={tmp_path}", "--name=no")
    assert done.code == 2
    assert "Unknown format" in done.text
    assert "Traceback" not in done.text


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_exported_by_paths_is_imported_as_the_same(
    home: Sandbox, made: Made, tmp_path: Path, name: str
) -> None:
    pair = ["--images", str(made[0] / "coco" / "images")]
    pair += ["--annotations", str(made[0] / "coco" / "annotations" / "instances_val.json")]
    done = home.ckssd("dataset", "export", "--format", name, str(tmp_path / "out"), *pair, "--json")
    assert done.code == 0, done.text
    shown = given(home.ckssd("dataset", "show", *pair, "--json").out)
    again = given(home.ckssd("dataset", "show", "--format", name, str(tmp_path / "out"), "--json").out)
    assert again["classes"] == shown["classes"]
    assert again["box_sizes"] == shown["box_sizes"]
    done = home.ckssd("dataset", "export", "--format", name, str(tmp_path / "out"), *pair)
    assert (done.code, "not empty" in done.err) == (2, True)

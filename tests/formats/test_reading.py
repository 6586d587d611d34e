"""What tools write is read as the same boxes, whatever the format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from ckssd.errors import InputError
from ckssd.formats import content as form
from ckssd.formats.content import CROWD, DIFFICULT
from ckssd.formats.names import read_source
from ckssd.formats.options import Reading
from ckssd.formats.pictures import complete_sizes, require_pictures
from tests.formats import made as tools
from tests.formats.made import MAKERS, Content

Copied = Callable[[str], Path]


def read(name: str, source: Path, **asked: object) -> form.Content:
    found = read_source(name, source, Reading(**asked))  # type: ignore[arg-type]
    require_pictures(found, leave_out_missing=False)
    complete_sizes(found)
    return found


@pytest.mark.parametrize("name", MAKERS)
def test_every_format_gives_the_same_pictures_boxes_and_names(name: str, made: tuple[Path, Content]) -> None:
    folder, content = made
    found = read(name, folder / name)
    by_name = {picture.name: picture for picture in found.pictures}
    assert sorted(by_name) == sorted(image["file_name"] for image in content["images"])
    assert set(tools.NAMES.values()) == set(found.categories)
    for image in content["images"]:
        picture = by_name[image["file_name"]]
        assert (picture.width, picture.height) == (image["width"], image["height"])
        wanted = tools.boxes_of(content, image)
        assert [box.category for box in picture.boxes] == [tools.NAMES[one["category_id"]] for one in wanted]
        for box, one in zip(picture.boxes, wanted, strict=True):
            tolerance = 1e-6 * max(picture.width, picture.height)  # YOLO's own six digits
            assert [box.x, box.y, box.width, box.height] == pytest.approx(one["bbox"], abs=tolerance)


@pytest.mark.parametrize("name", ["coco", "voc", "yolo"])
def test_a_split_is_known_by_its_name(name: str, made: tuple[Path, Content]) -> None:
    assert read(name, made[0] / name).split == "val"
    assert len(read(name, made[0] / name, split="val").pictures) == tools.IMAGES


@pytest.mark.parametrize("name", ["cvat", "labelme", "openimages"])
def test_a_crowd_is_kept(name: str, made: tuple[Path, Content]) -> None:
    flags = [box.flags for box in read(name, made[0] / name).boxes()]
    assert flags.count(CROWD) == 1
    assert set(flags) == {0, CROWD}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cvat", ["<polyline> left out: they have no box: 10, the first in"]),
        ("labelme", ["shapes of type polygon read as their bounding boxes: "]),
        ("openimages", ["flags that are not known (-1), taken as not set: "]),
    ],
)
def test_what_was_assumed_is_said_once(name: str, said: list[str], made: tuple[Path, Content]) -> None:
    notes = read(name, made[0] / name).notes.lines()
    assert len(notes) == len(said)
    assert all(start in note for start, note in zip(said, notes, strict=True))


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ('<box label="ring" xtl="10" ytl="20" xbr="30" ybr="24" rotation="90"/>', (18, 12, 4, 20)),
        (
            '<box label="ring" xtl="10" ytl="20" xbr="30" ybr="40" rotation="45"/>',
            (5.857864, 15.857864, 28.284271, 28.284271),
        ),
        ('<ellipse label="ring" cx="20" cy="30" rx="6" ry="2" rotation="90"/>', (18, 24, 4, 12)),
        ('<polygon label="ring" points="5.5,9;12,7.25;8,20"/>', (5.5, 7.25, 6.5, 12.75)),
        ('<mask label="ring" rle="3, 4" left="3" top="4" width="7" height="1"/>', (3, 4, 7, 1)),
    ],
)
def test_cvats_outlines_are_the_boxes_around_them(
    shape: str, box: tuple[float, ...], copy_of: Copied
) -> None:
    folder = copy_of("cvat")
    file = folder / "annotations.xml"
    start = file.read_text().index("<box ")
    file.write_text(file.read_text()[:start] + shape + file.read_text()[start:])
    found = read("cvat", folder)
    one = found.pictures[0].boxes[0]
    assert (one.category, one.x, one.y, one.width, one.height) == ("ring", *box)
    assert any("read as their bounding boxes" in note for note in found.notes.lines())


def test_cvats_subsets_are_splits(copy_of: Copied) -> None:
    folder = copy_of("cvat")
    file = folder / "annotations.xml"
    for index in range(tools.IMAGES):
        subset = "Train" if index < 6 else "Test"
        file.write_text(
            file.read_text().replace(f'<image id="{index}"', f'<image id="{index}" subset="{subset}"')
        )
    assert len(read("cvat", folder, split="Train").pictures) == 6
    assert len(read("cvat", folder, split="all").pictures) == tools.IMAGES


def test_difficult_is_kept(made: tuple[Path, Content]) -> None:
    flags = [box.flags for box in read("voc", made[0] / "voc").boxes()]
    assert flags.count(DIFFICULT) == 1
    assert set(flags) == {0, DIFFICULT}


def test_vocs_corners_are_exact_whichever_the_first_pixel(made: tuple[Path, Content]) -> None:
    one = next(read("voc", made[0] / "voc").boxes())
    zero = next(read("voc", made[0] / "voc", first_pixel=0).boxes())
    assert (zero.x - one.x, zero.y - one.y, one.width - zero.width, one.height - zero.height) == (1, 1, 1, 1)
    assert all(isinstance(value, int) for value in (one.x, one.y, one.width, one.height))


def test_a_corner_at_zero_is_said(copy_of: Copied) -> None:
    folder = copy_of("voc")
    file = sorted((folder / "Annotations").iterdir())[0]
    start = file.read_text().index("<xmin>")
    text = file.read_text()
    file.write_text(text[:start] + "<xmin>0" + text[text.index("</xmin>") :])
    assert any("--first-pixel 0" in note for note in read("voc", folder).notes.lines())


def test_labelimgs_folder_has_all_side_by_side(copy_of: Copied) -> None:
    folder = copy_of("yolo")
    for file in (*(folder / "images" / "val").iterdir(), *(folder / "labels" / "val").iterdir()):
        file.rename(folder / file.name)
    (folder / "classes.txt").write_text("\n".join(tools.NAMES.values()))
    (folder / "data.yaml").unlink()
    found = read("yolo", folder)
    assert len(found.pictures) == tools.IMAGES
    assert found.split is None
    assert list(found.categories) == list(tools.NAMES.values())


def test_folders_behind_links_count_and_a_circle_ends(copy_of: Copied, tmp_path: Path) -> None:
    folder = copy_of("voc")
    (folder / "JPEGImages").rename(tmp_path / "elsewhere")
    (folder / "JPEGImages").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "round").symlink_to(folder)
    assert len(read("voc", folder).pictures) == tools.IMAGES


def test_a_picture_whose_name_macos_wrote_is_found(copy_of: Copied) -> None:
    folder = copy_of("labelme")
    picture, label = sorted(folder.glob("*.jpg"))[0], sorted(folder.glob("*.json"))[0]
    label.write_text(label.read_text().replace(picture.name, "gr\u00fcn.jpg"))
    picture.rename(folder / "gru\u0308n.jpg")
    label.rename(folder / "gru\u0308n.json")
    assert len(read("labelme", folder).pictures) == tools.IMAGES


def test_missing_pictures_are_left_out_if_that_is_asked_for(copy_of: Copied) -> None:
    folder = copy_of("cvat")
    for picture in sorted((folder / "images").iterdir())[:3]:
        picture.unlink()
    found = read_source("cvat", folder, Reading())
    require_pictures(found, leave_out_missing=True)
    assert len(found.pictures) == tools.IMAGES - 3
    assert any(
        note.startswith("pictures left out because they are missing: 3, ") for note in found.notes.lines()
    )


def test_pictures_of_one_name_in_two_folders_are_told_apart_by_the_folder(copy_of: Copied) -> None:
    folder = copy_of("cvat")
    first, second = sorted((folder / "images").iterdir())[:2]
    for place, file in (("a", first), ("b", second)):
        (folder / "images" / place).mkdir()
        file.rename(folder / "images" / place / "same.jpg")
        text = (folder / "annotations.xml").read_text().replace(file.name, f"{place}/same.jpg")
        (folder / "annotations.xml").write_text(text)
    names = [picture.name for picture in read("cvat", folder).pictures]
    assert names[:2] == ["a/same.jpg", "b/same.jpg"]
    text = (folder / "annotations.xml").read_text().replace("a/same.jpg", "x/same.jpg")
    (folder / "annotations.xml").write_text(text)
    with pytest.raises(InputError, match="not clear which is meant"):
        read("cvat", folder)


def test_a_picture_turned_by_exif_is_said_and_measured_as_viewers_show_it(copy_of: Copied) -> None:
    folder = copy_of("yolo")
    plain = read("yolo", folder)
    file = sorted((folder / "images" / "val").iterdir())[0]
    with Image.open(file) as image:
        exif = image.getexif()
        exif[0x0112] = 6
        image.rotate(90, expand=True).save(file, exif=exif)
    turned = read("yolo", folder)
    one, other = plain.pictures[0], turned.pictures[0]
    assert (one.width, one.height) == (other.width, other.height)
    assert [box.x for box in one.boxes] == [box.x for box in other.boxes]
    assert any("EXIF" in note for note in turned.notes.lines())


def test_darknets_lists_are_splits(copy_of: Copied) -> None:
    folder = copy_of("yolo")
    (folder / "images" / "val").rename(folder / "obj_train_data")
    for file in (folder / "labels" / "val").iterdir():
        file.rename(folder / "obj_train_data" / file.name)
    (folder / "obj.names").write_text("\n".join(tools.NAMES.values()))
    (folder / "data.yaml").unlink()
    names = sorted(file.name for file in (folder / "obj_train_data").glob("*.jpg"))
    for split, part in (("train", names[:7]), ("val", names[7:])):
        (folder / f"{split}.txt").write_text("".join(f"data/obj_train_data/{name}\n" for name in part))
    assert [picture.name for picture in read("yolo", folder, split="train").pictures] == names[:7]
    assert len(read("yolo", folder, split="all").pictures) == tools.IMAGES


def test_roboflows_yaml_names_folders_beside_it(copy_of: Copied) -> None:
    folder = copy_of("yolo")
    (folder / "valid").mkdir()
    (folder / "images" / "val").rename(folder / "valid" / "images")
    (folder / "labels" / "val").rename(folder / "valid" / "labels")
    text = (
        (folder / "data.yaml").read_text().replace("path: .\n", "").replace("images/val", "../valid/images")
    )
    (folder / "data.yaml").write_text(text)
    assert sum(1 for _ in read("yolo", folder).boxes()) == sum(
        1 for _ in read("yolo", folder, split="val").boxes()
    )


def test_outlines_and_pictures_without_labels_are_said(copy_of: Copied) -> None:
    folder = copy_of("yolo")
    first, second = sorted((folder / "labels" / "val").iterdir())[:2]
    first.write_text("0 0.25 0.25 0.5 0.25 0.5 0.75\n")
    second.unlink()
    found = read("yolo", folder)
    box, picture = found.pictures[0].boxes[0], found.pictures[0]
    assert (box.x, box.y) == (picture.width / 4, picture.height / 4)
    assert (box.width, box.height) == (picture.width / 4, picture.height / 2)
    notes = found.notes.lines()
    assert [note.split(":")[0] for note in notes] == [
        "outlines read as their bounding boxes",
        "pictures without labels, taken as pictures without objects",
    ]

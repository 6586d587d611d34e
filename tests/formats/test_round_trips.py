"""What is written and read again is the same: every box to a millionth of a pixel, every flag, every name."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ckssd.errors import UsageError
from ckssd.formats.content import FLAGS, Box, Content, Number, Picture
from ckssd.formats.names import FORMATS, format_of, read_source
from ckssd.formats.options import Reading
from ckssd.formats.pictures import complete_sizes, require_pictures
from ckssd.formats.writing import new_folder

SIZES = [(1, 1), (640, 427), (1023, 3001)]
ALL_FLAGS = (1 << len(FLAGS)) - 1
# No control characters, half characters, ends of lines, or characters that Unicode does not have.
LETTERS = st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp"), exclude_characters="/\\")
NAMES = st.text(LETTERS, min_size=1, max_size=12).map(str.strip).filter(bool)
FILES = NAMES.filter(
    lambda name: not name.startswith((".", "-")) and len(name.encode()) < 200 and name.isprintable()
)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    for index, size in enumerate(SIZES):
        Image.new("L", size).save(folder / f"{index}.png")
    return [folder / f"{index}.png" for index in range(len(SIZES))]


def coordinates(low: float, high: float) -> st.SearchStrategy[Number]:
    whole = st.integers(int(low), int(high))
    return whole | st.floats(low, high).map(lambda value: round(value, 6)).filter(
        lambda value: not value.is_integer()
    )


@st.composite
def boxes(draw: st.DrawFn, names: list[str], size: tuple[int, int]) -> Box:
    across, down = size
    left, top = draw(coordinates(-across / 2, across)), draw(coordinates(-down / 2, down))
    width, height = draw(coordinates(0, across / 2)), draw(coordinates(0, down / 2))
    return Box(draw(st.sampled_from(names)), left, top, width, height, draw(st.integers(0, ALL_FLAGS)))


@st.composite
def contents(draw: st.DrawFn) -> Content:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    files = draw(st.lists(FILES, min_size=1, max_size=len(SIZES), unique=True))
    found = []
    for index, name in enumerate(files):
        width, height = SIZES[index]
        inside = draw(st.lists(boxes(names, SIZES[index]), max_size=3))
        found.append(Picture(f"{name}.png", None, width, height, inside))
    return Content(
        {name: index for index, name in enumerate(names, 1)}, found, draw(st.sampled_from([None, "val"]))
    )


def there_and_back(name: str, content: Content, pictures: list[Path]) -> Content:
    for picture in content.pictures:
        picture.file = pictures[SIZES.index((picture.width, picture.height))]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "ein Maß"
        with new_folder(target) as made:
            format_of(name).write(content, made)
        found = read_source(name, target, Reading())
        require_pictures(found, leave_out_missing=False)
        complete_sizes(found)
    return found


def plain(content: Content) -> dict[str, object]:
    return {
        picture.name: (
            picture.width,
            picture.height,
            [tuple(getattr(box, key) for key in KEYS) for box in picture.boxes],
        )
        for picture in content.pictures
    }


KEYS = ("category", "x", "y", "width", "height", "flags")


@pytest.mark.parametrize("name", FORMATS)
@given(content=contents())
def test_every_box_flag_and_name_comes_back(name: str, content: Content, pictures: list[Path]) -> None:
    found = there_and_back(name, content, pictures)
    assert plain(found) == plain(content)
    assert list(found.categories) == list(content.categories)
    default = {"yolo": "val", "openimages": "validation"}.get(name)
    assert found.split == (None if name == "labelme" else content.split or default)


@pytest.mark.parametrize("name", FORMATS)
def test_a_chain_through_all_formats_ends_where_it_began(name: str, pictures: list[Path]) -> None:
    names = {"größe": 1, "交通 灯": 2, "no": 3, "a \"b\" <c> & 'd',;": 4, "🚲": 5}
    made = [Box(one, 10.25 * index, 7.000001, 3 + index, 0.333333, index) for one, index in names.items()]
    content = Content(
        names, [Picture("ä 日本.png", None, *SIZES[0], []), Picture("b.png", None, *SIZES[1], made)], "val"
    )
    for step in (name, *FORMATS, name):
        found = there_and_back(step, content, pictures)
        assert plain(found) == plain(content), step
        content = found
    assert list(content.categories) == list(names)


@pytest.mark.parametrize("name", ["voc", "yolo", "labelme", "openimages"])
def test_two_pictures_of_one_name_are_refused_where_the_format_cannot_tell(
    name: str, pictures: list[Path]
) -> None:
    content = Content({"a": 1}, [Picture("x.png", None, 1, 1), Picture("x.jpg", None, 640, 427)])
    with pytest.raises(UsageError, match=r"one .* a name"):
        there_and_back(name, content, pictures)


@pytest.mark.parametrize(
    ("name", "word"), [("voc", "a\nb"), ("cvat", "a\x07"), ("labelme", " a"), ("voc", "\x00")]
)
def test_a_name_that_a_format_cannot_keep_is_refused(name: str, word: str, pictures: list[Path]) -> None:
    content = Content({word: 1}, [Picture("x.png", None, 1, 1, [Box(word, 0, 0, 1, 1)])])
    with pytest.raises(UsageError, match="name"):
        there_and_back(name, content, pictures)


def test_nothing_is_left_of_a_failed_export(tmp_path: Path, pictures: list[Path]) -> None:
    content = Content({"a": 1}, [Picture("x.png", tmp_path / "gone.png", 1, 1)])
    with pytest.raises(Exception, match="cannot be read"), new_folder(tmp_path / "made") as folder:
        format_of("coco").write(content, folder)
    assert not list(tmp_path.iterdir())
    with pytest.raises(UsageError, match="not empty"), new_folder(tmp_path.parent):
        pass


def test_edited_yolo_labels_do_not_get_anothers_flags(tmp_path: Path, pictures: list[Path]) -> None:
    content = Content({"a": 1}, [Picture("x.png", pictures[1], 640, 427, [Box("a", 1, 2, 3, 4, 1)])])
    with new_folder(tmp_path / "made") as folder:
        format_of("yolo").write(content, folder)
    label = tmp_path / "made" / "labels" / "val" / "x.txt"
    label.write_text("0 0.5 0.5 0.1 0.1\n" + label.read_text())
    with pytest.raises(Exception, match="labels were changed since"):
        read_source("yolo", tmp_path / "made", Reading())

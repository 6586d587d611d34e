"""Where a data set's annotations and images are, in the layouts that tools write.

A person names the annotations' file, or a folder. The images are where most of those that the annotations
name have a file: COCO's and CVAT's ``annotations/X.json`` with ``images`` or ``val2017`` beside, Roboflow's
``_annotations.coco.json`` among the pictures, and the like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ckssd.coco.annotations import Annotations, read_annotations
from ckssd.coco.pictures import picture
from ckssd.coco.written import of
from ckssd.errors import InputError, short

FOLDERS_OF_ANNOTATIONS = ("annotations", "annotation", "labels")
FOLDERS_OF_IMAGES = ("images", "JPEGImages", "imgs", "img", "data", "pictures")
NAMES_BEFORE_A_SPLIT = ("instances_", "person_keypoints_", "annotations_")
ADVICE = "name the file itself: --full_path=FILE"
LARGEST_FILE = 1 << 30  # bytes; what is larger is read only when it is named itself


@dataclass(frozen=True)
class DataSet:
    """A data set that was found; ``missing``: names of the images without a file in ``images``."""

    root: Path
    annotations: Path
    images: Path
    content: Annotations
    missing: tuple[str, ...]

    def describe(self) -> str:
        """What was found, on one line."""
        listed, boxes = len(self.content.images), sum(self.content.counts.values())
        share = f"{listed - len(self.missing)} of {listed} images" if self.missing else of(listed, "image")
        return (
            f"found: {share} in {self.images}, annotations {self.annotations}"
            f" ({of(boxes, 'annotation')}, {of(len(self.content.categories), 'category')})"
        )

    def notes(self) -> list[str]:
        """What was assumed in reading the annotations, and the first image that is missing."""
        if not self.missing:
            return list(self.content.notes)
        return [f"the first image that is missing: {short(self.missing[0])}", *self.content.notes]


def find_data_set(place: Path, usual_name: str = "") -> DataSet:
    """Find the data set that a file of annotations, or a folder, belongs to.

    Parameters
    ----------
    usual_name
        The file to take if a folder has several.

    Raises
    ------
    InputError
        If there are no annotations, several, or none of their images.
    """
    file = annotations_in(place, usual_name) if place.is_dir() else place
    content = read_annotations(file)
    beside = file.parent
    root = beside.parent if beside.name.lower() in FOLDERS_OF_ANNOTATIONS else beside
    names = [image.file_name for image in content.images]
    folder, missing = _folder_of(names, list(_folders(root, file)))
    if len(missing) == len(names):
        raise InputError(
            "The data set's images are not there",
            where=file,
            expected=f"{short(names[0])} in a folder images beside annotations, or beside the annotations",
            got=f"none of {of(len(names), 'image')} in {root} or its folders",
        )
    return DataSet(root, file, folder, content, tuple(missing))


def annotations_in(folder: Path, usual_name: str = "", advice: str = ADVICE) -> Path:
    """The one COCO instances file of a folder; ``advice`` is for the error.

    Raises
    ------
    InputError
        There is none, or there are several and none has the usual name.
    """
    faults: dict[Path, InputError] = {}
    for pattern in (*(f"{name}/*.json" for name in FOLDERS_OF_ANNOTATIONS), "*.json", "*/*.json"):
        found = list(_readable(sorted(folder.glob(pattern)), faults))
        if found:
            return _the_one(found, usual_name, advice)
    if len(faults) == 1:
        raise next(iter(faults.values()))
    raise InputError(
        "The folder has no annotations",
        where=folder,
        expected="COCO's instances in annotations/….json or ….json",
        got=", ".join(map(str, list(faults)[:3])) or "no such file",
        advice=advice,
    )


def _readable(files: Iterable[Path], faults: dict[Path, InputError]) -> Iterator[Path]:
    for file in files:
        try:
            if file.stat().st_size <= LARGEST_FILE:
                read_annotations(file)
                yield file
        except InputError as fault:
            faults[file] = fault
        except OSError:
            continue


def _the_one(found: list[Path], usual_name: str, advice: str) -> Path:
    for chosen in (
        found,
        [file for file in found if file.name == usual_name],
        [file for file in found if file.name.startswith("instances")],
    ):
        if len(chosen) == 1:
            return chosen[0]
    raise InputError(
        "The folder has several files of annotations",
        got=", ".join(map(str, found[:5])),
        advice=advice,
    )


def _folders(root: Path, file: Path) -> Iterator[Path]:
    """Where the images may be, the likeliest first."""
    split = file.stem
    for start in NAMES_BEFORE_A_SPLIT:
        split = split.removeprefix(start)
    named = [*FOLDERS_OF_IMAGES, split, f"{split}/images"]
    likely = [root / "images" / split, *(root / name for name in named), file.parent, root]
    likely += [file.parent / name for name in FOLDERS_OF_IMAGES]
    inside = [inner for parent in (root / "images", root) for inner in _folders_in(parent)]
    yield from dict.fromkeys(folder for folder in (*likely, *inside) if folder.is_dir())


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(inner for inner in folder.iterdir() if inner.is_dir())
    except OSError:
        return []


def _folder_of(names: list[str], folders: list[Path]) -> tuple[Path, list[str]]:
    """The folder that has most of the names, as they are if possible, and the names it lacks."""
    best, missing = folders[0], names
    for exactly in (True, False):
        for folder in folders:
            lacking = [name for name in names if not _has(folder, name, exactly=exactly)]
            if len(lacking) < len(missing):
                best, missing = folder, lacking
            if not missing:
                return best, missing
    return best, missing


def _has(folder: Path, name: str, *, exactly: bool) -> bool:
    found = picture(folder, name)
    return found == name if exactly else found is not None

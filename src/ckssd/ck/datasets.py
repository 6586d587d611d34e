"""A person's own data set made a CK environment like any other: checked, installed, registered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckssd.ck.environments import Environment, environments, the_environment
from ckssd.ck.installer import install_entry, package_entries, the_package
from ckssd.errors import UsageError
from ckssd.formats.names import FORMATS, format_of, read_source
from ckssd.formats.options import Reading
from ckssd.install import installed
from ckssd.recipes.imported import (
    FIRST_PIXEL,
    FORMAT,
    IMAGE_ADDRESS,
    KEY,
    LEAVE_OUT_MISSING,
    NAME,
    SOURCE,
    SPLIT,
    check_name,
    first_pixel,
    read_ahead,
    split_tag,
)
from ckssd.values import file_path, folder_path

if TYPE_CHECKING:
    from ckssd.formats.content import Content, Picture
    from ckssd.formats.summary import Summary

ANY = "dataset,object-detection"
TAGS = f"{ANY},imported"
# Tags of splits, and what CK adds to every environment: versions and the platform.
TAKEN = re.compile(
    r"train|val|valid|validation|test|all|default-options|v[0-9].*|[0-9]+bits|(host|target)-os.*"
)
IMAGES, ANNOTATIONS = "CK_ENV_DATASET_IMAGE_DIR", "CK_ENV_DATASET_ANNOTATIONS"


@dataclass(frozen=True)
class Imported:
    """What was installed: its environment, what it is of, and what was assumed in reading it."""

    environment: Environment
    images: int
    boxes: int
    classes: int
    split: str | None
    notes: tuple[str, ...]
    tags: str

    def describe(self) -> str:
        """Return it as text for people."""
        of_split = f" of split {self.split}" if self.split else ""
        lines = [
            f"Installed: {self.images} images{of_split} with {self.boxes} boxes of {self.classes} classes"
            f" in {self.environment.location}",
            f"Chosen by: --dataset-tags={self.tags}",
        ]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {
            "uid": self.environment.uid,
            "location": str(self.environment.location),
            "tags": self.tags,
            "split": self.split,
            "images": self.images,
            "boxes": self.boxes,
            "classes": self.classes,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Asked:
    """What to import, see :mod:`ckssd.recipes.imported`."""

    format: str
    source: str
    name: str
    split: str = ""
    first_pixel: str = ""
    leave_out_missing: bool = False
    image_address: str = ""
    reinstall: bool = False

    def variables(self) -> dict[str, str]:
        """The variables of the install; the source as an absolute path."""
        given = {
            FORMAT: self.format,
            SOURCE: str(Path(self.source).absolute()) if self.source else "",
            NAME: self.name,
            SPLIT: self.split,
            FIRST_PIXEL: "" if self.first_pixel == "1" else self.first_pixel,
            LEAVE_OUT_MISSING: "yes" if self.leave_out_missing else "",
            IMAGE_ADDRESS: self.image_address,
        }
        return {name: value for name, value in given.items() if value}


def import_data_set(asked: Asked) -> Imported:
    """Install a data set that a folder has in one of the formats.

    Raises
    ------
    UsageError
        The name is taken or no tag, or the source has several splits.
    InputError
        The source is not in this format, or pictures are missing or broken.
    RunError
        CK or the install failed.
    """
    if asked.name:
        _check_free(asked.name)
    variables = asked.variables()
    content = read_ahead(variables)
    variables[SPLIT] = split_tag(content.split)
    if not asked.reinstall:
        _check_same(variables)
    environment = install_entry(
        the_package(TAGS), {"tags": TAGS}, options=variables, reinstall=asked.reinstall
    )
    provenance = installed(environment.location) if environment.location else None
    notes = provenance.extra.get(KEY, {}).get("notes", []) if provenance else []
    return Imported(
        environment,
        images=len(content.pictures),
        boxes=sum(1 for _ in content.boxes()),
        classes=len(content.categories),
        split=content.split,
        notes=tuple(notes),
        tags=f"{variables[NAME]},{variables[SPLIT]}",
    )


def _check_free(name: str) -> None:
    """A name that is a tag of something else would choose that, too."""
    check_name("--name", name)
    if TAKEN.fullmatch(name):
        raise UsageError("The name is a tag that other data sets have, too", where="--name", got=name)
    for entry in package_entries():
        if name in {*entry.tags, *entry.variations}:
            raise UsageError("The name is a tag of another package", where=entry.alias, got=name)


def _check_same(variables: dict[str, str]) -> None:
    for environment in environments(f"{TAGS},{variables[NAME]}"):
        provenance = installed(environment.location) if environment.location else None
        if provenance is None:
            continue
        options = dict(provenance.entry.options)
        if options.get(SPLIT) == variables[SPLIT] and options != variables:
            raise UsageError(
                "The name is taken by another import",
                where=environment.location,
                got=f"{options.get(FORMAT)} from {options.get(SOURCE)}",
                advice="choose another --name, or put this one in its place: --reinstall",
            )


@dataclass(frozen=True)
class Named:
    """A data set: a ``source`` in a ``format``, the installed one with ``tags``, or two paths of COCO's."""

    source: str = ""
    format: str = ""
    split: str = ""
    first_pixel: str = ""
    tags: str = ""
    images: str = ""
    annotations: str = ""
    headers_only: bool = False

    def read(self) -> Content:
        """Read it; its pictures may be missing or broken.

        Raises
        ------
        UsageError
            It is named twice, or half.
        InputError, NotInstalledError
            It is not there, or broken.
        """
        if self.source:
            return self._read_source()
        if self.format or self.split:
            raise UsageError("A format and a split are of a source", expected="a source, or tags alone")
        if bool(self.images) != bool(self.annotations):
            raise UsageError("Pictures and annotations go together", expected="--images and --annotations")
        if self.images and self.tags:
            raise UsageError("--images and tags both name a data set", got=self.tags)
        return self._read_pair()

    def _read_source(self) -> Content:
        if self.tags or self.images or self.annotations:
            raise UsageError("A source and tags, or --images, both name a data set", got=self.source)
        if not self.format:
            raise UsageError("The format of the source is not said", expected=", ".join(FORMATS))
        reading = Reading(self.split or None, first_pixel(self.first_pixel or "1"))
        return read_source(self.format, Path(self.source), reading)

    def _read_pair(self) -> Content:
        from ckssd.formats.coco import read_pair

        images, annotations = self.images, self.annotations
        if not images:
            tags = f"{ANY},{self.tags}" if self.tags else ANY
            variables = the_environment(tags).variables
            images, annotations = variables[IMAGES], variables[ANNOTATIONS]
        folder = folder_path("--images", images).absolute()
        return read_pair(file_path("--annotations", annotations).absolute(), folder)


def show(named: Named) -> Summary:
    """Count what is in a data set and look for what is odd; raises as :meth:`Named.read`."""
    from ckssd.detect.images import read_image
    from ckssd.formats.summary import header_fault, summarise, whole_fault

    def whole(picture: Picture) -> str:
        return whole_fault(picture, read_image)

    return summarise(named.read(), header_fault if named.headers_only else whole)


@dataclass(frozen=True)
class Exported:
    """What was written, and what the format could not keep as it was."""

    folder: str
    format: str
    images: int
    boxes: int
    notes: tuple[str, ...]

    def describe(self) -> str:
        """Return it as text for people."""
        text = f"Written: {self.images} images with {self.boxes} boxes to {self.folder}"
        return "\n".join([text, *(f"Note: {note}" for note in self.notes)])

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {**vars(self), "notes": list(self.notes)}


def export(named: Named, format_name: str, folder: str) -> Exported:
    """Write a data set to a new folder.

    Raises
    ------
    UsageError
        The folder is not empty, or the format cannot keep the names.
    InputError, NotInstalledError
        As :meth:`Named.read`; a picture is missing or cannot be read.
    """
    from ckssd.formats.pictures import complete_sizes, require_pictures
    from ckssd.formats.writing import new_folder

    chosen = format_of(format_name)
    if not folder:
        raise UsageError("The folder to write is not said", expected="a new folder")
    content = named.read()
    require_pictures(content, leave_out_missing=False)
    complete_sizes(content)
    boxes = list(content.boxes())
    if format_name != "coco" and (lost := sum(box.area is not None for box in boxes)):
        content.notes.add(f"areas of outlines left out, which only COCO's format keeps: {lost}")
    with new_folder(Path(folder)) as made:
        chosen.write(content, made)
    return Exported(folder, format_name, len(content.pictures), len(boxes), content.notes.lines())

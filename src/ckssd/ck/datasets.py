"""A person's own data set made a CK environment like any other: checked, installed, registered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.ck.environments import Environment, environments
from ckssd.ck.installer import install_entry, package_entries, the_package
from ckssd.errors import UsageError
from ckssd.install import installed
from ckssd.recipes.imported import (
    FIRST_PIXEL,
    FORMAT,
    KEY,
    LEAVE_OUT_MISSING,
    NAME,
    SOURCE,
    SPLIT,
    check_name,
    read_ahead,
    split_tag,
)

TAGS = "dataset,object-detection,imported"


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
    reinstall: bool = False

    def variables(self) -> dict[str, str]:
        """The variables of the install; the source as an absolute path."""
        given = {
            FORMAT: self.format,
            SOURCE: str(Path(self.source).absolute()) if self.source else "",
            NAME: self.name,
            SPLIT: self.split,
            FIRST_PIXEL: self.first_pixel,
            LEAVE_OUT_MISSING: "yes" if self.leave_out_missing else "",
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

"""A model's class names, whatever wrote them: label maps, lists with or without background, JSON, metadata.

Some files give each name an id, others a place in a list. How many classes the model has decides between the
readings that a file allows; what fits none is refused, because names that are off by one look right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ckssd.errors import InputError
from ckssd.model.label_files import NamesById, read_names

# First lines and names of id 0 that stand for the background, in lower case.
BACKGROUNDS = ("background", "__background__", "_background_", "bg", "unlabeled", "???")
PLACEHOLDER = "???"  # for an id or a place that no class has
MOST_SHOWN = 5


@dataclass(frozen=True)
class Labels:
    """The names of a model's classes.

    ``names``: class index (0 is the first real class) to name; classes without a name are left out.
    ``first_id``: the label id of class index 0. ``reading``: how the file was read, and why so.
    """

    path: Path
    names: dict[int, str]
    first_id: int
    reading: str
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """The file, and how it was read."""
        return f"{self.path.name}: {self.reading}"


def read_labels(path: Path, num_classes: int, *, first_id: int | None = None) -> Labels:
    """Read the class names of a model.

    Parameters
    ----------
    path
        Label map, list or JSON; or a TFLite file with such a list in its metadata.
    num_classes
        Real classes of the model, without background.
    first_id
        The label id of class index 0 that the model's entry states; None: read from the file.

    Raises
    ------
    InputError
        The file cannot be read, does not fit the model, or contradicts what was stated.
    """
    found = read_names(path, num_classes)
    if isinstance(found, NamesById):
        labels = _by_id(path, found, num_classes, first_id)
    else:
        labels = _by_place(path, found, num_classes, first_id)
    _check_unique(labels)
    return labels


def _by_id(path: Path, found: NamesById, num_classes: int, stated: int | None) -> Labels:
    """Ids count from 1, as the Object Detection API has them, unless there is an id 0 that is a class."""
    names = dict(found.names)
    background = _is_background(names.get(0, ""))
    if background:
        del names[0]
    names = {number: name for number, name in names.items() if name != PLACEHOLDER}
    first = stated if stated is not None else int(0 not in names)
    outside = {number: name for number, name in names.items() if not 0 <= number - first < num_classes}
    if outside or not names:
        raise InputError(
            "The labels do not fit the model",
            where=path,
            expected=f"ids {first} to {first + num_classes - 1} for its {num_classes} classes"
            + ("" if stated is None else ", as the model's entry states (NEED_BACKGROUND_CORRECTION)"),
            got=_shown(outside) or "none",
        )
    why = "0 is the background" if background else f"ids from {first}"
    if stated is not None:
        why += ", as the model's entry states"
    unnamed = num_classes - len(names)
    notes = (
        (f"{unnamed} of the model's {num_classes} classes have no name in {path.name}",) if unnamed else ()
    )
    by_class = {number - first: name for number, name in sorted(names.items())}
    return Labels(path, by_class, first, f"{found.kind}, {why}", notes)


def _by_place(path: Path, lines: Sequence[str], num_classes: int, stated: int | None) -> Labels:
    """The count tells whether the first line is the background."""
    background = len(lines) == num_classes + 1
    if background and (stated == 0 or not _is_background(lines[0])):
        got = f"{len(lines)} names, the first is {lines[0]!r}"
        raise _count_error(path, num_classes, got, stated)
    if not background and (len(lines) != num_classes or _is_certain_background(lines[0])):
        raise _count_error(path, num_classes, f"{len(lines)} names", stated)
    names = {index: name for index, name in enumerate(lines[background:]) if name != PLACEHOLDER}
    if not names:
        raise InputError("The label list has no names", where=path, got=f"{len(lines)} placeholders")
    what = "the first is the background" if background else "one for each class"
    reading = f"list of {len(lines)} names for {num_classes} classes: {what}"
    return Labels(path, names, int(background) if stated is None else stated, reading)


def _is_background(name: str) -> bool:
    return name.strip().lower() in BACKGROUNDS


def _is_certain_background(name: str) -> bool:
    return _is_background(name) and name != PLACEHOLDER


def _count_error(path: Path, num_classes: int, got: str, stated: int | None) -> InputError:
    expected = f"{num_classes} names, one for each class"
    if stated != 0:
        expected += f", or {num_classes + 1} with a first line {BACKGROUNDS[0]} or {PLACEHOLDER}"
    return InputError(
        "The labels do not fit the model",
        where=path,
        expected=expected,
        got=got,
        advice="take the list that was made with this model",
    )


def _check_unique(labels: Labels) -> None:
    """Raise an InputError for a name that two classes have: annotations could not be matched with them."""
    places: dict[str, int] = {}
    for index, name in labels.names.items():
        if name in places:
            raise InputError(
                "A label stands twice in the file",
                where=labels.path,
                got=f"{name!r} for classes {places[name]} and {index}",
            )
        places[name] = index


def _shown(names: Mapping[int, str]) -> str:
    shown = [f"{number} ({name})" for number, name in sorted(names.items())[:MOST_SHOWN]]
    return ", ".join([*shown, "…"] if len(names) > MOST_SHOWN else shown)

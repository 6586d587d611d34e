"""Which of a model's classes is which category of a data set: matched by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ckssd.detect.categories import match
from ckssd.errors import InputError


@dataclass(frozen=True)
class ClassMap:
    """Which category of the data set each of the model's classes is.

    ``category_ids``: class index (0 is the first real class) to category id.
    ``names``: class index to name.
    ``ignored``: names of classes that the data set has no category for.
    ``left_out``: names of categories that no annotation uses and the model does not know.
    ``notes``: what was assumed in matching names.
    """

    category_ids: dict[int, int]
    names: dict[int, str]
    ignored: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """One line for people: ``class + 1 (1 circle … 6 cross)``."""
        offsets = {category - index for index, category in self.category_ids.items()}
        rule = (
            f"category id = class + {offsets.pop()}" if len(offsets) == 1 else "category ids matched by name"
        )
        pairs = [f"{category} {self.names[index]}" for index, category in sorted(self.category_ids.items())]
        shown = pairs if len(pairs) <= 10 else [*pairs[:3], "…", pairs[-1]]
        return f"{rule} ({', '.join(shown)})"


def map_classes(
    labels: Mapping[int, str],
    categories: Mapping[int, str],
    *,
    num_classes: int,
    offset: int,
    where: str,
    used: Collection[int] | None = None,
) -> ClassMap:
    """Match a model's classes with a data set's categories, by name; see ckssd.detect.categories.

    Parameters
    ----------
    labels
        Label id to name; class index = label id - ``offset``.
    categories
        The data set's category id to name.
    num_classes
        How many real classes the model has.
    where
        The annotations' file, for the error.
    used
        Ids of the categories that annotations have; default: all. Others may be unknown to the model.

    Raises
    ------
    InputError
        If a label id lies outside the model's classes, or a used category is unknown to the model.
    """
    outside = [f"{label} ({name})" for label, name in labels.items() if not 0 <= label - offset < num_classes]
    if outside:
        raise InputError(
            "The labels do not fit the model",
            expected=f"ids {offset} to {num_classes + offset - 1}",
            got=", ".join(outside[:5]),
        )
    matched = match(labels.values(), categories, categories if used is None else used, where)
    by_name = matched.by_label
    names = {label - offset: name for label, name in sorted(labels.items())}
    return ClassMap(
        category_ids={index: by_name[name] for index, name in names.items() if name in by_name},
        names=names,
        ignored=tuple(name for name in names.values() if name not in by_name),
        left_out=matched.left_out,
        notes=matched.notes,
    )

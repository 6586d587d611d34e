"""A model that a person names by one file of any name, or by its folder: which file, and its variables.

The file that was named is the one that runs, whatever lies beside it. Data of the soft entry,
``ckssd.named``: ``suffix`` of such files; ``variables`` that name it; ``instead_of``: names in ``paths`` that
would name another; ``also``: variable to the suffix of a second file that belongs to it; ``labels``: the
variable of its class names, ``labels_instead_of``: names in ``paths`` that would name others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ckssd.errors import InputError
from ckssd.model.beside import find_labels


def named_model(full_path: Path, description: Mapping[str, Any]) -> Path | None:
    """The file that was named, or the only one of its kind in a folder that has none of the usual names.

    Returns
    -------
    Path or None
        None where the usual names count.

    Raises
    ------
    InputError
        The folder has several.
    """
    named = description.get("named")
    if named is None or (not full_path.is_dir() and full_path.suffix != named["suffix"]):
        return None
    if not full_path.is_dir():
        return full_path
    if any((full_path / name).exists() for name in usual_names(description)):
        return None
    found = sorted(full_path.glob(f"*{named['suffix']}"))
    if len(found) > 1:
        raise InputError(
            "The folder has several models",
            where=full_path,
            got=", ".join(path.name for path in found[:5]),
            advice="name one of them: --full_path=FILE",
        )
    return found[0] if found else None


def usual_names(description: Mapping[str, Any]) -> list[str]:
    """The names of the model files of a package of this kind."""
    paths: Mapping[str, str] = description.get("paths", {})
    return [paths[name] for name in description.get("named", {}).get("instead_of", [])]


def without_others(description: Mapping[str, Any]) -> dict[str, Any]:
    """The description without paths that would name another file than the named one, or its labels."""
    named = description["named"]
    others = {*named["instead_of"], *named["labels_instead_of"]}
    paths = {name: path for name, path in description.get("paths", {}).items() if name not in others}
    return {**description, "paths": paths, "required": [], "variables": description.get("variables", {})}


def variables_of_named(description: Mapping[str, Any], prefix: str, file: Path) -> dict[str, str]:
    """The variables of a named file, of what belongs to it and of its class names.

    Raises
    ------
    InputError
        A file that belongs to it is missing.
    """
    named, paths = description["named"], description["paths"]
    usual = [name for name in named["instead_of"] if paths[name] == file.name]
    found = dict.fromkeys((*named["variables"], *usual), file)
    for name, suffix in named.get("also", {}).items():
        found[name] = file.with_suffix(suffix)
        if not found[name].is_file():
            raise InputError(
                "A file of the model is missing", where=found[name], advice=f"it belongs beside {file.name}"
            )
    labels = find_labels(file)
    if labels is not None:
        found[named["labels"]] = labels
    return {f"{prefix}_{name}": str(path) for name, path in found.items()}

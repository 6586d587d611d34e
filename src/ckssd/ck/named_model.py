"""A model that a person names by one file of any name, or by its folder: which file, and its variables.

The file that was named is the one that runs, whatever lies beside it. Data of the soft entry,
``ckssd.named``: ``suffix`` of such files; ``variables`` that name it; ``instead_of``: names in ``paths`` that
would name another; ``also``: variable to the suffix of a second file that belongs to it; ``labels``: the
variable of its class names, ``labels_instead_of``: names in ``paths`` that would name others.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ckssd.errors import InputError
from ckssd.install.provenance import FILE_NAME as PROVENANCE
from ckssd.model.beside import find_labels


def named_model(full_path: Path, description: Mapping[str, Any], usual_name: str = "") -> Path | None:
    """The file that was named, or the only one of its kind in a folder that has none of the usual names.

    Parameters
    ----------
    usual_name
        The name of a file that stands for its folder, beside those in ``paths`` and provenance.json.

    Returns
    -------
    Path or None
        None where the usual names count.

    Raises
    ------
    InputError
        The folder has several; or the file is none of a model, and others would be taken for it.
    """
    named = description.get("named")
    if named is None:
        return None
    if not full_path.is_dir():
        return _by_file(full_path, description, usual_name)
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


def _by_file(file: Path, description: Mapping[str, Any], usual_name: str) -> Path | None:
    """The model that a file is, or is the second file of; None for a file that stands for its folder."""
    named = description["named"]
    if file.suffix.lower() == named["suffix"]:
        return file
    if file.suffix.lower() in named.get("also", {}).values():
        return _other_of_pair(file.with_suffix(named["suffix"]), file)
    parts = [path for name, path in description.get("paths", {}).items() if name not in named["instead_of"]]
    if any(fnmatchcase(file.name, part) for part in (*parts, usual_name, PROVENANCE)):
        return None
    raise InputError(
        "The file is no model of this kind",
        where=file,
        expected=f"a file {named['suffix']}, or the model's folder",
        got=file.suffix or "no ending",
        advice="another file beside it would be taken: rename it, or name the right one: --full_path=FILE",
    )


def _other_of_pair(wanted: Path, given: Path) -> Path:
    if not wanted.is_file():
        raise InputError(
            "A file of the model is missing", where=wanted, advice=f"it belongs beside {given.name}"
        )
    return wanted


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
        found[name] = _other_of_pair(file.with_suffix(suffix), file)
    labels = find_labels(file)
    if labels is not None:
        found[named["labels"]] = labels
    return {f"{prefix}_{name}": str(path) for name, path in found.items()}

"""CK's hooks for ``soft`` entries: which environment variables an installed thing gives.

The variables are data in the entry's ``meta.json`` under ``ckssd``; this module fills in the paths, and
refuses to register a thing of which a variable would name something that is not there.

``ckssd.paths``
    variable (without the prefix) to a path in the installed folder; one whose file is missing is left
    out. A path that ends with ``*`` is the common start of several files, such as a checkpoint's.
``ckssd.required``
    names in ``paths`` that must not be left out; a list among them: at least one of its names.
``ckssd.variables``
    variable (whole name, or ``_NAME`` to go behind the prefix) to a text with the names of places, each of
    which must exist, or ``{version}``. A list of texts: the first whose places exist. Places: ``{root}``;
    those that a finder adds.
``ckssd.options``
    variable to a variable of the install, whose value it has; left out where the install had none.
``ckssd.carry``
    variables of the dependency ``from`` it was made from, under this entry's prefix instead of ``prefix``:
    ``names`` without either.
``ckssd.prepend``
    list variable (``PATH``, ``PYTHONPATH``) to such texts, put in front of it.
``ckssd.finder``
    ``python``: found by :mod:`ckssd.install.pythons` instead of CK's search for files. ``data-set``: what
    ``--full_path`` names is a data set in one of the layouts that :mod:`ckssd.coco.layout` knows, with the
    places ``{annotations}``, ``{annotations_folder}`` and ``{images}``.
``ckssd.inside``
    where in the installed folder the file is that ``--full_path`` names; default: in it or in ``bin``.
``ckssd.named``
    for models, see :mod:`ckssd.ck.named_model`.
"""

from __future__ import annotations

import dataclasses
import shlex
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ckssd.ck.kernel import Answer, hook
from ckssd.ck.named_model import named_model, usual_names, variables_of_named, without_others
from ckssd.errors import InputError, NotInstalledError
from ckssd.install import find_pythons, installed, python_at
from ckssd.install.provenance import FILE_NAME as PROVENANCE
from ckssd.report import say

PLAIN_FIELDS = ("version",)  # of a variable's text; the others are places


@dataclass(frozen=True)
class Thing:
    """What ``--full_path`` stands for: a file of it, which CK looks for later, and its places by name.

    ``named``: the one file that it is about, where a person named it.
    """

    file: Path
    places: Mapping[str, Path]
    found: tuple[str, ...] = field(default=())
    named: Path | None = None

    @property
    def root(self) -> Path:
        """The installed folder."""
        return self.places["root"]


def find_thing(full_path: Path, description: Mapping[str, Any], usual_name: str) -> Thing:
    """Find the thing that a file or folder named to CK belongs to.

    Parameters
    ----------
    usual_name
        The name of the file that is looked for in a folder.

    Raises
    ------
    InputError
        The folder has no such thing.
    """
    if description.get("finder") == "data-set":
        return _data_set(full_path, usual_name)
    if (model := named_model(full_path, description, usual_name)) is not None:
        return Thing(model, {"root": model.parent}, (f"found: {model}",), named=model)
    inside = description.get("inside", "bin")
    if full_path.is_dir():
        usual = (usual_name, f"{inside}/{usual_name}", *usual_names(description))
        file = next((f for name in usual if (f := full_path / name).is_file()), None)
        if file is None:
            raise InputError(
                "The folder is not laid out as expected",
                where=full_path,
                expected=usual_name,
                advice="name the file itself: --full_path=FILE",
            )
        return Thing(file, {"root": full_path})
    return Thing(full_path, {"root": root_of(full_path, inside)})


def root_of(full_path: Path, inside: str = "bin") -> Path:
    """Return the installed folder that a file named to CK belongs to: that above ``inside``, or its own."""
    folder, above = full_path.parent, Path(inside).parts
    return folder.parents[len(above) - 1] if folder.parts[-len(above) :] == above else folder


def _data_set(full_path: Path, usual_name: str) -> Thing:
    from ckssd.coco.layout import find_data_set  # takes NumPy, which other entries need not wait for

    found = find_data_set(full_path.parent if full_path.name == PROVENANCE else full_path, usual_name)
    places = {
        "root": found.root,
        "annotations": found.annotations,
        "annotations_folder": found.annotations.parent,
        "images": found.images,
    }
    said = (found.describe(), *(f"Note: {note}" for note in found.notes()))
    return Thing(full_path if full_path.name == PROVENANCE else found.annotations, places, said)


def variables_of(description: Mapping[str, Any], prefix: str, thing: Thing, version: str) -> dict[str, str]:
    """Return the variables that a ``ckssd`` section gives for a thing.

    Raises
    ------
    InputError
        A variable would name something that is not there, or a required one is left out.
    """
    if thing.named is not None:
        others = dataclasses.replace(thing, named=None)
        found = variables_of(without_others(description), prefix, others, version)
        return found | variables_of_named(description, prefix, thing.named)
    paths = _present(description.get("paths", {}), thing.root)
    missing = [*_missing(description, paths)]
    variables = {f"{prefix}_{name}": str(place) for name, place in paths.items()}
    for name, text in description.get("variables", {}).items():
        value, exists = _filled(text, thing, version)
        variables[prefix + name if name.startswith("_") else name] = value
        missing += [] if exists else [value]
    _refuse(thing.root, missing)
    return variables


def _refuse(root: Path, missing: list[str]) -> None:
    if missing:
        raise InputError(
            "The folder is not laid out as expected",
            where=root,
            expected=", ".join(dict.fromkeys(place.removeprefix(f"{root}/") for place in missing)),
            got="no such file or folder",
            advice="name the right one: --full_path=…",
        )


def _present(paths: Mapping[str, str], root: Path) -> dict[str, Path]:
    found = {}
    for name, relative in paths.items():
        place = root / relative.rstrip("*")
        present = any(place.parent.glob(place.name + "*")) if relative.endswith("*") else place.exists()
        if present:
            found[name] = place
    return found


def _missing(description: Mapping[str, Any], found: Mapping[str, Path]) -> Iterator[str]:
    """The required paths that are not there; an entry with nothing but paths needs at least one of them."""
    paths: dict[str, str] = description.get("paths", {})
    required = description.get("required")
    if required is None:
        required = [list(paths)] if paths and not description.get("variables") else []
    for names in required:
        alternatives = [names] if isinstance(names, str) else names
        if not any(name in found for name in alternatives):
            yield " or ".join(dict.fromkeys(paths[name] for name in alternatives))


def _filled(text: str | list[str], thing: Thing, version: str) -> tuple[str, bool]:
    """The text with its places, or the first of several that names what exists; and whether it does."""
    if isinstance(text, list):
        several = [_filled(one, thing, version) for one in text]
        return next((one for one in several if one[1]), several[0])
    value = text.format(**thing.places, version=version)
    fields = {name for _, name, _, _ in string.Formatter().parse(text) if name}
    if not fields.difference(PLAIN_FIELDS):
        return value, True
    if "*" in text:
        matches = _matches(value, thing.root)
        return (matches[0], True) if len(matches) == 1 else (value, False)
    return value, Path(value).exists()


def carried(description: dict[str, Any], prefix: str, dependencies: dict[str, Any]) -> dict[str, str]:
    """Return what a thing's origin says that is true of the thing too, such as the name of its data set."""
    carry = description.get("carry")
    if carry is None:
        return {}
    origin = dependencies.get(carry["from"], {}).get("dict", {}).get("env", {})
    known = {name: origin.get(f"{carry['prefix']}_{name}") for name in carry["names"]}
    return {f"{prefix}_{name}": value for name, value in known.items() if value is not None}


def of_options(description: Mapping[str, Any], prefix: str, root: Path) -> dict[str, str]:
    """Return the variables that repeat what an installation was asked for."""
    wanted: dict[str, str] = description.get("options", {})
    there = installed(root) if wanted else None
    given = {} if there is None else there.entry.options
    return {prefix + name: given[option] for name, option in wanted.items() if option in given}


def _matches(text: str, root: Path) -> list[str]:
    """What a path with a ``*`` (as in ``lib/python*/site-packages``) stands for; one thing, if right."""
    return sorted(map(str, root.glob(str(Path(text).relative_to(root)))))


@hook
def setup(i: dict[str, Any]) -> Answer:
    """Fill ``i['env']`` and return the lines for ``env.sh`` that extend PATH and the like."""
    customize, description = i["customize"], i["cfg"].get("ckssd", {})
    full_path = Path(customize["full_path"]).absolute()
    if not full_path.exists():
        raise InputError("The software is not there", where=full_path, advice="install it again")
    thing = find_thing(full_path, description, customize.get("soft_file_universal", ""))
    prefix = customize["env_prefix"]
    variables = carried(description, prefix, i.get("deps", {}))
    variables |= variables_of(description, prefix, thing, i.get("version", ""))
    variables |= of_options(description, prefix, thing.root)
    variables[f"{prefix}_ROOT"] = str(thing.root)
    if description.get("finder") == "python":
        variables |= _python(prefix, thing.file)
    lines = "".join(_prepending(description.get("prepend", {}), thing))
    i["env"].update(variables)
    customize["full_path"] = str(thing.file)  # CK asks before each use whether this file is still there
    for line in thing.found:
        say(line)
    return {"bat": lines}


def _python(prefix: str, file: Path) -> dict[str, str]:
    if python_at(file) is None:
        raise InputError("This is no CPython that runs", where=file, advice="name one: --full_path=…/python3")
    return {f"{prefix}_FILE": str(file), f"{prefix}_BIN": str(file.parent)}


def _prepending(lists: dict[str, list[str | list[str]]], thing: Thing) -> Iterator[str]:
    for name, folders in lists.items():
        places = dict.fromkeys(_filled(folder, thing, "") for folder in folders)
        _refuse(thing.root, [place for place, exists in places if not exists])
        front = ":".join(shlex.quote(place) for place, _ in places)
        yield f'export {name}={front}"${{{name}:+:${name}}}"\n'


@hook
def dirs(i: dict[str, Any]) -> Answer:
    """Keep CK from walking the file system for what has a finder of its own."""
    if i["cfg"].get("ckssd", {}).get("finder"):
        i["dirs"].clear()
    return {}


@hook
def limit(i: dict[str, Any]) -> Answer:
    """Put the interpreters that were really found in place of CK's list (CK asks this of every soft)."""
    if i["soft_name"] != "python3":
        return {"list": i["list"]}
    found = find_pythons()
    if not found:
        raise NotInstalledError(
            "No CPython was found", advice="install python3 or name one with --full_path=…"
        )
    return {"list": [str(python.path) for python in found]}


@hook
def version_cmd(i: dict[str, Any]) -> Answer:
    """Ask the interpreter itself for its version; CK runs a shell script for that otherwise."""
    python = python_at(Path(i["full_path"]))
    return {"cmd": "", "version": python.version if python else ""}

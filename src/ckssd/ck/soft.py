"""CK's hooks for ``soft`` entries: which environment variables an installed thing gives.

The variables are data in the entry's ``meta.json`` under ``ckssd``; this module fills in the paths.

``ckssd.paths``
    variable (without the prefix) to a path in the installed folder; one whose file is missing is left
    out. A path that ends with ``*`` is the common start of several files, such as a checkpoint's.
``ckssd.variables``
    variable (whole name, or ``_NAME`` to go behind the prefix) to a text with ``{root}``, ``{version}``.
``ckssd.carry``
    variables of the dependency ``from`` it was made from, under this entry's prefix instead of ``prefix``:
    ``names`` without either.
``ckssd.prepend``
    list variable (``PATH``, ``PYTHONPATH``) to paths put in front of it.
``ckssd.finder``
    ``python``: found by :mod:`ckssd.install.pythons` instead of CK's search for files.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from ckssd.ck.kernel import Answer, hook
from ckssd.errors import InputError, NotInstalledError
from ckssd.install import find_pythons, python_at


def root_of(full_path: Path) -> Path:
    """Return the installed folder that a file named to CK belongs to.

    A program in ``bin`` belongs to the folder above it, any other file to its own folder.
    """
    if full_path.is_dir():
        return full_path
    return full_path.parent.parent if full_path.parent.name == "bin" else full_path.parent


def variables_of(description: dict[str, Any], prefix: str, root: Path, version: str) -> dict[str, str]:
    """Return the variables that a ``ckssd`` section gives for the thing installed in ``root``."""
    variables = {}
    for name, relative in description.get("paths", {}).items():
        place = root / relative.rstrip("*")
        present = any(place.parent.glob(place.name + "*")) if relative.endswith("*") else place.exists()
        if present:
            variables[f"{prefix}_{name}"] = str(place)
    for name, text in description.get("variables", {}).items():
        whole_name = prefix + name if name.startswith("_") else name
        variables[whole_name] = _one_match(text.format(root=root, version=version), root)
    return variables


def carried(description: dict[str, Any], prefix: str, dependencies: dict[str, Any]) -> dict[str, str]:
    """Return what a thing's origin says that is true of the thing too, such as the name of its data set."""
    carry = description.get("carry")
    if carry is None:
        return {}
    origin = dependencies.get(carry["from"], {}).get("dict", {}).get("env", {})
    known = {name: origin.get(f"{carry['prefix']}_{name}") for name in carry["names"]}
    return {f"{prefix}_{name}": value for name, value in known.items() if value is not None}


def _one_match(text: str, root: Path) -> str:
    """Resolve a ``*`` in a path (such as ``lib/python*/site-packages``) to the one folder that fits."""
    if "*" not in text:
        return text
    relative = Path(text).relative_to(root)
    matches = sorted(root.glob(str(relative)))
    if len(matches) != 1:
        raise InputError(
            "The installed folder is not laid out as expected",
            where=text,
            expected="one match",
            got=len(matches),
        )
    return str(matches[0])


@hook
def setup(i: dict[str, Any]) -> Answer:
    """Fill ``i['env']`` and return the lines for ``env.sh`` that extend PATH and the like."""
    customize, description = i["customize"], i["cfg"].get("ckssd", {})
    full_path = Path(customize["full_path"])
    if not full_path.exists():
        raise InputError("The software is not there", where=full_path, advice="install it again")
    root, prefix = root_of(full_path), customize["env_prefix"]
    i["env"].update(carried(description, prefix, i.get("deps", {})))
    i["env"].update(variables_of(description, prefix, root, i.get("version", "")))
    i["env"][f"{prefix}_ROOT"] = str(root)
    if description.get("finder") == "python":
        i["env"][f"{prefix}_FILE"] = str(full_path)
        i["env"][f"{prefix}_BIN"] = str(full_path.parent)
    return {"bat": "".join(_prepending(description.get("prepend", {}), root))}


def _prepending(lists: dict[str, list[str]], root: Path) -> list[str]:
    lines = []
    for name, folders in lists.items():
        front = ":".join(shlex.quote(_one_match(folder.format(root=root), root)) for folder in folders)
        lines.append(f'export {name}={front}"${{{name}:+:${name}}}"\n')
    return lines


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

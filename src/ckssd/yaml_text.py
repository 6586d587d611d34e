"""YAML that people bring: plain data, or one error that names the file.

On lists in lists without end, PyYAML on libyaml overflows the stack, and the process ends without a word. Of
a key that is there twice it takes the last. A few aliases of aliases stand for more values than memory holds
as soon as they are printed. All three are looked for first, in what the parser sees.

PyYAML is in ckssd's own environment only, not in those of the runtimes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ckssd.errors import InputError, short

DEEPEST = 100
MOST_VALUES = 4_000_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str, path: Path) -> Any:
    """Return what a YAML document holds.

    Parameters
    ----------
    path
        Of its file, for the errors.

    Raises
    ------
    InputError
        It is no YAML, has a key twice in one mapping, is nested more than 100 deep, or its aliases stand for
        millions of values.
    """
    try:
        _check(text)
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 - one of the two safe loaders
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        got = short(" ".join(str(error).split()), 200)
        raise InputError("The file is no YAML", where=path, got=got) from error


@dataclass
class _Open:
    """A list, or a mapping with its keys so far; how many values are in it, those of aliases, too."""

    keys: set[str] | None
    anchor: str | None
    at_key: bool = True
    values: int = 1


def _check(text: str) -> None:
    opened = [_Open(None, None)]
    anchored: dict[str | None, int] = {}
    for event in yaml.parse(text, Loader=_LOADER):
        values = 0
        if isinstance(event, yaml.CollectionEndEvent):
            done = opened.pop()
            values = done.values
            if done.anchor is not None:
                anchored[done.anchor] = values
        elif isinstance(event, yaml.NodeEvent):
            _check_key(opened[-1], event)
            if isinstance(event, yaml.CollectionStartEvent):
                opened.append(
                    _Open(set() if isinstance(event, yaml.MappingStartEvent) else None, event.anchor)
                )
            else:
                values = anchored.get(event.anchor, 1) if isinstance(event, yaml.AliasEvent) else 1
        opened[-1].values += values
        if len(opened) > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} deep")
        if opened[-1].values > MOST_VALUES:
            raise ValueError(f"its aliases make more than {MOST_VALUES} values")


def _check_key(inside: _Open, event: yaml.NodeEvent) -> None:
    if inside.keys is not None:
        if inside.at_key and isinstance(event, yaml.ScalarEvent):
            if event.value in inside.keys:
                raise ValueError(f"the key {event.value} is there twice")
            inside.keys.add(event.value)
        inside.at_key = not inside.at_key

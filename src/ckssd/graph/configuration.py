"""Sub-graph replacement configurations: Model Optimizer's JSON format, read and validated as a whole.

A configuration is a list of replacements. Each names a replacer by its ``id`` and says which part of the
graph it replaces: between named points, in scopes that fit a pattern, or anywhere (``general``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ckssd.errors import InputError

MATCH_KINDS = ("points", "scope", "general")
SHIPPED = Path(__file__).parent / "configurations"


@dataclass(frozen=True)
class PatternPort:
    """A node of a matched scope, by a regular expression behind the scope's name, and one of its ports."""

    pattern: str
    port: int


@dataclass(frozen=True)
class Replacement:
    """What every replacement says: which replacer, with which attributes, from which file."""

    id: str
    custom_attributes: Mapping[str, Any]
    where: str


@dataclass(frozen=True)
class PointsReplacement(Replacement):
    """The nodes between start and end points.

    ``include_inputs`` and ``include_outputs``: whether the points themselves belong to the part.
    """

    start_points: tuple[str, ...]
    end_points: tuple[str, ...]
    include_inputs: bool = True
    include_outputs: bool = True


@dataclass(frozen=True)
class ScopeReplacement(Replacement):
    """The nodes of every scope that fits one of the patterns.

    ``inputs``: for each input tensor the places that read it; ``outputs``: the places that give the outputs.
    """

    scopes: tuple[str, ...]
    inputs: tuple[tuple[PatternPort, ...], ...] = ()
    outputs: tuple[PatternPort, ...] = ()


@dataclass(frozen=True)
class GeneralReplacement(Replacement):
    """No part is named: the replacer looks at the whole graph itself."""


@dataclass(frozen=True)
class Configuration:
    """A configuration file's replacements, in order."""

    path: Path
    replacements: tuple[Replacement, ...] = field(default=())

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def points(self) -> list[PointsReplacement]:
        """The replacements by points."""
        return [each for each in self.replacements if isinstance(each, PointsReplacement)]


# As OpenVINO called what is the same here.
OTHER_NAMES = {
    "ssd_support_api_v1.14.json": "ssd_support_cast.json",
    "ssd_support_api_v1.15.json": "ssd_support_cast_1.json",
}


def shipped_configurations() -> list[Path]:
    """Return the configuration files that come with this project, by name."""
    return sorted(SHIPPED.glob("*.json"))


def find_configuration(path: Path) -> Path:
    """Return the file itself, or the shipped one of this name where there is no such file.

    Command lines written for Model Optimizer name ``extensions/front/tf/ssd_v2_support.json`` below its own
    folder, which nobody has any more.

    Raises
    ------
    InputError
        If neither exists; the advice lists the shipped ones.
    """
    if path.exists():
        return path
    shipped = SHIPPED / OTHER_NAMES.get(path.name, path.name)
    if path.suffix == ".json" and shipped.is_file():
        return shipped
    names = ", ".join(each.name for each in shipped_configurations())
    raise InputError(
        "There is no such configuration",
        where=path,
        advice=f"name a file, one of {names}, or auto",
    )


def read_configuration(path: Path) -> Configuration:
    """Read a configuration file.

    Raises
    ------
    InputError
        Names the file, the replacement and the key.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_unique)
    except OSError as error:
        raise InputError(
            "The configuration cannot be read", where=path, got=error.strerror or error
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError("The configuration is no JSON", where=path, got=error) from error
    if not isinstance(content, list) or not content:
        raise InputError(
            "The configuration is no list of replacements", where=path, got=type(content).__name__
        )
    return Configuration(path, tuple(_replacement(path, index, each) for index, each in enumerate(content)))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the key {twice[0]!r} stands there twice")
    return dict(pairs)


def _replacement(path: Path, index: int, content: Any) -> Replacement:
    where = f"{path}, replacement {index + 1}"
    if not isinstance(content, dict):
        raise InputError("A replacement is no JSON object", where=where, got=type(content).__name__)
    section = _Section(content, where)
    identity = section.text("id")
    section.where += f" ({identity})"
    kind = section.text("match_kind")
    if kind not in MATCH_KINDS:
        raise section.error("match_kind", " or ".join(MATCH_KINDS), kind)
    custom = section.take("custom_attributes", dict, {})
    replacement = _READERS[kind](section, identity, custom)
    section.refuse_others()
    return replacement


class _Section:
    """A JSON object whose keys are taken one by one; what is left over is a mistake."""

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        self._left = dict(content)
        self.where = where

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        """Return a value of the right type; without a default the key has to be there."""
        if key not in self._left:
            if default is None:
                raise self.error(key, "the key to be there", "nothing")
            return default
        value = self._left.pop(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.error(key, _KIND_NAMES[kind], json.dumps(value)[:60])
        return value

    def text(self, key: str) -> str:
        """Return a string that is not empty."""
        value = str(self.take(key, str))
        if not value:
            raise self.error(key, "some text", "an empty string")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of different strings."""
        values = self.take(key, list)
        if not values or not all(isinstance(value, str) and value for value in values):
            raise self.error(key, "a list of names", json.dumps(values)[:60])
        if len(set(values)) < len(values):
            raise self.error(key, "each name once", json.dumps(values)[:60])
        return tuple(values)

    def refuse_others(self) -> None:
        """Raise InputError for keys that nobody took: they would be ignored silently."""
        if self._left:
            raise self.error(sorted(self._left)[0], "no such key in this kind of replacement", "it")

    def error(self, key: str, expected: str, got: object) -> InputError:
        """What is wrong with a key."""
        return InputError(
            "The configuration is wrong", where=f"{self.where}, key {key}", expected=expected, got=got
        )


_KIND_NAMES = {
    dict: "a JSON object",
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "a whole number",
}


def _points(section: _Section, identity: str, custom: Mapping[str, Any]) -> Replacement:
    inside = section.take("instances", dict)
    instances = _Section(inside, f"{section.where}, key instances")
    replacement = PointsReplacement(
        identity,
        custom,
        section.where,
        start_points=instances.texts("start_points"),
        end_points=instances.texts("end_points"),
        include_inputs=section.take("include_inputs_to_sub_graph", bool, True),
        include_outputs=section.take("include_outputs_to_sub_graph", bool, True),
    )
    instances.refuse_others()
    return replacement


def _scope(section: _Section, identity: str, custom: Mapping[str, Any]) -> Replacement:
    scopes = section.texts("instances")
    for scope in scopes:
        _compile(section, "instances", scope)
    inputs = section.take("inputs", list, [])
    outputs = section.take("outputs", list, [])
    return ScopeReplacement(
        identity,
        custom,
        section.where,
        scopes=scopes,
        inputs=tuple(_pattern_ports(section, "inputs", tensor) for tensor in inputs),
        outputs=_pattern_ports(section, "outputs", outputs) if outputs else (),
    )


def _general(section: _Section, identity: str, custom: Mapping[str, Any]) -> Replacement:
    return GeneralReplacement(identity, custom, section.where)


_READERS = {"points": _points, "scope": _scope, "general": _general}


def _pattern_ports(section: _Section, key: str, places: Any) -> tuple[PatternPort, ...]:
    if not isinstance(places, Sequence) or isinstance(places, str) or not places:
        raise section.error(key, 'a list of {"node": …, "port": …}', json.dumps(places)[:60])
    return tuple(_pattern_port(section, key, place) for place in places)


def _pattern_port(section: _Section, key: str, place: Any) -> PatternPort:
    if not isinstance(place, dict):
        raise section.error(key, '{"node": …, "port": …}', json.dumps(place)[:60])
    part = _Section(place, f"{section.where}, key {key}")
    found = PatternPort(part.text("node"), part.take("port", int, 0))
    part.refuse_others()
    if found.port < 0:
        raise section.error(key, "a port of at least 0", found.port)
    _compile(section, key, found.pattern)
    return found


def _compile(section: _Section, key: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise section.error(key, "a regular expression", f"{pattern!r}: {error}") from error

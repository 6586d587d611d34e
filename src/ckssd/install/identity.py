"""What tells installations of one entry apart; in JSON a part of provenances and of lock files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# How a commit stood among the variations before options were part of an identity.
OLD_COMMIT = "commit="


@dataclass(frozen=True)
class Identity:
    """What was installed: all that tells it from other installations of the same entry.

    Parameters
    ----------
    alias, uid, version
        Names and version of the entry.
    variation
        The names of its variations, separated by commas.
    options
        The variables of the install that decide its content, where they are not as the entry has them.
    """

    alias: str
    uid: str
    version: str = ""
    variation: str = ""
    options: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def from_json(cls, entry: Mapping[str, Any], options: Mapping[str, Any]) -> Identity:
        """Return the identity of an entry's JSON values and of its options, wherever those stand.

        Raises
        ------
        KeyError, TypeError, AttributeError
            Something is missing or of another type.
        """
        variations = as_text(entry["variation"]).split(",")
        return cls(
            alias=as_text(entry["alias"]),
            uid=as_text(entry["uid"]),
            version=as_text(entry["version"]),
            variation=",".join(name for name in variations if not name.startswith(OLD_COMMIT)),
            options=as_texts(options),
        )

    def describe(self) -> str:
        """Return it as one line for people."""
        variations = (f"[{name}]" for name in self.variation.split(",") if name)
        return " ".join([self.alias, self.version, *variations, *assignments(self.options)])


def assignments(options: Mapping[str, str]) -> list[str]:
    """Return options as ``NAME=VALUE``, sorted."""
    return [f"{name}={value}" for name, value in sorted(options.items())]


def as_text(value: object) -> str:
    """Return a JSON value that has to be a text.

    Raises
    ------
    TypeError
        It is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"a text was expected, not {value!r}")
    return value


def as_texts(value: Mapping[str, object]) -> dict[str, str]:
    """Return a JSON object that has to have nothing but texts.

    Raises
    ------
    TypeError, AttributeError
        It has something else, or is no object.
    """
    return {as_text(key): as_text(item) for key, item in value.items()}

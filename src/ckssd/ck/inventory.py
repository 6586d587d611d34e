"""What is installed: every environment that a package or preset of this repository gave."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ckssd.ck.environments import LOCAL_TAGS, Environment, environments

BITS_TAG = "64bits"


@dataclass(frozen=True)
class Item:
    """One installed thing; ``size`` in bytes of disk, 0 for a preset."""

    environment: Environment
    size: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        fields = asdict(self.environment)
        location = self.environment.location
        return {
            **fields,
            "tags": own_tags(self.environment),
            "location": location and str(location),
            "size": self.size,
        }


def inventory(tags: str = "") -> list[Item]:
    """Return what is installed and has all of the comma-separated tags."""
    return [Item(environment, size_of(environment.location)) for environment in environments(tags)]


def size_of(folder: Path | None) -> int:
    """Return the bytes on disk below a folder; hard links count once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for base, _, names in os.walk(folder) if folder is not None else ():
        for name in names:
            status = os.lstat(os.path.join(base, name))  # noqa: PTH118 - tens of thousands of files
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_blocks * 512
    return total


def own_tags(environment: Environment) -> list[str]:
    """Return the tags without those of the platform, which are the same for all."""
    return [tag for tag in environment.tags if tag != BITS_TAG and not tag.startswith(LOCAL_TAGS)]


def describe(items: list[Item]) -> str:
    """Return the list as text for people."""
    if not items:
        return "Nothing is installed yet; `make demo` or `ck install package --tags=…` installs."
    return "\n".join(_describe_one(item) for item in items)


def _describe_one(item: Item) -> str:
    environment = item.environment
    size = f"{item.size / 1e6:.1f} MB" if environment.location else "preset"
    lines = [
        f"{environment.name} {environment.version}  ({environment.uid}, {size})",
        f"    tags: {','.join(own_tags(environment))}",
    ]
    if environment.location:
        lines.append(f"    in:   {environment.location}")
    lines += [f"    {name}={value}" for name, value in sorted(environment.variables.items())]
    return "\n".join(lines) + "\n"

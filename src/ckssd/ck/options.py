"""How an installation with options shows in CK: a folder of its own, tags that choose it, its place in menus.

It stands beside the one with the entry's own content, as a variation does: what others use, or were made
from, stays as it is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

# Chooses the installation with the entry's own content where others, with options, are beside it.
DEFAULT_TAG = "default-options"
# CK's menus begin with the highest `sort`, and `--quiet` takes what they begin with; 0 is CK's default.
BEHIND_THE_DEFAULT = -1
LONGEST_TAG = 40


def folder_part(options: Mapping[str, str]) -> str:
    """Return what tells the folders of installations with different options apart."""
    return "-" + hashlib.sha256(json.dumps(dict(options), sort_keys=True).encode()).hexdigest()[:8]


def tags_of(options: Mapping[str, str]) -> list[str]:
    """Return ``NAME=VALUE`` of each, without what means something to CK or a shell, such as commas."""
    plain = {name: re.sub(r"[^A-Za-z0-9_.+]+", "-", value).strip("-") for name, value in options.items()}
    return [f"{name}={value}"[:LONGEST_TAG] for name, value in sorted(plain.items())]

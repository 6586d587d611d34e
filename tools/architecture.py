"""Write the table of rooms in ARCHITECTURE.md, from the import contract and each room's own first sentence.

    .venv/bin/python tools/architecture.py [--check]

`--check` changes nothing and ends with 1 where the table is not up to date.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "ARCHITECTURE.md"
BEGIN, END = "<!-- rooms: written by tools/architecture.py -->", "<!-- end of rooms -->"


def main() -> int:
    """Write the table, or check it."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    if "--check" in sys.argv[1:]:
        if wanted != page:
            print("The rooms in ARCHITECTURE.md are not those of pyproject.toml: make format writes them")
        return int(wanted != page)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


def layers() -> list[list[str]]:
    """Rooms and modules, highest level first; those of one level do not import each other."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (contract,) = (one for one in contracts if one["type"] == "layers")
    return [[name.strip() for name in level.split("|")] for level in contract["layers"]]


def table() -> str:
    """The rows, with the levels counted from below."""
    levels = layers()
    lines = ["| level | part | what it is for |", "|---|---|---|"]
    for number, names in zip(range(len(levels), 0, -1), levels):
        for name in sorted(names):
            lines.append(f"| {number} | `{name.removeprefix('ckssd.')}` | {first_sentence(name)} |")
    return "\n".join(lines)


def first_sentence(name: str) -> str:
    """The first line of a room's or module's docstring."""
    place = ROOT / "src" / name.replace(".", "/")
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())

"""Reference pages that the code writes: options, variables, packages, exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ckssd import errors
from ckssd.cli.main import COMMANDS, make_parser
from ckssd.measure.settings import FIELDS

ROOT = Path(__file__).resolve().parents[2]


def pages() -> dict[str, str]:
    """Path in the site to its Markdown."""
    return {
        "reference/options.md": options(),
        "reference/variables.md": variables(),
        "reference/packages.md": packages(),
        "reference/errors.md": exit_codes(),
    }


def options() -> str:
    """Each command's own ``--help``."""
    parts = ["# Command options", "What `--help` of each command prints."]
    for name in COMMANDS:
        parser = make_parser([name])
        (commands,) = (action for action in parser._actions if action.dest == "command")
        text = commands.choices[name].format_help()  # type: ignore[index]
        parts.append(f"## ckssd {name}\n\n```text\n{text.strip()}\n```")
    return "\n\n".join(parts) + "\n"


def variables() -> str:
    """The table of settings of a benchmark run."""
    lines = [
        "# Variables of a benchmark",
        "",
        "What the programs and `ckssd benchmark --env` read, from the table that checks them.",
        "",
        "| variable | setting | required |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{field.variable}` | `{name}` | {'yes' if field.required else ''} |"
        for name, field in FIELDS.items()
    ]
    return "\n".join(lines) + "\n"


def packages() -> str:
    """Every package's sources and variables, from its own entry."""
    parts = ["# Package files", "What each entry pins, from its own `meta.json`."]
    for path in sorted((ROOT / "package").glob("*/.cm/meta.json")):
        meta = json.loads(path.read_text(encoding="utf-8"))
        if "suggested_path" in meta:
            parts.append("\n".join(_package(path.parent.parent.name, meta)))
    return "\n\n".join(parts) + "\n"


def _package(name: str, meta: dict[str, object]) -> Iterator[str]:
    section = meta.get("ckssd", {})
    yield f"## {name}\n"
    yield f"Tags: `{','.join(map(str, meta['tags']))}`"  # type: ignore[call-overload]
    if isinstance(section, dict) and section.get("comment"):
        yield f"\n{str(section['comment'])[:1].upper()}{str(section['comment'])[1:]}."
    sources = section.get("sources", []) if isinstance(section, dict) else []
    if sources:
        yield "\n| file | bytes | SHA-256 |\n|---|---|---|"
        for source in sources:
            name = (
                source.get("file_name")
                or str((source.get("urls") or [source.get("purl")])[0]).rpartition("/")[2]
            )
            yield f"| `{name}` | {source.get('size', '')} | `{source.get('sha256', 'none is public')}` |"


def exit_codes() -> str:
    """The family of errors, in the order of their codes."""
    lines = [
        "# Exit codes and errors",
        "",
        "| code | error | when |",
        "|---|---|---|",
        "| 0 | | done |",
        "| 1 | | a bug |",
    ]
    kinds = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.CkssdError) and kind is not errors.CkssdError
    }
    for kind in sorted(kinds, key=lambda kind: (kind.exit_code, kind.__name__)):
        text = (kind.__doc__ or "").strip().splitlines()[0]
        lines.append(f"| {kind.exit_code} | `{kind.__name__}` | {text} |")
    return "\n".join(lines) + "\n"

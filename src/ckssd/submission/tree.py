"""Rules about folders, names and sizes: what a repository takes, and what belongs where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ckssd.loadgen.conf import MODEL, SCENARIOS
from ckssd.submission import rules
from ckssd.submission.layout import (
    ALSO,
    CHECKER_LOGS,
    CLOSED,
    DIVISIONS,
    FOLDERS,
    MEASUREMENTS,
    RESULTS,
    Entry,
    Owner,
    files_in,
    folders_in,
)
from ckssd.submission.rules import Finding

LARGEST_BYTES = 50 << 20
NEEDED = ("systems", "code", "measurements", "results")


def check_names(root: Path) -> Iterator[Finding]:
    """Every file and folder below: links, hidden names, spaces, size."""
    for path in sorted(root.rglob("*")):
        where, kind = path.relative_to(root).as_posix(), "folder" if path.is_dir() else "file"
        if path.is_symlink():
            yield Finding(rules.SYMBOLIC_LINK, where, "a file", "a link", "put a copy there")
            continue
        if path.name.startswith("."):
            yield Finding(rules.HIDDEN_NAME, where, "no dot at the beginning", path.name, "take it away")
        if " " in path.name:
            yield Finding(rules.SPACE_IN_NAME, where, f"a {kind} without spaces in its name", path.name)
        if path.is_file() and path.stat().st_size > LARGEST_BYTES:
            yield Finding(rules.FILE_SIZE, where, f"at most {LARGEST_BYTES} bytes", path.stat().st_size)


def check_divisions(root: Path) -> Iterator[Finding]:
    """The folders at the top."""
    for name in folders_in(root):
        if name not in DIVISIONS and not name.startswith("."):
            yield Finding(rules.LAYOUT_FOLDERS, name, "closed or open", name)


def check_owner(owner: Owner) -> Iterator[Finding]:
    """The folders of a submitter."""
    there = folders_in(owner.folder)
    for name in NEEDED:
        if name not in there:
            yield Finding(rules.LAYOUT_FOLDERS, owner.show(owner.folder), f"a folder {name}", "none")
    for name in there:
        if name not in (*FOLDERS, *ALSO):
            place = owner.show(owner.folder / name)
            yield Finding(rules.LAYOUT_FOLDERS, place, ", ".join(FOLDERS), name, "move it into code")
    logs = [owner.folder / RESULTS / name for name in CHECKER_LOGS]
    if not any(log.is_file() and log.stat().st_size for log in logs):
        advice = "ckssd submission check --log"
        yield Finding(rules.CHECKER_LOG, owner.show(logs[0]), "the checker's output", "none", advice)
    for system in folders_in(owner.folder / MEASUREMENTS):
        if system not in owner.systems():
            place = owner.show(owner.folder / MEASUREMENTS / system)
            yield Finding(rules.LAYOUT_FOLDERS, place, "results of this system", "none")


def check_entry_name(entry: Entry) -> Iterator[Finding]:
    """Model and scenario by name."""
    where = entry.show(entry.part(RESULTS))
    if entry.owner.division == CLOSED and entry.model != MODEL:
        yield Finding(rules.MODEL_NAME, where, MODEL, entry.model, "other models are for the open division")
    if entry.place not in SCENARIOS:
        yield Finding(rules.SCENARIO_NAME, where, ", ".join(SCENARIOS), entry.place)


def missing_files(
    rule: rules.Rule, owner: Owner, folder: Path, needed: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """What a folder lacks, and what does not belong there."""
    there = files_in(folder)
    for name in needed:
        if name not in there:
            yield Finding(rule, owner.show(folder), name, "no such file")
        elif not (folder / name).stat().st_size:
            yield Finding(rule, owner.show(folder / name), "content", "an empty file")
    for name in there:
        if name not in (*needed, *optional):
            yield Finding(
                rule, owner.show(folder / name), ", ".join(needed) or "no file", name, "take it away"
            )

"""Hooks of mkdocs: the README as the first page, the reference, and what pages link to outside docs/."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")
BESIDE = "repository"  # where the site has Markdown that is not in docs/
OUTSIDE = ("*.md", "package/*/README.md", "program/*/README.md", "bench/results/*.md")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are no files in docs/."""
    for path, text in runpy.run_path(str(Path(__file__).with_name("reference.py")))["pages"]().items():
        files.append(File.generated(config, path, content=text))
    files.append(File.generated(config, "index.md", content=_moved("README.md", "index.md")))
    for pattern in OUTSIDE:
        for path in ROOT.glob(pattern):
            name = str(path.relative_to(ROOT))
            if name != "README.md":
                target = f"{BESIDE}/{name}"
                files.append(File.generated(config, target, content=_moved(name, target)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links of a page of docs/ that lead out of it lead to where the site has their target."""
    if page.file.generated_by is not None:
        return markdown
    return _relinked(markdown, f"docs/{page.file.src_uri}", page.file.src_uri)


def _moved(name: str, target: str) -> str:
    return _relinked((ROOT / name).read_text(encoding="utf-8"), name, target)


def _relinked(text: str, name: str, target: str) -> str:
    """Links of the file ``name`` of the repository, as they are from the page ``target`` of the site."""

    def link(match: re.Match[str]) -> str:
        place = ((ROOT / name).parent / match[1]).resolve().relative_to(ROOT)
        there = _in_site(place)
        if there is None:
            return "]"  # a source file: its name stays
        up = "../" * target.count("/")
        return f"]({up}{there}{match[2] or ''})"

    relinked = LINK.sub(link, text)
    return re.sub(r"\[([^\]]*)\](?![\(\[:])", r"\1", relinked) if "]" in relinked else relinked


def _in_site(place: Path) -> str | None:
    if place.parts[0] == "docs":
        return str(place.relative_to("docs"))
    if str(place) == "README.md":
        return "index.md"
    return f"{BESIDE}/{place}" if place.suffix == ".md" else None

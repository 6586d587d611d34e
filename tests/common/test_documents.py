"""What documents say twice is the same; links between them lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import ckssd
from ckssd.cli.main import COMMANDS, make_parser
from tests.support.sandbox import CHECKOUT

PAGES = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md"), *CHECKOUT.glob("package/*/README.md")]


def test_the_citation_has_the_librarys_version() -> None:
    text = (CHECKOUT / "CITATION.cff").read_text()
    assert f"\nversion: {ckssd.__version__}\n" in text
    assert f"## {ckssd.__version__} (" in (CHECKOUT / "CHANGELOG.md").read_text()


def anchors(page: Path) -> set[str]:
    """The fragments that headings of a page have, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    for link in links:
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), link
        assert not fragment or fragment in anchors(target), link


def commands_of(page: Path) -> list[str]:
    """Lines of its code blocks that call ckssd, whole; those with a placeholder are left out."""
    blocks = re.findall(r"^```(?:sh|text)?\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    indented = "\n".join(line[4:] for line in page.read_text().splitlines() if line.startswith("    "))
    lines = "\n".join([*blocks, indented]).replace("\\\n", " ").splitlines()
    return [
        line for line in lines if line.startswith("ckssd ") and not re.search(r"…|<|\.\.\. |\.\.\.$", line)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_commands_on_a_page_have_the_options_that_they_name(page: Path) -> None:
    for line in commands_of(page):
        name, *words = shlex.split(line, comments=True)[1:]
        words = words[: words.index(">")] if ">" in words else words
        if name.startswith("-"):
            continue
        assert name in COMMANDS, line
        try:
            make_parser([name]).parse_args([name, *words])
        except SystemExit as end:
            if end.code:
                pytest.fail(line)


def test_pages_have_commands() -> None:
    assert sum(len(commands_of(page)) for page in PAGES) > 40

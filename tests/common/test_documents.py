"""What documents say twice is the same; links between them lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ckssd
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

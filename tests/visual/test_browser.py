"""The report in a real browser: no error, no request, legible in both widths and colours, usable by keyboard.

Takes the Chromium or Chrome on PATH; skipped where there is none, unless CKSSD_TEST_BROWSER=required.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from ckssd.visual.make import Report
from ckssd.visual.page import page
from tests.measure.conftest import Bench
from tests.visual.conftest import whole_report

pytestmark = pytest.mark.slow(seconds=15)

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LIGHT, DARK = "rgb(246, 245, 242)", "rgb(20, 22, 26)"
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}
# Best practices and WCAG 2.2, levels A and AA; contrast is among them.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        reason = f"no browser on PATH: {', '.join(NAMES)}"
        if os.environ.get("CKSSD_TEST_BROWSER") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as driver:
        # As root, Chromium runs without its sandbox only; the page is ours.
        launched = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@dataclass
class Opened:
    """A page, and what it complained of or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def files(
    made_once: tuple[Bench, Path], whole: Report, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """A report of one run and one of two, on disk."""
    folder = tmp_path_factory.mktemp("pages")
    two = whole_report(made_once[1], made_once[1])
    made = {"one": whole, "two": two}
    for name, report in made.items():
        (folder / f"{name}.html").write_text(page(report.data, report.pictures), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


def opened(
    browser: Browser, file: Path, width: str = "desktop", colours: str = "light", **more: Any
) -> Opened:
    across, down = WIDTHS[width]
    context = browser.new_context(viewport={"width": across, "height": down}, color_scheme=colours, **more)
    found = Opened(context.new_page())
    found.page.on("console", lambda said: found.complaints.append(said.text))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.goto(file.as_uri())
    return found


@pytest.mark.parametrize("name", ["one", "two"])
def test_the_page_is_whole_and_legible(browser: Browser, files: dict[str, Path], name: str) -> None:
    found = opened(browser, files[name])
    shown = found.page
    for place, (width, colours, paper) in enumerate(
        (
            ("desktop", "light", LIGHT),
            ("phone", "dark", DARK),
            ("phone", "light", LIGHT),
            ("desktop", "dark", DARK),
        )
    ):
        across, down = WIDTHS[width]
        shown.set_viewport_size({"width": across, "height": down})
        shown.emulate_media(color_scheme=colours)
        assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == paper
        assert shown.evaluate("document.documentElement.scrollWidth") <= across
        if place < 2:  # all rules take seconds; both widths and both colours are among these two
            assert violations(shown) == []
    assert found.complaints == []
    assert [url for url in found.requests if not url.startswith("data:")] == [files[name].as_uri()]
    shown.context.close()


def violations(shown: Page) -> list[str]:
    """What axe-core finds wrong; of what is alike (pictures, rows, runs), the first few are looked at."""
    alike = (".gallery figure:nth-child(n+3)", "tbody tr:nth-child(n+4)", "details.run > *:not(summary)")
    left_out = {"exclude": [[one] for one in alike]}
    axe = Axe().run(shown, context=left_out, options={"runOnly": {"type": "tag", "values": RULES}})
    found = axe.response["violations"]
    return [f"{one['id']}: {[node['html'][:90] for node in one['nodes'][:3]]}" for one in found]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_question_and_the_answer_are_seen_first(
    browser: Browser, files: dict[str, Path], whole: Report, width: str
) -> None:
    shown = opened(browser, files["one"], width).page
    for place in (shown.get_by_role("heading", level=1), shown.locator(".tile").first):
        box = place.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= WIDTHS[width][1]
    assert f"{whole.data['runs'][0]['answer']['mAP']:.3f}" in shown.locator(".tile").first.inner_text()
    drawn = shown.evaluate(
        "[...document.querySelectorAll('svg.chart')].map(one => [one.clientWidth, one.clientHeight])"
    )
    assert all(across > 250 and down > 140 for across, down in drawn), drawn
    shown.context.close()


def test_pictures_are_decoded_and_filtered_by_keyboard(browser: Browser, files: dict[str, Path]) -> None:
    found = opened(browser, files["one"])
    shown = found.page
    decoded = shown.evaluate(
        "Promise.all([...document.querySelectorAll('.gallery image')].map(async one => {"
        " const picture = new Image(); picture.src = one.getAttribute('href'); await picture.decode();"
        " return picture.naturalWidth }))"
    )
    assert decoded
    assert all(decoded)
    figures = shown.locator(".gallery figure")
    every = figures.count()
    kinds = shown.get_by_label("Kind")
    kinds.focus()
    shown.keyboard.press("ArrowDown")
    kind = kinds.input_value()
    assert kind
    wanted = shown.locator(f".gallery figure[data-kinds*='{kind}']").count()
    assert shown.locator(".gallery figure:visible").count() == wanted > 0
    assert shown.get_by_text(f"{wanted} of {every} pictures").is_visible()
    assert found.complaints == []
    shown.context.close()


def test_tables_sort_and_colours_change_by_keyboard(browser: Browser, files: dict[str, Path]) -> None:
    shown = opened(browser, files["one"]).page
    table = shown.locator("#classes table").first
    objects = table.get_by_role("button", name="Objects")
    for order in ("descending", "ascending"):
        objects.focus()
        shown.keyboard.press("Enter")
        assert table.locator(f"th[aria-sort={order}]").inner_text().startswith("Objects")
        numbers = [int(text) for text in table.locator("tbody td:nth-child(6)").all_inner_texts()]
        assert numbers == sorted(numbers, reverse=order == "descending")
    shown.keyboard.press("Control+Home")
    shown.get_by_role("button", name="Show in dark colours").press("Enter")
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == DARK
    shown.context.close()


def test_the_first_tab_skips_to_the_content(browser: Browser, files: dict[str, Path]) -> None:
    shown = opened(browser, files["one"]).page
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.textContent") == "Skip to the content"
    shown.context.close()


def test_a_link_to_a_run_opens_it(browser: Browser, files: dict[str, Path]) -> None:
    shown = opened(browser, files["two"]).page
    run = shown.locator("details.run").nth(1)
    assert run.get_attribute("open") is None
    shown.locator("#comparison tbody a").nth(1).press("Enter")
    shown.locator("details.run[open]").wait_for()
    assert run.get_attribute("open") is not None
    shown.context.close()


def test_without_javascript_everything_is_there(browser: Browser, files: dict[str, Path]) -> None:
    shown = opened(browser, files["one"], java_script_enabled=False).page
    assert shown.locator(".filters").is_hidden()
    assert shown.locator("#theme").is_hidden()
    assert shown.locator(".gallery figure:visible").count() == shown.locator(".gallery figure").count() > 0
    assert shown.locator("svg.chart:visible").count() == 6
    shown.context.close()


def test_print_shows_all_and_no_controls(browser: Browser, files: dict[str, Path]) -> None:
    shown = opened(browser, files["one"], colours="dark").page
    shown.emulate_media(media="print", color_scheme="light")
    assert shown.locator("nav").is_hidden()
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(shown.pdf(format="A4")) > 20_000
    shown.context.close()

"""The documentation's site: built without a warning, from pages that the code writes."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from ckssd.install.uv import find_uv
from tests.support.sandbox import CHECKOUT

pytestmark = pytest.mark.slow(seconds=15)
MKDOCS = ("run", "--quiet", "--isolated", "--frozen", "--no-dev", "--group", "docs", "mkdocs")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a site")
    done = subprocess.run(
        [str(find_uv()), *MKDOCS, "build", "--quiet", "--strict", "--site-dir", str(folder)],
        cwd=CHECKOUT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_reference_is_the_codes_own(site: Path) -> None:
    options = (site / "reference" / "options.html").read_text()
    assert "--min-score" in options
    assert "CK_METRIC_TYPE" in (site / "reference" / "variables.html").read_text()
    packages = (site / "reference" / "packages.html").read_text()
    entries = [path.parent.parent.name for path in CHECKOUT.glob("package/model-*/.cm/meta.json")]
    assert len(entries) > 20
    assert [name for name in entries if name not in packages] == []


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = re.findall(r'<(?:script|img|link)[^>]*(?:src|href)="(https?://[^"]+)"', page.read_text())
        assert loaded == [], page

"""The page docs/operating-point.md: its ``sh`` blocks are run as they stand, with the built-in model."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from tests.e2e.test_your_own_model import variable
from tests.support.sandbox import CHECKOUT, Sandbox

PAGE = CHECKOUT / "docs" / "operating-point.md"


def test_every_command_of_the_page_does_what_the_page_says(installed: Sandbox, tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    annotations = variable(installed, "dataset,object-detection,shapes,val", "CK_ENV_DATASET_ANNOTATIONS")
    script = "\n".join([f"cd '{tmp_path}'; export CK_ENV_DATASET_ANNOTATIONS='{annotations}'", *blocks])
    told = installed.run("bash", "-e", "-c", script)
    assert told.code == 0, told.text
    for line in re.findall(r"^    (\S.*)$", PAGE.read_text(), re.MULTILINE):
        if line.startswith(("250 images", "Best F1", "For ")):
            assert line in told.out
    for threshold in ("0.55", "0.6", "0.65"):
        assert re.search(rf"^ +{threshold} +0\.\d{{4}} +0\.\d{{4}}", told.out, re.MULTILINE)
    assert "The best F1 of each IoU threshold of NMS:" in told.out
    points = list(csv.DictReader((tmp_path / "out" / "sweep.csv").open()))
    assert len(points) == 19 * 7

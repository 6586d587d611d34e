"""`ckssd benchmark --results`: a folder for all of a run, without files of another, not over what is read."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from ckssd.cli.kept import begin_results
from ckssd.errors import UsageError
from ckssd.measure.record import DATA_SET_FILE, DETECTIONS_FILE, IMAGE_TIMES_FILE, TIMER_FILE


def asked(**given: Any) -> Namespace:
    names = ("results", "detections", "image_times", "model", "labels", "annotations")
    return Namespace(**{**dict.fromkeys(names), **given})


def test_a_folder_is_made_without_an_earlier_run_s_results(tmp_path: Path) -> None:
    folder = tmp_path / "a new" / "folder"
    folder.mkdir(parents=True)
    for name in (DATA_SET_FILE, DETECTIONS_FILE, IMAGE_TIMES_FILE, TIMER_FILE, "mine.txt"):
        (folder / name).write_text("{}")
    options = asked(results=folder)
    begin_results(options, ())
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert (options.detections, options.image_times) == (folder / DETECTIONS_FILE, folder / IMAGE_TIMES_FILE)


def test_two_places_for_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--results and --detections both name a place"):
        begin_results(asked(results=tmp_path / "run", detections=tmp_path / "found.json"), ())
    assert not (tmp_path / "run").exists()


def test_what_is_read_is_not_overwritten(tmp_path: Path) -> None:
    annotations = tmp_path / DETECTIONS_FILE
    annotations.write_text("{}")
    with pytest.raises(UsageError, match="--results would overwrite what is read"):
        begin_results(asked(results=tmp_path), (annotations,))
    assert annotations.exists()

"""Videos through a model: the same detections as of the frames as pictures, rows with times, drawn videos."""

from __future__ import annotations

import csv
import json
import tracemalloc
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from ckssd.detect import videos
from ckssd.detect.pictures import Finder, Request, detect_pictures
from ckssd.detect.video import Video
from ckssd.detect.videos import VideoRequest, detect_videos, video_request_from
from ckssd.errors import EnvironmentSetupError, InputError, UsageError
from ckssd.model.description import Model
from tests.detect.tiny_video import RATE, turn, write_video


@pytest.fixture
def model(tiny_path: Path) -> Model:
    (tiny_path.parent / "labels.txt").write_text("circle\nsquare\ntriangle\nstar\nring\ncross\n")
    return Model("litert", tiny_path, labels=tiny_path.parent / "labels.txt")


def run(model: Model, *paths: Path, **settings: Any) -> dict[str, Any]:
    return detect_videos(VideoRequest(model, paths, quiet=True, **settings))


def test_each_frame_has_its_own_detections_with_number_and_time(model: Model, folder: Path) -> None:
    path = write_video(folder / "clip.mp4", 7)
    found = run(model, path, every=3, output=folder / "found.json")
    rows = json.loads((folder / "found.json").read_text())
    finder = Finder(model, 1, "pillow", None)
    with Video(path) as opened:
        frames = [(frame.number, finder.find(frame.pixels, "")[0]) for frame in opened.frames(3)]
    assert [(row["frame"], row["score"]) for row in rows] == [
        (number, score) for number, shown in frames for score in shown.scores.tolist()
    ]
    assert {(row["frame"], row["seconds"], row["image_id"]) for row in rows} == {
        (0, 0.0, 1),
        (3, 0.3, 2),
        (6, 0.6, 3),
    }
    (summary,) = found["videos"]
    assert (summary["frames_read"], summary["frames_detected"], summary["last_s"]) == (7, 3, 0.6)
    assert summary["detections"] == len(rows) == sum(summary["found"].values()) > 0
    assert summary["frames_per_second"] > 0


def test_rows_as_a_table_are_those_of_json(model: Model, folder: Path) -> None:
    paths = [write_video(folder / "clip.mp4", 3), write_video(folder / "other.mkv", 2)]
    for name in ("found.json", "found.csv"):
        run(model, *paths, output=folder / "out" / name)
    rows = json.loads((folder / "out" / "found.json").read_text())
    table = list(csv.DictReader((folder / "out" / "found.csv").open()))
    assert [float(line["score"]) for line in table] == [row["score"] for row in rows]
    assert [(line["file"], line["frame"], line["image_id"]) for line in table] == [
        (row["file_name"], str(row["frame"]), str(row["image_id"])) for row in rows
    ]
    assert {row["image_id"] for row in rows} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("size", [(64, 48), (96, 64)])
def test_a_drawn_video_is_h264_with_the_frames_at_their_times(
    model: Model, folder: Path, size: tuple[int, int]
) -> None:
    path = write_video(folder / "clip.mkv", 9, size)
    found = run(model, path, every=2, draw=folder)
    assert found["videos"][0]["drawn"] == str(folder / "clip.mp4")
    with av.open(str(folder / "clip.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        frames = list(container.decode(stream))
    assert [float(frame.time) for frame in frames] == pytest.approx([n / RATE for n in range(0, 9, 2)])
    assert (frames[0].width, frames[0].height) == size
    with Video(path) as opened:
        plain = next(opened.frames())
    drawn = frames[0].to_ndarray(format="rgb24").astype(int)
    assert np.abs(drawn - plain.pixels).max() > 60, "boxes should be in it"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_a_drawn_video_of_odd_sides_and_of_two_sizes_is_written(model: Model, folder: Path) -> None:
    one, other = write_video(folder / "1.ts", 3), write_video(folder / "2.ts", 3, (96, 64))
    path = folder / "both.ts"
    path.write_bytes(one.read_bytes() + other.read_bytes())
    found = run(model, path, draw=folder)
    assert "3 frames of another size were scaled" in " ".join(found["notes"])
    with av.open(found["videos"][0]["drawn"]) as container:
        assert {(frame.width, frame.height) for frame in container.decode(video=0)} == {(64, 48)}


def test_boxes_of_a_turned_video_are_in_the_upright_frame(model: Model, folder: Path) -> None:
    found = run(model, turn(write_video(folder / "clip.mp4", 2)))
    assert (found["videos"][0]["width"], found["videos"][0]["height"]) == (48, 64)
    assert "turned upright" in " ".join(found["notes"])


def test_it_ends_after_so_many_frames(model: Model, folder: Path) -> None:
    found = run(model, turn(write_video(folder / "clip.mp4", 9)), frames=2, every=2)
    assert found["videos"][0]["frames_detected"] == 2
    assert not any("cut short" in note for note in found["notes"])
    assert any("turned upright" in note for note in found["notes"])


def test_a_source_without_end_is_read_for_so_many_frames(
    model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a camera is: FFmpeg's own test pictures stand in for one."""

    def pictures(_: int) -> Video:
        return Video(Path("testsrc=size=64x48:rate=10"), kind="lavfi")

    monkeypatch.setattr(videos, "camera", pictures)
    found = run(model, camera=0, frames=4, every=3, draw=folder)
    (summary,) = found["videos"]
    assert (summary["file"], summary["frames_read"], summary["last_s"]) == ("camera 0", 10, 0.9)
    with Video(folder / "camera-0.mp4") as drawn:
        assert [frame.seconds for frame in drawn.frames()] == pytest.approx([0, 0.3, 0.6, 0.9])


def test_a_video_that_cannot_be_read_is_found_before_the_first_is_run(model: Model, folder: Path) -> None:
    broken = folder / "broken.mp4"
    broken.write_bytes(b"none")
    with pytest.raises(InputError, match=r"broken\.mp4"):
        run(model, write_video(folder / "clip.mp4", 2), broken, draw=folder / "out", output=folder / "x.csv")
    assert not (folder / "x.csv").exists()
    assert not list((folder / "out").glob("*")) if (folder / "out").exists() else True


def test_a_run_that_fails_leaves_no_files(
    model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise InputError("no more")

    monkeypatch.setattr(Finder, "find", fail)
    (folder / "out").mkdir()
    with pytest.raises(InputError, match="no more"):
        run(model, write_video(folder / "clip.mp4", 2), draw=folder / "out", output=folder / "out" / "x.csv")
    assert list((folder / "out").iterdir()) == []


def test_a_drawn_video_that_cannot_be_written_is_one_line(model: Model, folder: Path) -> None:
    with pytest.raises(EnvironmentSetupError, match="The video cannot be written"):
        run(model, write_video(folder / "clip.mp4", 2), draw=folder / "not there")


def test_memory_does_not_grow_with_the_length(model: Model, folder: Path) -> None:
    peaks, made = [], folder / "out"
    made.mkdir()
    for frames in (8, 8, 48):  # the first also pays for what is loaded once
        path = write_video(folder / f"{frames}.mp4", frames, (320, 240))
        tracemalloc.start()
        run(model, path, output=folder / "rows.csv", draw=made)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - peaks[1] < 4 * 320 * 240 * 3, peaks


def test_a_video_is_never_overwritten_by_its_drawing(model: Model, folder: Path) -> None:
    path = write_video(folder / "clip.mp4", 2)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="--draw would overwrite what it reads"):
        run(model, path, draw=folder / ".." / folder.name)
    assert path.read_bytes() == before


def test_a_picture_is_never_overwritten_by_its_drawing(model: Model, folder: Path) -> None:
    path = folder / "one.png"
    Image.new("RGB", (20, 20)).save(path)
    with pytest.raises(UsageError, match="--draw would overwrite what it reads"):
        detect_pictures(Request(model, (path,), draw=folder, quiet=True))


def test_a_request_is_checked(tiny_path: Path) -> None:
    model = {"runtime": "litert", "file": str(tiny_path)}
    for wrong in ({}, {"videos": [], "other": 1}, {"videos": [], "every": 0}, {"videos": [], "frames": "x"}):
        with pytest.raises(UsageError):
            video_request_from({"model": model, **wrong})
    with pytest.raises(UsageError, match="A camera has no end"):
        video_request_from({"model": model, "videos": [], "camera": 0})

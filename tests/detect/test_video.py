"""Frames of videos: upright, with their times; what is cut or broken ends well, what is none is one line."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckssd.detect import video
from ckssd.detect.video import Frame, Video, camera
from ckssd.errors import EnvironmentSetupError, InputError
from tests.detect.tiny_video import RATE, SIZE, turn, write_sound, write_video

ENDINGS = (".mp4", ".mkv", ".avi", ".ts", ".mov")


def read(path: Path, every: int = 1, orientation: str = "upright") -> tuple[list[Frame], list[str]]:
    with Video(path, orientation) as opened:  # type: ignore[arg-type]
        return list(opened.frames(every)), opened.notes()


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("every", [1, 7])
def test_frames_come_with_their_numbers_and_times(folder: Path, ending: str, every: int) -> None:
    frames, notes = read(write_video(folder / f"clip{ending}"), every)
    assert [frame.number for frame in frames] == list(range(0, 20, every))
    assert [frame.seconds for frame in frames] == pytest.approx([n / RATE for n in range(0, 20, every)])
    assert notes == []
    left, right = frames[0].pixels[:, 4].mean(axis=0), frames[0].pixels[:, -4].mean(axis=0)
    assert left == pytest.approx([200, 20, 20], abs=12)
    assert right == pytest.approx([40, 40, 40], abs=12)


def test_frames_at_uneven_times_keep_them(folder: Path) -> None:
    times = [0, 0.1, 0.5, 0.6, 2.0]
    frames, notes = read(write_video(folder / "clip.mp4", 5, times=times))
    assert [frame.seconds for frame in frames] == pytest.approx(times)
    assert notes == []


def test_a_phones_video_is_turned_upright_or_left_and_said_to_be(folder: Path) -> None:
    path = turn(write_video(folder / "clip.mp4", 3))
    frames, (note,) = read(path)
    assert {frame.size for frame in frames} == {SIZE[::-1]}
    # A quarter turn clockwise: what was on the left is at the top.
    assert frames[0].pixels[4].mean(axis=0) == pytest.approx([200, 20, 20], abs=12)
    assert "turned upright" in note
    stored, notes = read(path, orientation="stored")
    assert ({frame.size for frame in stored}, notes) == ({SIZE}, [])


def test_two_sizes_in_one_video_and_times_that_begin_anew(folder: Path) -> None:
    one, other = write_video(folder / "1.ts", 5), write_video(folder / "2.ts", 5, (96, 64))
    path = folder / "both.ts"
    path.write_bytes(one.read_bytes() + other.read_bytes())
    frames, notes = read(path)
    assert [frame.size for frame in frames] == [SIZE] * 5 + [(96, 64)] * 5
    assert [frame.seconds for frame in frames] == pytest.approx([n / RATE for n in range(10)])
    said = " ".join(notes)
    assert "the size changes (64x48, 96x64)" in said
    assert "times jump back 1 times" in said


def test_a_video_without_times_is_counted_by_its_rate(folder: Path) -> None:
    frames, notes = read(write_video(folder / "clip.h264", 5))
    assert [frame.seconds for frame in frames] == pytest.approx([n / 25 for n in range(5)])
    assert "5 frames without a time" in " ".join(notes)


@pytest.mark.parametrize(("ending", "unnoticed"), [(".mp4", 1), (".avi", 1), (".mkv", 5)])
@pytest.mark.parametrize("kept", [0.7, 0.8, 0.9, 0.95])
def test_a_file_cut_short_gives_what_it_has_and_says_so(
    folder: Path, ending: str, unnoticed: int, kept: float
) -> None:
    path = write_video(folder / f"clip{ending}", 60, (160, 120))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    frames, notes = read(path)
    assert len(frames) > 0
    assert len(frames) < 60 or kept > 0.8
    assert "cut short" in " ".join(notes) or len(frames) >= 60 - unnoticed


def test_an_mp4_that_lost_its_index_is_one_line(folder: Path) -> None:
    path = write_video(folder / "clip.mp4")
    data = path.read_bytes()
    path.write_bytes(data[:32] + data[data.index(b"mdat") - 4 :])
    with pytest.raises(InputError, match="cut short has lost its index"):
        read(path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_broken_file_gives_frames_or_one_error(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / f"clip{data.draw(st.sampled_from(ENDINGS))}"
    if not path.exists():
        write_video(path, 12)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(len(content) // 4, len(content))) :]
    broken = tmp_path / f"broken{path.suffix}"
    broken.write_bytes(content)
    try:
        frames, _ = read(broken)
    except InputError:
        return
    assert all(frame.pixels.dtype == np.uint8 and frame.pixels.ndim == 3 for frame in frames)
    times = [frame.seconds for frame in frames]
    assert times == sorted(times)


@pytest.mark.parametrize("content", [b"", b"hello" * 100, bytes(1000), b"\x7fELF" + bytes(500)])
def test_what_is_no_video_is_one_line(folder: Path, content: bytes) -> None:
    path = folder / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match="no video that can be read") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_one_with_sound_only_are_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"The video is missing: .*none\.mp4"):
        read(folder / "none.mp4")
    with pytest.raises(InputError, match="has no video in it"):
        read(write_sound(folder / "sound.mp4"))


def test_frames_too_large_to_hold_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "MOST_PIXELS", 1000)
    with pytest.raises(InputError, match=r"too large.*at most 1000 pixels, got 64x48"):
        read(write_video(folder / "clip.mp4", 2))


def test_a_camera_that_is_not_there_is_one_line() -> None:
    with pytest.raises(EnvironmentSetupError, match=r"no such camera|Linux only") as caught:
        camera(777)
    assert "\n" not in str(caught.value)


def test_an_environment_without_pyav_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(folder / "clip.mp4", 2)

    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(EnvironmentSetupError, match="Videos need PyAV"):
        read(path)

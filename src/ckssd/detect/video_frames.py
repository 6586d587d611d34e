"""``python -m ckssd.detect.video_frames``: frames of a video as PNG files, evenly spread over it.

Runs in an environment that has PyAV, for what has no video: calibration.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ckssd.detect.video import Frame, Video
from ckssd.endings import run_main
from ckssd.errors import EnvironmentSetupError
from ckssd.json_file import write_json

# Twice as many as are wanted are kept: a file may have fewer frames than it says.
SPARE = 2


def spread(video: Path, count: int, folder: Path) -> dict[str, Any]:
    """Write ``count`` frames of a video, or all if it has fewer, to a folder, upright and in full size.

    What a file says of its length may be wrong, or missing. So frames are taken at a distance that fits it;
    when there are too many, every second one goes, and the distance doubles.

    Returns
    -------
    dict
        ``frames``: the files' names, with the number of the frame in the video; ``notes`` on the video.

    Raises
    ------
    InputError
        It is no video that can be read.
    EnvironmentSetupError
        PyAV is not in this Python, or the frames cannot be written.
    """
    kept: list[Path] = []
    with Video(video) as opened:
        every, distance = max(1, (opened.stated_frames or 0) // (SPARE * count)), 1
        for index, frame in enumerate(opened.frames(every)):
            if index % distance == 0:
                kept.append(_write(frame, folder / f"{video.stem}-{frame.number:06}.png"))
            if len(kept) == 2 * SPARE * count:
                for left in kept[1::2]:
                    left.unlink()
                kept, distance = kept[::2], 2 * distance
        notes = opened.notes()
    number = min(count, len(kept))
    chosen = [kept[index * len(kept) // number] for index in range(number)]
    return {"frames": [path.name for path in chosen], "notes": notes}


def _write(frame: Frame, path: Path) -> Path:
    try:
        Image.fromarray(frame.pixels).save(path, compress_level=1)
    except OSError as error:
        raise EnvironmentSetupError("A frame cannot be written", where=path, got=error.strerror) from error
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 and what ``spread`` returns in ``--output``; or an error's code, and its line on stderr."""
    parser = argparse.ArgumentParser(prog="ckssd.detect.video_frames", description="Frames of a video.")
    parser.add_argument("--video", type=Path, required=True)
    parser.add_argument("--count", type=int, required=True, help="how many frames")
    parser.add_argument("--folder", type=Path, required=True, help="where the frames go")
    parser.add_argument("--output", type=Path, required=True, help="where their names go, as JSON")
    parser.add_argument("--error", type=Path, help="where a failure goes, as JSON")
    options = parser.parse_args(arguments)

    def run() -> int:
        write_json(options.output, spread(options.video, options.count, options.folder))
        return 0

    return run_main("ckssd quantize", run, error_file=options.error)


if __name__ == "__main__":
    sys.exit(main())

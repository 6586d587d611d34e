"""``python -m ckssd.detect --request FILE --output FILE``: pictures or videos, for ``ckssd detect``.

Runs in the environment that has the model's runtime. The request is a JSON object with the fields of
ckssd.detect.pictures.Request, or ckssd.detect.videos.VideoRequest; the result is one, too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ckssd.detect.pictures import detect_pictures, request_from
from ckssd.detect.videos import detect_videos, video_request_from
from ckssd.endings import run_main
from ckssd.json_file import read_object, write_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or an error's own."""
    parser = argparse.ArgumentParser(prog="ckssd.detect", description="Detect objects in pictures.")
    parser.add_argument("--request", type=Path, required=True, help="JSON object, fields of Request")
    parser.add_argument("--output", type=Path, required=True, help="where the result goes, as JSON")
    parser.add_argument("--error", type=Path, help="where a failure goes, as JSON")
    options = parser.parse_args(arguments)

    def detect() -> int:
        request = read_object(options.request, "request")
        if "videos" in request:
            found = detect_videos(video_request_from(request))
        else:
            found = detect_pictures(request_from(request))
        write_json(options.output, found)
        return 0

    return run_main("ckssd detect", detect, error_file=options.error)


if __name__ == "__main__":
    sys.exit(main())

"""``python -m ckssd.loadgen --settings FILE --logs DIR --output FILE``: one run under LoadGen."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ckssd.endings import run_main
from ckssd.json_file import read_object, write_json
from ckssd.loadgen.settings import from_mapping
from ckssd.loadgen.summary import summary
from ckssd.loadgen.watch import exit_with
from ckssd.loadgen.worker import run_loadgen


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 and the result in ``--output``; or an error's code, and its line on stderr."""
    parser = argparse.ArgumentParser(prog="ckssd.loadgen", description="One run under LoadGen.")
    parser.add_argument("--settings", type=Path, required=True, help="JSON object, fields of LoadGenSettings")
    parser.add_argument("--logs", type=Path, required=True, help="a folder for LoadGen's files")
    parser.add_argument("--output", type=Path, required=True, help="where the result goes, as JSON")
    parser.add_argument("--error", type=Path, help="where a failure goes, as JSON")
    options = parser.parse_args(arguments)

    def run() -> int:
        settings = from_mapping(read_object(options.settings, "settings"))
        result = run_loadgen(settings, options.logs, exit_with(options.error))
        print(summary(result), flush=True)
        write_json(options.output, result.as_timer())
        return 0

    return run_main("ckssd loadgen", run, error_file=options.error)


if __name__ == "__main__":
    sys.exit(main())

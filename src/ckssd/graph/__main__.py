"""``python -m ckssd.graph --settings FILE --output FILE``: one conversion, for ``ckssd mo``.

Runs in the environment that has openvino. The settings are a JSON object: ``ckssd mo``'s flags.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ckssd.endings import run_main
from ckssd.graph.mo import convert
from ckssd.graph.options import from_mapping, options_from
from ckssd.json_file import read_object


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 and the account in ``--output``; or an error's code, and its line on stderr."""
    parser = argparse.ArgumentParser(prog="ckssd.graph", description="Convert a graph by a settings file.")
    parser.add_argument("--settings", type=Path, required=True, help="JSON object: flags of ckssd mo")
    parser.add_argument("--output", type=Path, required=True, help="where the account goes, as JSON")
    parser.add_argument("--error", type=Path, help="where a failure goes, as JSON")
    options = parser.parse_args(arguments)

    def run() -> int:
        converted = convert(options_from(from_mapping(read_object(options.settings, "settings"))))
        content = {"data": converted.data, "lines": converted.lines}
        options.output.write_text(json.dumps(content), encoding="utf-8")
        return 0

    return run_main("ckssd mo", run, error_file=options.error)


if __name__ == "__main__":
    sys.exit(main())

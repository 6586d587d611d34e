"""``program:object-detection-tflite-loadgen`` as CK runs it: variables in, CK's timer file out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from ckssd.endings import run_main
from ckssd.errors import CkssdError
from ckssd.json_file import write_json
from ckssd.loadgen.conduct import FILES, RECORD, conduct
from ckssd.loadgen.settings import from_environment
from ckssd.measure.record import FAILURE_FILE, TIMER_FILE, discard
from ckssd.report import failed


def main(environment: Mapping[str, str], folder: Path | None = None) -> int:
    """Run what the variables describe with this interpreter; ``folder`` is CK's temporary one.

    Returns the exit code. A failed run prints one line and leaves neither a timer file nor logs, not even
    those of an earlier run: CK would record them.
    """
    folder = folder or Path.cwd()
    timer = folder / (environment.get("CK_TIMER_FILE") or TIMER_FILE)
    failure = folder / FAILURE_FILE

    def run() -> int:
        discard([timer, failure, *(folder / name for name in (RECORD, *FILES))])
        record, text = conduct(Path(sys.executable), from_environment(environment), folder)
        print(text, flush=True)
        write_json(timer, record)
        return 0

    def on_error(error: CkssdError) -> int:
        failure.write_text(str(error), encoding="utf-8")  # for CK, which asks in a hook of its own
        return failed(error, "FAILED")

    return run_main("FAILED", run, on_error)

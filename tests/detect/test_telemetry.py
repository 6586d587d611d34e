"""Nothing is reported over the network by the libraries that measure."""

from __future__ import annotations

import subprocess
import sys


def test_openvino_reports_nothing_and_the_main_module_runs_once() -> None:
    code = (
        "import multiprocessing, sys, ckssd.detect.openvino; print('ran');"
        "print([name for name in sys.modules if name.startswith('openvino_telemetry.')]);"
        "print(multiprocessing.active_children())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["ran", "[]", "[]"]

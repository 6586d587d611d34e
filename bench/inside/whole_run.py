"""A benchmark run: ``whole_run.py SETTINGS`` prints times, mAP and the peak memory of both processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ckssd.measure.run import run_benchmark
from ckssd.measure.settings import from_mapping

timer = run_benchmark(from_mapping(json.loads(Path(sys.argv[1]).read_bytes()))).as_timer()
memory = {name: value for name, value in timer["settings"]["machine"].items() if "peak_memory" in name}
whole = {"mAP": timer["mAP"], "images": timer["images"], "detections": timer["detections"]}
print(json.dumps({**timer["run_time_state"], **memory, **whole}))

"""A benchmark run without its metrics: ``detect_only.py SETTINGS`` prints what its times were."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ckssd.measure.run import detect_data_set
from ckssd.measure.settings import from_mapping
from ckssd.memory import peak_memory_mb

found = detect_data_set(from_mapping(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
times = {
    **found.times.as_dict(),
    "images": len(found.times.detect),
    "detections": len(found.detections),
    "peak_memory_mb": peak_memory_mb(),
}
print(json.dumps(times))

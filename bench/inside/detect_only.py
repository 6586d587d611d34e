"""A benchmark run without its metrics: ``detect_only.py SETTINGS`` prints what its times were."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from ckssd.measure.run import detect_data_set
from ckssd.measure.settings import from_mapping

found = detect_data_set(from_mapping(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
times = {
    **found.times.as_dict(),
    "images": len(found.times.detect),
    "detections": len(found.detections),
    "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}
print(json.dumps(times))

"""``conversion_cost.py SETTINGS``: seconds and peak megabytes of a whole process of ``ckssd.graph``."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time

began = time.perf_counter()
subprocess.run(
    [sys.executable, "-m", "ckssd.graph", "--settings", sys.argv[1], "--output", os.devnull], check=True
)
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({"seconds": seconds, "peak_mb": peak / 1024}))

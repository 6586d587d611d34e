"""One benchmark run by a settings file; prints its mAP."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ckssd.measure.run import run_benchmark
from ckssd.measure.settings import from_mapping

print(run_benchmark(from_mapping(json.loads(Path(sys.argv[1]).read_bytes()))).mean_average_precision)

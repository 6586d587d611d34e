"""Runs in the TensorFlow environment; the logic is in src/ckssd/measure."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from ckssd.cluster.program import main

sys.exit(main(os.environ))

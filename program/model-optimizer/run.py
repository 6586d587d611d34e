"""Runs in CK's own Python; the logic is in src/ckssd."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from ckssd.ck.programs import optimize

sys.exit(optimize(os.environ, Path.cwd()))

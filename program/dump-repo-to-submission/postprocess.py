"""CK's hook after the run; the logic is in src/ckssd."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from ckssd.ck.failures import tell_failure as ck_postprocess

__all__ = ["ck_postprocess"]

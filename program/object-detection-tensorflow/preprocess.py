"""CK's hook before the run; the logic is in src/ckssd."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from ckssd.ck.refusals import refuse_secrets as ck_preprocess

__all__ = ["ck_preprocess"]

"""CK's hooks for every soft entry of this repository; the logic is in src/ckssd."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

try:
    from ckssd.ck.soft import dirs, limit, setup, version_cmd
except ImportError as problem:
    CHECKOUT = Path(__file__).resolve().parents[2]
    MISSING = (
        f"{sys.executable} lacks a package ({problem}); run: {sys.executable} -m pip install '{CHECKOUT}'"
    )

    def setup(i):
        """Tell CK what is missing."""
        return {"return": 7, "error": MISSING}

    dirs = limit = version_cmd = setup

__all__ = ["dirs", "limit", "setup", "version_cmd"]

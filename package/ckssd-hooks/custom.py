"""CK's hooks for every package of this repository; the logic is in src/ckssd."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

try:
    from ckssd.ck.package import pre_path, setup
except ImportError as problem:  # CK would swallow this and register an empty folder
    CHECKOUT = Path(__file__).resolve().parents[2]
    MISSING = (
        f"{sys.executable} lacks a package ({problem}); run: {sys.executable} -m pip install '{CHECKOUT}'"
    )

    def setup(i):
        """Tell CK what is missing."""
        return {"return": 7, "error": MISSING}

    pre_path = setup


__all__ = ["pre_path", "setup"]

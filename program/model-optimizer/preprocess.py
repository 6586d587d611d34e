"""CK's hook before the run: which Python has the library of this project."""

import sys


def ck_preprocess(i):
    """Name the interpreter that runs CK itself."""
    return {"return": 0, "new_env": {"CKSSD_PYTHON": sys.executable}}

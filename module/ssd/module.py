"""CK module ``ssd``: the project's own actions (``ck info ssd``); the logic is in src/ckssd."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from ckssd.ck.actions import (
    clean,
    doctor,
    export_data_set,
    import_data_set,
    info,
    list_records,
    report,
    show_data_set,
    verify,
)

__all__ = [
    "clean",
    "doctor",
    "export_data_set",
    "import_data_set",
    "info",
    "init",
    "list_records",
    "report",
    "show_data_set",
    "verify",
]

cfg = {}  # CK fills in this module's meta,
work = {}  # what it knows of the module,
ck = None  # and its kernel.


def init(i):
    """CK calls this when it loads the module."""
    return {"return": 0}

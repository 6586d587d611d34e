"""Starts a run under LoadGen as a process of its own, and keeps its files only when all is well."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from ckssd.json_file import write_json
from ckssd.loadgen.logs import AUDIT_CONFIG, IMAGES_FILE, LOGS, MLPERF_CONF, USER_CONF
from ckssd.loadgen.settings import LoadGenSettings, as_mapping
from ckssd.measure.record import discard
from ckssd.staging import staging_folder
from ckssd.worker import run_worker

RECORD = "loadgen.json"
FILES = (*LOGS, USER_CONF, MLPERF_CONF, IMAGES_FILE)


def conduct(python: Path, settings: LoadGenSettings, folder: Path) -> tuple[dict[str, Any], str]:
    """Run LoadGen with an interpreter that has the runtime; its files and the record go to ``folder``.

    Returns
    -------
    record
        See ckssd.loadgen.result.LoadGenResult.as_timer.
    text
        The summary.

    Raises
    ------
    CkssdError
        What went wrong; ``folder`` then has none of these files, not even those of an earlier run.
    """
    folder = folder.absolute()
    discard(folder / name for name in (RECORD, AUDIT_CONFIG, *FILES))
    with staging_folder(folder, "loadgen") as logs, tempfile.TemporaryDirectory(prefix="ckssd-") as own:
        described = Path(own) / "settings.json"
        described.write_text(json.dumps(as_mapping(settings)), encoding="utf-8")
        words = ["--settings", str(described), "--logs", str(logs)]
        record, text = run_worker(python, "ckssd.loadgen", words)
        for name in (*FILES, *([AUDIT_CONFIG] if settings.audit else [])):
            (logs / name).replace(folder / name)
        write_json(folder / RECORD, record)
    return record, text

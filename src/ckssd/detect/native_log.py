"""What runtimes log on standard error from native code, past Python: what only informs is not shown.

TensorFlow and LiteRT have no setting for all of it, so standard error itself is put aside for a while.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator

from ckssd.process import only_informs

_ONE_AT_A_TIME = threading.RLock()
STANDARD_ERROR = 2


@contextlib.contextmanager
def without_native_log() -> Iterator[None]:
    """Hold back what is written to standard error meanwhile; at the end all of it that does more than inform.

    Threads that do this at once wait for each other: the process has one standard error.
    """
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        kept = os.dup(STANDARD_ERROR)
        os.dup2(held.fileno(), STANDARD_ERROR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, STANDARD_ERROR)
            os.close(kept)
            held.seek(0)
            for line in held.read().decode("utf-8", "replace").splitlines():
                if line.strip() and not only_informs(line):
                    print(line, file=sys.stderr, flush=True)

"""CK's kernel behind two typed functions: ask and get a dictionary, or an error of our family."""

from __future__ import annotations

import functools
import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ckssd.errors import CkssdError, RunError, error_from
from ckssd.secrets import hide

Answer = dict[str, Any]

INTERRUPTED = 128 + signal.SIGINT


def access(request: dict[str, Any]) -> Answer:
    """Ask CK for an action in this process.

    Raises
    ------
    CkssdError
        What one of our hooks raised.
    RunError
        CK answered with a return code above 0; the text is CK's own.
    """
    import ck.kernel  # reads CK_REPOS when it is first imported, so not before it is needed

    answer: Answer = ck.kernel.access(request)
    if answer["return"] == INTERRUPTED:
        raise KeyboardInterrupt
    if "ckssd_error" in answer:
        raise error_from(answer["ckssd_error"])
    if answer["return"] > 0:
        place = ":".join(str(request[key]) for key in ("module_uoa", "data_uoa") if request.get(key))
        raise RunError(
            f"ck {request['action']} failed", where=place, got=answer.get("error", "no reason given")
        )
    return answer


def local_repository() -> Path:
    """Return the folder of the repository in which CK registers what is installed."""
    import ck.kernel  # as above

    ck.kernel.init({})  # does nothing when it was done before
    return Path(ck.kernel.work["dir_local_repo"])


def hook(function: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    """Make a function one of CK's hooks: an error of our family becomes CK's ``return`` and ``error``.

    Other exceptions are bugs of ours: CK would hide them, so their traceback is in the text.
    """

    @functools.wraps(function)
    def wrapped(i: dict[str, Any]) -> Answer:
        try:
            return {"return": 0, **function(i)}
        except CkssdError as error:
            return {"return": error.exit_code, "error": str(error), "ckssd_error": error.as_dict()}
        except KeyboardInterrupt:
            return {"return": INTERRUPTED, "error": "interrupted"}
        except Exception:  # noqa: BLE001 - a bug, shown whole instead of swallowed by CK
            trace = hide(traceback.format_exc())
            return {"return": 1, "error": f"a bug in ck-ssd, please report it:\n{trace}"}

    return wrapped

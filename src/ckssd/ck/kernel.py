"""CK's kernel behind two typed functions: ask and get a dictionary, or an error of our family."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any

from ckssd.errors import CkssdError, RunError

Answer = dict[str, Any]


def access(request: dict[str, Any]) -> Answer:
    """Ask CK for an action in this process.

    Raises
    ------
    RunError
        CK answered with a return code above 0; the text is CK's own.
    """
    import ck.kernel  # reads CK_REPOS when it is first imported, so not before it is needed

    answer: Answer = ck.kernel.access(request)
    if answer["return"] > 0:
        place = ":".join(str(request[key]) for key in ("module_uoa", "data_uoa") if request.get(key))
        raise RunError(
            f"ck {request['action']} failed", where=place, got=answer.get("error", "no reason given")
        )
    return answer


def hook(function: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    """Make a function one of CK's hooks: an error of our family becomes CK's ``return`` and ``error``.

    Other exceptions are bugs of ours: CK would hide them, so their traceback is in the text.
    """

    @functools.wraps(function)
    def wrapped(i: dict[str, Any]) -> Answer:
        try:
            return {"return": 0, **function(i)}
        except CkssdError as error:
            return {"return": error.exit_code, "error": str(error)}
        except Exception:  # noqa: BLE001 - a bug, shown whole instead of swallowed by CK
            return {"return": 1, "error": f"a bug in ck-ssd, please report it:\n{traceback.format_exc()}"}

    return wrapped

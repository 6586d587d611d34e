"""Which Python decodes videos: one that has PyAV, as the environments of LiteRT and OpenVINO do."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from ckssd.ck.environments import environments
from ckssd.errors import NotInstalledError

# Tags of environments with PyAV, and the variable of their Python.
HAVE_PYAV = {
    "lib,litert": "CK_ENV_LIB_LITERT_PYTHON_FILE",
    "lib,openvino": "CK_ENV_LIB_OPENVINO_PYTHON_FILE",
}


def python_with_pyav() -> Path:
    """Our own interpreter if it has PyAV, else that of an installed environment; raises NotInstalledError."""
    if importlib.util.find_spec("av") is not None:
        return Path(sys.executable)
    for tags, variable in HAVE_PYAV.items():
        if found := environments(tags):
            return Path(found[-1].variables[variable])
    raise NotInstalledError(
        "Videos are decoded by PyAV, which the environments of LiteRT and OpenVINO have",
        where="; ".join(HAVE_PYAV),
        advice="install one: ckssd install --tags=lib,litert",
    )

"""The library behind ck-ssd: everything that is logic, without Collective Knowledge.

Only :mod:`ckssd.ck` knows CK; every other room can be used and tested on its own.
"""

import sys

__version__ = "0.1.0"

# OpenVINO and NNCF report their use over the network as soon as they are imported, unless this module cannot
# be. It sends from a process of its own, which on Python 3.14 runs the main module again: twice the output.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

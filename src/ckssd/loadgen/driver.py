"""LoadGen itself: the compiled module, found and told what to do. Only this module knows it."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ckssd.errors import EnvironmentSetupError
from ckssd.loadgen.conf import SWITCHES, Number
from ckssd.loadgen.logs import AUDIT_CONFIG

MODULE = "mlperf_loadgen"
DISTRIBUTION = "mlcommons-loadgen"


def find_loadgen(folder: Path | None) -> ModuleType:
    """Import LoadGen from a site-packages folder, which this Python gets nothing else from.

    Raises
    ------
    EnvironmentSetupError
        There is none for this Python.
    """
    if folder is not None:
        sys.path.append(str(folder))
    try:
        return importlib.import_module(MODULE)
    except ImportError as error:
        there = [] if folder is None else sorted(path.name for path in folder.glob(f"{MODULE}*"))
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise EnvironmentSetupError(
            "LoadGen is not there for this runtime's Python",
            where=folder,
            expected=f"{MODULE} for Python {python}",
            got=", ".join(there) or str(error),
            advice="install both with one Python from 3.10 to 3.13: ckssd install --tags=lib,mlperf,loadgen "
            "--env CK_PYTHON=… --env CK_REINSTALL=yes",
        ) from error
    finally:
        if folder is not None:
            sys.path.remove(str(folder))


def version_of(module: ModuleType, folder: Path | None) -> str:
    """LoadGen's version, from its distribution's folder."""
    place = folder or Path(str(module.__file__)).parent
    names = [path.name for path in place.glob(f"{DISTRIBUTION.replace('-', '_')}-*.dist-info")]
    return names[0].removesuffix(".dist-info").rpartition("-")[2] if names else "unknown"


class Driver:
    """One test by LoadGen, in this process; LoadGen does only one in its life."""

    def __init__(self, module: ModuleType) -> None:
        self._loadgen = module
        self._response, self._complete = module.QuerySampleResponse, module.QuerySamplesComplete

    def answer(self, identity: int, address: int, size: int) -> None:
        """Tell LoadGen a sample's answer, ``size`` bytes at ``address``, which it copies if it needs them."""
        self._complete([self._response(identity, address, size)])

    def run(
        self,
        scenario: str,
        mode: str,
        attributes: Mapping[str, Number],
        folder: Path,
        *,
        issue: Callable[..., None],
        flush: Callable[[], None],
        load: Callable[..., None],
        unload: Callable[..., None],
        samples: int,
    ) -> None:
        """Run a test and return when LoadGen has written its logs into ``folder``.

        An ``audit.config`` there counts more than the attributes.
        """
        settings = self._settings(scenario, mode, attributes)
        system = self._loadgen.ConstructSUT(issue, flush)
        held = int(attributes["performance_sample_count_override"])
        library = self._loadgen.ConstructQSL(samples, held, load, unload)
        # A handler of Python's would raise inside a callback, or never run; so a signal ends the process.
        before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            # Never an audit.config that happens to lie in the current folder.
            self._loadgen.StartTestWithLogSettings(
                system, library, settings, self._logging(folder), str(folder / AUDIT_CONFIG)
            )
        finally:
            signal.signal(signal.SIGTERM, before)
        self._loadgen.DestroyQSL(library)
        self._loadgen.DestroySUT(system)

    def _settings(self, scenario: str, mode: str, attributes: Mapping[str, Number]) -> Any:
        settings = self._loadgen.TestSettings()
        settings.scenario = getattr(self._loadgen.TestScenario, scenario)
        settings.mode = getattr(self._loadgen.TestMode, mode)
        for name, value in attributes.items():
            setattr(settings, name, bool(value) if name in SWITCHES else value)
        return settings

    def _logging(self, folder: Path) -> Any:
        output = self._loadgen.LogOutputSettings()
        output.outdir = str(folder)
        output.copy_summary_to_stdout = False
        logging = self._loadgen.LogSettings()
        logging.log_output = output
        logging.enable_trace = False
        return logging

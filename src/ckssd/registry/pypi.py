"""PyPI's files by pip, of a version of its own: a wheel for any machine, or a source archive.

The file is chosen by its hash, and pip checks it before it looks inside. For a source archive pip also runs
the part of its build that states its metadata, so an entry prefers a wheel.
"""

from __future__ import annotations

import os
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from ckssd.errors import CkssdError, EnvironmentSetupError, RunError, UsageError, VerificationError
from ckssd.fetch import Purl, Source
from ckssd.install.uv import MISLEADING
from ckssd.process import in_one_line
from ckssd.registry.clients import client_environment
from ckssd.registry.running import how_to_go_without, run_client
from ckssd.report import step

OPTIONS = (
    *("--disable-pip-version-check", "--no-input", "--no-color", "download", "--no-deps"),
    *("--require-hashes", "--ignore-requires-python", "--progress-bar", "off", "--quiet", "--dest", "."),
)
OTHER_HASH = "DO NOT MATCH THE HASHES"


def pip_download(source: Source, purl: Purl, folder: Path) -> Path:
    """Fetch a file of one version of a package into ``folder``; errors as of `download_from_registry`."""
    chosen = choice_of(source.file_name)
    wanted = folder.with_name(f"{folder.name}.requirements.txt")
    try:
        with client_environment("pip") as environment:
            step(f"Fetching {source.file_name} by pip")
            wanted.write_text(
                f"{purl.name}=={purl.version} --hash=sha256:{source.sha256}\n", encoding="utf-8"
            )
            return run_client(
                [str(environment.python), "-m", "pip", *OPTIONS, *chosen, "-r", str(wanted)],
                {name: value for name, value in os.environ.items() if name not in MISLEADING},
                folder,
                name="pip",
                failure=lambda lines: _other_hash(source, lines),
                telling=telling_lines,
                source=source,
            )
    except RunError as error:
        raise EnvironmentSetupError(
            "pip, which fetches a file of PyPI, cannot be had",
            where=source.purl,
            got=error.got or error.what,
            advice=how_to_go_without(source),
        ) from error
    finally:
        wanted.unlink(missing_ok=True)


def choice_of(file_name: str) -> list[str]:
    """The options that make pip take a file of this name, whatever machine it runs on.

    Raises
    ------
    UsageError
        It is called like a wheel and is none.
    """
    if not file_name.endswith(".whl"):
        return ["--no-binary", ":all:"]
    try:
        _, _, _, tags = parse_wheel_filename(file_name)
    except InvalidWheelFilename as error:
        raise UsageError("this is no name of a wheel", where=file_name) from error
    platforms = sorted({tag.platform for tag in tags} - {"any"})
    interpreters = {tag.interpreter for tag in tags if tag.interpreter.startswith("cp")}
    options = ["--only-binary", ":all:", *(f"--platform={platform}" for platform in platforms)]
    if interpreters:
        options += ["--implementation=cp", f"--python-version={min(interpreters, key=len)[2:]}"]
        options += [f"--abi={abi}" for abi in sorted({tag.abi for tag in tags})]
    return options


def _other_hash(source: Source, lines: list[str]) -> CkssdError | None:
    if not any(OTHER_HASH in line for line in lines):
        return None
    got = [line.split()[-1] for line in lines if line.startswith("Got ")]
    return VerificationError(
        "the registry's file has another hash",
        where=source.purl,
        expected=f"sha256 {source.sha256}",
        got=f"sha256 {got[0]}" if got else "another",
        advice="do not trust this package index",
    )


def telling_lines(lines: list[str]) -> str:
    """What pip's messages say of a failure: its last error, and a connection that broke before."""
    broken = [line.removeprefix("WARNING: ") for line in lines if line.startswith("WARNING: Retrying")]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    telling = [*broken[-1:], *errors[-1:]] or [line for line in lines if line][-1:]
    return in_one_line(telling)[:400]

"""One run of a registry's client: its messages are kept, and what it should have written is looked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ckssd.errors import CkssdError, EnvironmentSetupError, InputError, NetworkError
from ckssd.fetch import Source
from ckssd.process import running


def run_client(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    name: str,
    failure: Callable[[list[str]], CkssdError | None],
    telling: Callable[[list[str]], str],
    source: Source,
) -> Path:
    """Run a client in an empty folder; return the file of ``source`` that it wrote there.

    Parameters
    ----------
    name
        What people call the client.
    failure
        Makes an error of the lines that it printed, where they have a meaning of their own.
    telling
        Chooses what of them to show in the error of any other failure.

    Raises
    ------
    EnvironmentSetupError
        It cannot be started.
    NetworkError
        It failed.
    InputError
        It gave another file.
    """

    def not_started(reason: str) -> EnvironmentSetupError:
        return EnvironmentSetupError(f"{name} cannot be started", where=command[0], got=reason)

    with running(command, environment, not_started=not_started, cwd=folder) as process:
        lines = [line.strip() for line in process.stdout or ()]
    if process.returncode != 0:
        raise failure(lines) or NetworkError(
            f"{name} could not fetch a package",
            where=source.purl,
            expected=source.file_name,
            got=telling(lines) or f"exit status {process.returncode}",
            advice=how_to_go_without(source),
        )
    found = sorted(path.name for path in folder.iterdir())
    if source.file_name not in found:
        raise InputError(
            f"{name} gave another file",
            where=source.purl,
            expected=source.file_name,
            got=", ".join(found) or "none",
        )
    return folder / source.file_name


def how_to_go_without(source: Source) -> str:
    """The advice for a machine on which a client does not work."""
    return f"try again later, or put {source.file_name} into a folder and set CKSSD_MIRROR to it"

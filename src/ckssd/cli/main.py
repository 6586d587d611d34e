"""``ckssd COMMAND``: reads the arguments, runs one command, prints its result once."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, Protocol, cast

import ckssd
from ckssd.cli.result import Result, output_to_stderr, show, show_error
from ckssd.endings import run_main
from ckssd.errors import CkssdError
from ckssd.secrets import hide


class Command(Protocol):
    """What a command's module gives; its docstring is the help text."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""

    def run(self, options: argparse.Namespace) -> Result:
        """Do it."""


# Each is a module of its name, imported when it is wanted: one command must not wait for what another needs.
COMMANDS = (
    "install",
    "info",
    "sources",
    "verify",
    "uninstall",
    "lock",
    "sync",
    "clean",
    "doctor",
    "cache",
    "export",
    "convert",
    "mo",
    "detect",
    "evaluate",
    "benchmark",
    "merge",
    "sweep",
    "compare",
    "report",
    "loadgen",
    "submission",
    "shapes",
    "dataset",
    "demo",
    "init",
)

EXIT_CODES = """\
exit codes: 0 done, 1 a bug, 2 bad arguments, 3 bad input file, 4 not installed or several match,
            5 verification failed, 6 network, 7 the machine lacks something, 8 a run failed"""


class Parser(argparse.ArgumentParser):
    """One whose messages show no secret of an address among the arguments."""

    def error(self, message: str) -> NoReturn:
        """Print usage and message, and end."""
        super().error(hide(message))


def command_of(name: str) -> Command:
    """Return the module of a command."""
    return cast(Command, importlib.import_module(f"ckssd.cli.{name}"))


def about(name: str) -> str:
    """The first line of a command's docstring, without importing the module and all that it imports."""
    source = (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")
    return source.removeprefix("r").removeprefix('"""').partition("\n")[0].removesuffix('"""').rstrip(".")


def make_parser(names: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser with these commands; of the others there is a line of help."""
    parser = Parser(
        prog="ckssd",
        description="SSD-MobileNet, reproducible again: install, convert, run and measure.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ckssd {ckssd.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        if name not in names:
            commands.add_parser(name, help=about(name))
            continue
        module = command_of(name)
        text = module.__doc__ or ""
        command = commands.add_parser(
            name,
            help=about(name),
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("--json", action="store_true", help="print the result as one JSON object")
        module.add_arguments(command)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    first = next((word for word in words if not word.startswith("-")), None)
    parser = make_parser([word for word in COMMANDS if word == first])
    options, unknown = parser.parse_known_args(words)
    if unknown:  # argparse itself would show the usage of all commands
        command = f"ckssd {options.command}"
        parser.error(f"{command} does not know {' '.join(unknown)}; {command} --help lists its options")

    def run() -> int:
        with output_to_stderr():
            result = command_of(options.command).run(options)
        show(options.command, result, as_json=options.json)
        return result.error.exit_code if result.error else 0

    def on_error(error: CkssdError) -> int:
        show_error(options.command, error, as_json=options.json)
        return error.exit_code

    return run_main(f"ckssd {options.command}", run, on_error)

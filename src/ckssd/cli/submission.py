"""Make a submission folder of MLPerf's form, or check one, rule by rule.

    ckssd submission create DIR --submitter NAME --tags shapes --dataset-tags shapes
    ckssd submission check DIR
    ckssd submission check --rules
    ckssd submission truncate DIR

`create` runs LoadGen in all scenarios of the round and keeps the runs: begun again, it goes on from there.
`check` is stricter than MLPerf's own checker, and ends with exit code 5 when a rule is broken.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ckssd.cli.pairs import pairs
from ckssd.cli.result import Result
from ckssd.errors import UsageError

if TYPE_CHECKING:
    from ckssd.submission.create import Wanted

CREATE = """Run LoadGen in all scenarios of the round, for performance and accuracy, and lay out a submission.

    ckssd submission create DIR --submitter NAME --tags shapes --dataset-tags shapes --min-duration 20
    ckssd submission create DIR --submitter NAME --runtime openvino --division closed --retraining no

It ends with what `check` finds, and with 0 whatever that is. Whatever cannot be read from the machine or the
model has to be stated: --field, --weight-transformations, --retraining."""
CHECK = """Hold a submission, anybody's, against every rule; exit code 5 when one is broken.

    ckssd submission check DIR
    ckssd submission check DIR --accept-declared    what DIR's own departures.json names is no failure"""
TRUNCATE = "Cut accuracy logs to 10 kB and write their hashes; the whole ones are kept."
STATED = {
    "starting_weights_filename": "where the weights come from: an address, or a file's name",
    "weight_transformations": "what was done to them: no, or converted by what, quantised by what",
    "weight_data_types": "default: the model's own",
    "input_data_types": "default: as the weights'",
    "retraining": "no, or by what",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    from ckssd.cli.loadgen import add_run_arguments

    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = _action(actions, "create", "run LoadGen in every scenario and lay out the submission", CREATE)
    create.add_argument(
        "folder", type=Path, metavar="DIR", help="of the submission; other systems in it stay"
    )
    create.add_argument("--submitter", required=True, metavar="NAME", help="who submits: a folder's name")
    create.add_argument("--division", default="open", help="open (default) or closed")
    create.add_argument(
        "--compliance", action="store_true", help="run the compliance tests (the closed division always does)"
    )
    create.add_argument("--system", default="", metavar="NAME", help="default: processor and runtime")
    create.add_argument("--scenarios", default="", help="default: all that the round wants")
    create.add_argument("--runs", type=Path, metavar="DIR", help="LoadGen's files (default: DIR-runs)")
    create.add_argument(
        "--field",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a field of the machine's description, such as host_storage_type=SSD",
    )
    for name, about in STATED.items():
        create.add_argument(f"--{name.replace('_', '-')}", default="", metavar="TEXT", help=about)
    add_run_arguments(create, one=False)
    check = _action(actions, "check", "hold a submission against every rule", CHECK)
    check.add_argument("folder", type=Path, nargs="?", metavar="DIR", help="that has closed or open in it")
    check.add_argument("--round", default="v2.0", help="v1.1 or v2.0 (default)")
    check.add_argument("--rules", action="store_true", help="list the rules and their sources")
    check.add_argument(
        "--accept-declared",
        action="store_true",
        help="end with 0 where the folder itself names all that is not by the rules",
    )
    check.add_argument("--log", action="store_true", help="write compliance_checker_log.txt into it")
    cut = _action(actions, "truncate", "cut accuracy logs to 10 kB and write their hashes", TRUNCATE)
    cut.add_argument("folder", type=Path, metavar="DIR", help="that has closed or open in it")
    cut.add_argument(
        "--originals", type=Path, metavar="DIR", help="for the whole logs (default: DIR-originals)"
    )


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, about: str, description: str
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = actions.add_parser(
        name, help=about, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object")
    return made


def run(options: argparse.Namespace) -> Result:
    """Create, check or truncate."""
    return {"create": _create, "check": _check, "truncate": _truncate}[options.action](options)


def _create(options: argparse.Namespace) -> Result:
    from ckssd.cli.loadgen import variables_of
    from ckssd.loadgen.rounds import DEFAULT_ROUND
    from ckssd.loadgen.settings import round_name
    from ckssd.submission.check import report_text, rules_of
    from ckssd.submission.create import create
    from ckssd.submission.runs import Runner

    round_ = rules_of(round_name("--round", options.round or DEFAULT_ROUND))
    wanted = _wanted(options)
    python, variables = variables_of(options)
    runs = options.runs or _beside(options.folder, "runs")
    report = create(wanted, Runner(python, variables, runs), round_)
    text = [report_text(report), "", f"Submission: {options.folder}", f"Runs: {runs}"]
    return Result("\n".join([*text, f"Whole accuracy logs: {wanted.originals}"]), report.as_dict())


def _wanted(options: argparse.Namespace) -> Wanted:
    from ckssd.loadgen.settings import scenario
    from ckssd.secrets import hide
    from ckssd.submission.create import Wanted

    named = [part for part in options.scenarios.split(",") if part]
    return Wanted(
        root=options.folder,
        submitter=options.submitter,
        originals=_beside(options.folder, "originals"),
        command=hide(shlex.join(["ckssd", *sys.argv[1:]])),
        division=options.division,
        compliance=options.compliance,
        system=options.system,
        scenarios=[scenario("--scenarios", name) for name in named],
        stated=pairs(options.field, "--field"),
        implementation={name: getattr(options, name) for name in STATED},
    )


def _beside(folder: Path, what: str) -> Path:
    return folder.absolute().parent / f"{folder.absolute().name}-{what}"


def _check(options: argparse.Namespace) -> Result:
    from ckssd.loadgen.settings import round_name
    from ckssd.submission.check import check, fault, report_text, rules_of
    from ckssd.submission.create import write_log
    from ckssd.submission.rules import RULES

    if options.rules:
        lines = [f"{rule.name}: {rule.says}\n    [{rule.source}]" for rule in RULES]
        return Result("\n".join(lines), {"rules": [vars(rule) for rule in RULES]})
    if options.folder is None:
        raise UsageError("No folder to check", expected="DIR, or --rules")
    round_ = rules_of(round_name("--round", options.round))
    report = write_log(options.folder, round_) if options.log else check(options.folder, round_)
    return Result(
        report_text(report), report.as_dict(), fault(report, accept_declared=options.accept_declared)
    )


def _truncate(options: argparse.Namespace) -> Result:
    from ckssd.submission.truncate import truncate

    originals = options.originals or _beside(options.folder, "originals")
    done = truncate(options.folder, originals)
    lines = [f"{path}" for path in done] or ["Every accuracy log has its hash already."]
    if done:
        lines.append(f"Whole logs, which reviewers may ask for: {originals}")
    return Result("\n".join(lines), {"truncated": [path.as_posix() for path in done]})

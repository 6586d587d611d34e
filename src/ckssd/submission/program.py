"""``program:dump-repo-to-submission`` as CK runs it: variables in, a submission folder out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from ckssd.endings import run_main
from ckssd.errors import CkssdError, UsageError
from ckssd.json_file import write_json
from ckssd.loadgen.rounds import DEFAULT_ROUND
from ckssd.loadgen.settings import round_name, scenario
from ckssd.measure.record import FAILURE_FILE, TIMER_FILE, discard
from ckssd.report import failed
from ckssd.submission.check import report_text, rules_of
from ckssd.submission.create import Wanted, create
from ckssd.submission.measurements import FIELDS as IMPLEMENTATION
from ckssd.submission.runs import Runner
from ckssd.submission.systems import FIELDS as SYSTEM
from ckssd.values import switch

PREFIX = "CK_MLPERF_SUBMISSION_"
COMMAND = "ck run program:dump-repo-to-submission"


def wanted_from(environment: Mapping[str, str]) -> Wanted:
    """Read the variables; ``_ROOT`` and ``_SUBMITTER`` are the original program's.

    Raises
    ------
    UsageError
        One is missing, or has a bad value.
    """
    said = {
        name.removeprefix(PREFIX): value for name, value in environment.items() if name.startswith(PREFIX)
    }
    if said.get("REPO"):
        raise UsageError(
            "Experiments of a CK repository have no logs of LoadGen",
            where=f"{PREFIX}REPO",
            got=said["REPO"],
            advice="leave it out: the runs are made here, or taken from _RUNS",
        )
    for name in ("ROOT", "SUBMITTER"):
        if not said.get(name):
            raise UsageError(f"{PREFIX}{name} is not set", advice=f"--env.{PREFIX}{name}=…")
    root = Path(said["ROOT"]).expanduser().absolute()
    given = [f"--env.{PREFIX}{name}={value}" for name, value in sorted(said.items()) if value]
    return Wanted(
        root=root,
        submitter=said["SUBMITTER"],
        originals=root.with_name(f"{root.name}-originals"),
        command=" ".join([COMMAND, *given]),
        division=said.get("DIVISION") or "open",
        compliance=switch(f"{PREFIX}COMPLIANCE", said.get("COMPLIANCE", "")),
        system=said.get("SYSTEM", ""),
        scenarios=[
            scenario(f"{PREFIX}SCENARIOS", one) for one in said.get("SCENARIOS", "").split(",") if one
        ],
        stated={name: value for name in SYSTEM if (value := said.get(f"FIELD_{_variable(name)}"))},
        implementation={name: said.get(_variable(name), "") for name in IMPLEMENTATION},
    )


def _variable(field: str) -> str:
    return field.upper().replace("-", "_")


def main(environment: Mapping[str, str], folder: Path | None = None) -> int:
    """Make a submission with this interpreter's runtime; ``folder`` is CK's temporary one.

    Returns the exit code: 0 where the folder was made, whatever rules it breaks.
    """
    folder = folder or Path.cwd()
    timer = folder / (environment.get("CK_TIMER_FILE") or TIMER_FILE)
    failure = folder / FAILURE_FILE

    def run() -> int:
        discard([timer, failure])
        wanted = wanted_from(environment)
        named = environment.get("CK_LOADGEN_ROUND") or DEFAULT_ROUND
        round_ = rules_of(round_name("CK_LOADGEN_ROUND", named))
        runs = Path(environment.get(f"{PREFIX}RUNS") or wanted.root.with_name(f"{wanted.root.name}-runs"))
        report = create(wanted, Runner(Path(sys.executable), environment, runs), round_)
        print(report_text(report), flush=True)
        write_json(timer, report.as_dict())
        return 0

    def on_error(error: CkssdError) -> int:
        failure.write_text(str(error), encoding="utf-8")  # for CK, which asks in a hook of its own
        return failed(error, "FAILED")

    return run_main("FAILED", run, on_error)

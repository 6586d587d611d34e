"""A submission made of real runs of LoadGen: all files, what is not by the rules named, nothing invented."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ckssd.errors import CkssdError, InputError, UsageError
from ckssd.measure.files import hash_file
from ckssd.submission.check import Report, check, fault, rules_of
from ckssd.submission.compliance_folders import BASELINE, COMPARED
from ckssd.submission.create import DECLARED, Wanted, create
from ckssd.submission.runs import Runner
from tests.loadgen.conftest import ROUNDS, SHORT
from tests.measure.conftest import make_bench
from tests.support.fixtures import folder

__all__ = ["folder"]
pytestmark = pytest.mark.slow(seconds=25)
ROUND = rules_of("v2.0")
STATED = {"weight_transformations": "made by a test", "retraining": "no"}
SCENARIOS = ("Offline",)
# What a machine that others use, too, may spoil in runs of a third of a second.
BY_CHANCE = {
    "valid",
    "no-errors",
    "early-stopping",
    "compliance-stated",
    "test01-speed",
    "test04-caching",
    "test05-speed",
}


@dataclass(frozen=True)
class Made:
    """A submission, and what it was made with."""

    wanted: Wanted
    runner: Runner
    report: Report

    @property
    def owner(self) -> Path:
        return self.wanted.root / self.wanted.division / self.wanted.submitter


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    pytest.importorskip("mlperf_loadgen", reason="LoadGen has no wheel for this Python or machine")
    place = tmp_path_factory.mktemp("submission")
    variables = {**make_bench(place).environment, "CK_ENV_LOADGEN_CONFIG_FILE": str(ROUNDS), **SHORT}
    wanted = Wanted(
        place / "sub mission",
        "tester",
        place / "originals",
        "ckssd submission create",
        compliance=True,
        system="machine",
        scenarios=SCENARIOS,
        stated={"host_storage_type": "SSD"},
        implementation=STATED,
    )
    runner = Runner(Path(sys.executable), variables, place / "runs")
    return Made(wanted, runner, create(wanted, runner, ROUND))


@pytest.fixture
def own(made: Made, folder: Path) -> Made:
    """The same with runs of one test's own: what it changes in them, or makes again, no other test reads."""
    shutil.copytree(made.runner.folder, folder / "runs")
    return dataclasses.replace(made, runner=dataclasses.replace(made.runner, folder=folder / "runs"))


def test_all_that_is_not_by_the_rules_is_named_in_the_folder(made: Made) -> None:
    assert {one.rule.name for one in made.report.undeclared} <= BY_CHANCE
    declared = {one.rule for one in made.report.findings if one.declared}
    assert declared <= {*DECLARED}
    assert {"duration", "performance-samples", "accuracy-samples", "loadgen"} <= {
        one.name for one in declared
    }
    assert fault(made.report, accept_declared=False) is not None
    text = next(made.owner.glob("measurements/machine/ssd-mobilenet/Offline/README.md")).read_text()
    assert "## Not by the rules of v2.0\n\nThis is no result of MLPerf:\n\n- " in text
    assert "got 8 images)" in text
    log = (made.owner / "results" / "compliance_checker_log.txt").read_text()
    assert "Broken rules that the folder itself names:" in log
    assert "This is no submission yet." in log


def test_its_figures_are_those_of_the_runs(made: Made) -> None:
    scenario = "Offline"
    run = made.runner.place(scenario, "performance")
    verdict = json.loads((run / "loadgen.json").read_text())["loadgen"]["verdict"]
    (found,) = (one for one in made.report.results if one.scenario == scenario)
    assert found.figure == pytest.approx(verdict["samples_per_second"])
    accuracy = json.loads((made.runner.place(scenario, "accuracy") / "loadgen.json").read_text())
    assert found.accuracy == pytest.approx(100 * accuracy["mAP"], abs=0.0005)
    # One user.conf for both runs, and it is the one that is handed in.
    confs = [made.runner.place(scenario, kind) / "user.conf" for kind in ("performance", "accuracy")]
    confs += [*made.owner.glob(f"measurements/machine/ssd-mobilenet/{scenario}/user.conf")]
    lines = [[line for line in conf.read_text().splitlines() if line[0] != "#"] for conf in confs]
    assert lines[0] == lines[1] == lines[2]


def test_the_compliance_tests_are_run_and_their_verdicts_are_those_of_the_logs(made: Made) -> None:
    (place,) = made.owner.glob("compliance/machine/ssd-mobilenet/Offline")
    assert sorted(path.name for path in place.iterdir()) == ["TEST01", "TEST04-A", "TEST04-B", "TEST05"]
    assert (
        (place / "TEST01" / "verify_accuracy.txt").read_text().endswith("are not the same = 0\nTEST PASS\n")
    )
    failed = {one.rule.name for one in made.report.findings}
    for test, rule in (
        ("TEST01", "test01-speed"),
        ("TEST04-A", "test04-caching"),
        ("TEST05", "test05-speed"),
    ):
        text = (place / test / "verify_performance.txt").read_text()
        assert text.endswith("TEST FAIL\n" if rule in failed else "TEST PASS\n"), rule
        assert "reference score = " in text


@pytest.mark.full
@pytest.mark.parametrize("round_name", ["v1.1", "v2.0"])
def test_the_closed_division_has_every_scenario_of_its_round(made: Made, round_name: str) -> None:
    wanted = dataclasses.replace(
        made.wanted, root=made.wanted.root.with_name(round_name), division="closed", scenarios=()
    )
    variables = {**made.runner.variables, "CK_LOADGEN_ROUND": round_name, "CK_LOADGEN_MIN_QUERY_COUNT": "700"}
    runner = dataclasses.replace(
        made.runner, variables=variables, folder=made.runner.folder.with_name(f"runs {round_name}")
    )
    report = create(wanted, runner, rules_of(round_name))
    wanted_scenarios = {
        "v1.1": {"SingleStream", "Offline"},
        "v2.0": {"SingleStream", "MultiStream", "Offline"},
    }
    assert {one.scenario for one in report.results} == wanted_scenarios[round_name]
    assert all(one.figure for one in report.results)
    assert {one.rule.name for one in report.undeclared} <= {*BY_CHANCE, "query-count"}


def test_the_whole_accuracy_log_is_kept_and_its_hash_handed_in(made: Made) -> None:
    (log,) = made.owner.glob("results/machine/ssd-mobilenet/Offline/accuracy/mlperf_log_accuracy.json")
    kept = made.wanted.originals / log.relative_to(made.wanted.root)
    run = made.runner.place("Offline", "accuracy") / "mlperf_log_accuracy.json"
    assert kept.read_bytes() == run.read_bytes()
    said = (log.parent / "accuracy.txt").read_text()
    assert said.endswith(f"\nhash={hash_file(kept).sha256}\n")


def test_runs_that_are_there_are_not_made_again(own: Made) -> None:
    with pytest.raises(InputError, match=r"has this system already.*--system"):
        create(own.wanted, own.runner, ROUND)
    other = dataclasses.replace(own.wanted, system="machine-2")
    nobody = dataclasses.replace(own.runner, python=Path("/no/such/python"))
    for kind in ("performance", "TEST01", "TEST05"):  # whatever the machine did to them
        say(own, kind, "VALID")
    report = create(other, nobody, ROUND)
    assert {one.where.split("/")[3] for one in report.results} == {"machine", "machine-2"}
    assert {one.rule.name for one in report.undeclared} <= BY_CHANCE
    changed = {**own.runner.variables, "CK_LOADGEN_MIN_DURATION_S": "0.4"}
    with pytest.raises(CkssdError, match="cannot be started"):
        create(
            dataclasses.replace(other, system="machine-3"),
            dataclasses.replace(nobody, variables=changed, folder=own.runner.folder.with_name("none")),
            ROUND,
        )
    assert not [*own.owner.glob("*/machine-3*")]
    assert check(own.wanted.root, ROUND).findings == report.findings


def say(made: Made, kind: str, result: str) -> None:
    """Change what LoadGen called a run."""
    path = made.runner.place("Offline", kind) / "loadgen.json"
    record = json.loads(path.read_text())
    record["loadgen"]["verdict"]["result"] = result
    path.write_text(json.dumps(record))


@pytest.mark.parametrize("kind", ["performance", "TEST05"])
def test_a_run_that_loadgen_calls_invalid_is_made_again(own: Made, kind: str) -> None:
    other = dataclasses.replace(own.wanted, system="machine-5")
    nobody = dataclasses.replace(own.runner, python=Path("/no/such/python"))
    say(own, kind, "INVALID")
    with pytest.raises(CkssdError, match="cannot be started"):
        create(other, nobody, ROUND)
    assert not [*own.owner.glob("*/machine-5*")]


def test_answers_that_differ_are_measured_with_those_of_the_accuracy_run(own: Made, folder: Path) -> None:
    """TEST01's README, part III."""
    path = own.runner.place("Offline", "TEST01") / "mlperf_log_accuracy.json"
    kept = path.read_bytes()
    left_out = max(entry["qsl_idx"] for entry in json.loads(kept))
    entries = [{**entry, "data": ""} for entry in json.loads(kept) if entry["qsl_idx"] != left_out]
    answered = {entry["qsl_idx"] for entry in entries}
    path.write_text(json.dumps(entries))
    for kind in ("performance", "TEST01", "TEST05"):  # whatever the machine did to them
        say(own, kind, "VALID")
    wanted = dataclasses.replace(own.wanted, root=folder / "sub", originals=folder / "originals")
    report = create(wanted, own.runner, ROUND)
    (place,) = wanted.root.glob("open/tester/compliance/machine/ssd-mobilenet/Offline/TEST01")
    assert (place / "verify_accuracy.txt").read_text().endswith("TEST FAIL\n")
    before, after = ((place / "accuracy" / name).read_text() for name in (BASELINE, COMPARED))
    for text in (before, after):
        assert f"those of the {len(answered)} samples that TEST01 logged\nmAP=" in text
    assert float(before.rpartition("mAP=")[2].removesuffix("%\n")) > 0
    assert after.endswith("\nmAP=0.000%\n")
    assert "test01-accuracy" in {one.rule.name for one in report.undeclared}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"division": "half-open"}, "No such division"),
        ({"scenarios": ("Online",)}, "No such scenario"),
        ({"submitter": "../x"}, "A name cannot be a folder's"),
        ({"system": "a machine"}, "A name cannot be a folder's"),
    ],
)
def test_what_cannot_be_is_refused(folder: Path, changed: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        dataclasses.replace(Wanted(folder, "a", folder, "c"), **changed)  # type: ignore[arg-type]


def test_a_field_that_no_system_has_is_refused(made: Made) -> None:
    wrong = dataclasses.replace(made.wanted, system="machine-4", stated={"host_memory": "1 GiB"})
    with pytest.raises(UsageError, match=r"no such field \(expected host_memory_\w+, got host_memory\)"):
        create(wrong, made.runner, ROUND)
    assert not [*made.owner.glob("*/machine-4*")]

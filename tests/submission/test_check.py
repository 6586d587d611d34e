"""Every rule of a submission refuses a folder that breaks it, by its name; one that breaks none passes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ckssd.errors import InputError, UsageError
from ckssd.loadgen.settings import AUDITS
from ckssd.submission.check import check, fault, report_text, rules_of
from ckssd.submission.layout import DEPARTURES
from ckssd.submission.rules import RULES
from tests.submission.made import MODEL, SUBMITTER, SYSTEM, make_submission, read_values, write_logs

Break = Callable[[Path], None]
OWNER = Path("closed", SUBMITTER)
RESULTS = OWNER / "results" / SYSTEM / MODEL
MEASURED = OWNER / "measurements" / SYSTEM / MODEL
COMPLIANCE = OWNER / "compliance" / SYSTEM / MODEL
RUN, ACCURACY = Path("performance", "run_1"), Path("accuracy")
SYSTEM_FILE = OWNER / "systems" / f"{SYSTEM}.json"


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_submission(tmp_path_factory.mktemp("good"))


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "submission"))


def says(scenario: str, part: Path = RUN, **changed: Any) -> Break:
    """A run's logs say something else, both of them."""

    def change(root: Path) -> None:
        folder = root / (COMPLIANCE if part.parts[0].startswith("TEST") else RESULTS) / scenario / part
        values = {name.replace("__", "."): value for name, value in changed.items()}
        write_logs(folder, {**read_values(folder), **values})

    return change


def fields(path: Path, **changed: Any) -> Break:
    """Fields of a JSON file are others, or gone."""

    def change(root: Path) -> None:
        found = {**json.loads((root / path).read_text()), **changed}
        (root / path).write_text(
            json.dumps({name: value for name, value in found.items() if value is not None})
        )

    return change


def text(path: Path, content: str | None, add: str = "") -> Break:
    """A file has another text, or one more line; without content it is gone."""

    def change(root: Path) -> None:
        place = root / path
        if content is None:
            place.unlink()
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content or place.read_text() + add)

    return change


def answers_differ(before: str, after: str) -> Break:
    """TEST01's answers are not the accuracy run's, and these are the mAP of both."""

    def change(root: Path) -> None:
        place = root / COMPLIANCE / "Offline" / "TEST01"
        (place / "verify_accuracy.txt").write_text("TEST FAIL\n")
        (place / "accuracy" / "baseline_accuracy.txt").write_text(f"mAP={before}%\n")
        (place / "accuracy" / "compliance_accuracy.txt").write_text(f"mAP={after}%\n")

    return change


def renamed(path: Path, name: str) -> Break:
    return lambda root: (root / path).rename((root / path).with_name(name)) and None


def gone(path: Path) -> Break:
    return lambda root: shutil.rmtree(root / path)


def link(root: Path) -> None:
    (root / OWNER / "code" / MODEL / "ours" / "link.py").symlink_to("main.py")


def large(root: Path) -> None:
    with (root / OWNER / "code" / "weights.bin").open("wb") as file:
        file.truncate((50 << 20) + 1)


def model_renamed(root: Path) -> None:
    for part in ("results", "measurements", "compliance", "code"):
        place = root / OWNER / part / ("" if part == "code" else SYSTEM)
        (place / MODEL).rename(place / "ssd-mobilenet-v2")


def conf_line(root: Path) -> None:
    path = root / MEASURED / "Offline" / "mlperf.conf"
    path.write_text(path.read_text().replace("*.Offline.min_duration = 600000", "*.Offline.min_duration = 1"))


TEST01, TEST04_A, TEST04_B, TEST05 = (Path(name, RUN) for name in AUDITS)
IMPLEMENTATION = MEASURED / "Offline" / f"{SYSTEM}_ours_Offline.json"
ACCURACY_TXT = RESULTS / "Offline" / ACCURACY / "accuracy.txt"
LOG = RESULTS / "Offline" / ACCURACY / "mlperf_log_accuracy.json"
BROKEN: list[tuple[str, Break]] = [
    ("layout", gone(OWNER / "code")),
    ("layout", text(Path("close", "d.txt"), "x")),
    ("layout", text(OWNER / "weights" / "w.bin", "x")),
    ("layout", text(OWNER / "measurements" / "another" / "x.txt", "x")),
    ("model-name", model_renamed),
    ("scenario-name", renamed(RESULTS / "Offline", "offline")),
    ("file-size", large),
    ("symbolic-link", link),
    ("hidden-name", text(OWNER / "code" / ".DS_Store", "x")),
    ("hidden-name", text(OWNER / ".git" / "config", "x")),
    ("space-in-name", text(OWNER / "code" / "a file.py", "x")),
    ("space-in-name", text(OWNER / "code" / "a folder" / "x.py", "x")),
    ("checker-log", text(OWNER / "results" / "compliance_checker_log.txt", None)),
    ("system-file", text(SYSTEM_FILE, None)),
    ("system-file", text(SYSTEM_FILE, "[]")),
    ("system-fields", fields(SYSTEM_FILE, cooling=None)),
    ("system-values", fields(SYSTEM_FILE, host_memory_capacity="")),
    ("system-values", fields(SYSTEM_FILE, framework="TODO")),
    ("system-values", fields(SYSTEM_FILE, number_of_nodes="zero")),
    ("system-values", fields(SYSTEM_FILE, accelerators_per_node="1", accelerator_model_name="N/A")),
    ("system-folders", fields(SYSTEM_FILE, division="open")),
    ("system-folders", fields(SYSTEM_FILE, submitter="Nobody")),
    ("system-type", fields(SYSTEM_FILE, system_type="datacenter")),
    ("system-status", fields(SYSTEM_FILE, status="soon")),
    ("measurement-files", text(MEASURED / "Offline" / "user.conf", None)),
    ("implementation", text(IMPLEMENTATION, None)),
    ("implementation", fields(IMPLEMENTATION, retraining=None)),
    ("implementation", fields(IMPLEMENTATION, retraining="not stated")),
    ("readme", text(MEASURED / "Offline" / "README.md", "TODO\n")),
    ("code", renamed(OWNER / "code" / MODEL / "ours", "theirs")),
    ("user-conf", text(MEASURED / "Offline" / "user.conf", "*.*.qsl_rng_seed = 1\n")),
    ("user-conf", text(MEASURED / "Offline" / "user.conf", "*.Offline.target_qsp = 1\n")),
    ("mlperf-conf", conf_line),
    ("mlperf-conf", text(MEASURED / "Offline" / "mlperf.conf", "none\n")),
    ("performance-files", text(RESULTS / "Offline" / RUN / "mlperf_log_summary.txt", None)),
    ("performance-files", text(RESULTS / "Offline" / RUN / "notes.txt", "x")),
    ("performance-files", gone(RESULTS / "Offline" / RUN)),
    ("readable-log", text(RESULTS / "Offline" / RUN / "mlperf_log_detail.txt", ":::MLLOG {\n")),
    ("readable-log", text(RESULTS / "Offline" / ACCURACY / "mlperf_log_detail.txt", "nothing\n")),
    ("valid", says("Offline", result_validity="INVALID")),
    ("no-errors", says("Offline", error="Multiple conf files are used.")),
    ("no-errors", says("Offline", ACCURACY, error="Multiple conf files are used.")),
    ("same-in-summary", text(RESULTS / "Offline" / RUN / "mlperf_log_summary.txt", "Result is : VALID\n")),
    ("scenario-run", says("SingleStream", effective_scenario="Offline")),
    ("scenario-run", says("SingleStream", ACCURACY, effective_scenario="Offline")),
    ("mode", says("Offline", effective_test_mode="FindPeakPerformance")),
    ("mode", says("Offline", ACCURACY, effective_test_mode="PerformanceOnly")),
    ("seeds", says("Offline", effective_qsl_rng_seed=1)),
    ("seeds", says("SingleStream", effective_sample_index_rng_seed=1)),
    ("seeds", says("MultiStream", ACCURACY, effective_schedule_rng_seed=1)),
    ("performance-samples", says("Offline", effective_performance_sample_count=255)),
    ("duration", says("Offline", effective_min_duration_ms=599_999)),
    ("duration", says("SingleStream", power_end="11-27-2026 10:09:59.999")),
    ("duration", says("SingleStream", power_end="later")),
    ("offline-samples", says("Offline", effective_samples_per_query=24575)),
    ("early-stopping", says("SingleStream", early_stopping_met=False)),
    ("early-stopping", says("MultiStream", early_stopping_met=None)),
    ("percentile", says("SingleStream", effective_target_latency_percentile=0.5)),
    ("percentile", says("MultiStream", effective_target_latency_percentile=None)),
    ("streams", says("MultiStream", effective_samples_per_query=4)),
    ("streams", says("SingleStream", effective_samples_per_query=2)),
    ("no-audit", says("Offline", effective_accuracy_log_sampling_target=1024)),
    ("no-audit", says("Offline", effective_performance_issue_same=True)),
    ("loadgen", says("Offline", loadgen_version="6.0.17 @ d6147c7eb7")),
    ("loadgen", says("Offline", loadgen_git_status_message="M loadgen.cc")),
    ("accuracy-files", text(LOG, None)),
    ("accuracy-files", text(ACCURACY_TXT, None)),
    ("accuracy-files", gone(RESULTS / "Offline" / ACCURACY)),
    ("accuracy-stated", text(ACCURACY_TXT, "hash=" + 64 * "0" + "\n")),
    ("accuracy-target", text(ACCURACY_TXT, "mAP=21.779%\nhash=" + 64 * "0" + "\n")),
    ("accuracy-samples", says("Offline", ACCURACY, qsl_reported_total_count=250)),
    ("log-size", text(LOG, "\n\n...\n\n" + 10240 * "x")),
    ("log-hash", text(ACCURACY_TXT, "mAP=23.050%\n")),
    ("log-hash", text(LOG, "[]\n")),
    ("compliance-tests", gone(COMPLIANCE / "Offline")),
    ("compliance-tests", gone(COMPLIANCE / "MultiStream" / "TEST04-A")),
    ("compliance-tests", renamed(COMPLIANCE / "Offline" / "TEST05", "TEST06")),
    ("compliance-files", text(COMPLIANCE / "Offline" / "TEST05" / "verify_performance.txt", None)),
    ("compliance-files", text(COMPLIANCE / "Offline" / "TEST04-B" / "verify_performance.txt", "TEST PASS")),
    ("compliance-files", text(COMPLIANCE / "Offline" / "TEST04-B" / RUN / "mlperf_log_summary.txt", None)),
    ("compliance-files", gone(COMPLIANCE / "Offline" / "TEST01" / "accuracy")),
    ("log-hash", text(COMPLIANCE / "Offline" / "TEST01" / "accuracy" / "accuracy.txt", "none\n")),
    ("compliance-settings", says("Offline", TEST01, effective_accuracy_log_sampling_target=0)),
    ("compliance-settings", says("Offline", TEST04_A, effective_performance_issue_unique=False)),
    ("compliance-settings", says("Offline", TEST04_B, effective_performance_issue_same_index=0)),
    ("compliance-settings", says("Offline", TEST05, effective_qsl_rng_seed=1)),
    ("seeds", says("Offline", TEST01, effective_qsl_rng_seed=1)),
    ("valid", says("Offline", TEST05, result_validity="INVALID")),
    ("no-errors", says("Offline", TEST05, error="Lost a query")),
    ("duration", says("Offline", TEST01, effective_min_duration_ms=1)),
    ("scenario-run", says("Offline", TEST01, effective_scenario="SingleStream")),
    ("loadgen", says("Offline", TEST04_A, loadgen_version="2.1 @ 12345678")),
    ("readable-log", text(COMPLIANCE / "Offline" / TEST05 / "mlperf_log_detail.txt", "nothing\n")),
    ("compliance-stated", text(COMPLIANCE / "Offline" / "TEST05" / "verify_performance.txt", "TEST FAIL\n")),
    ("compliance-stated", text(COMPLIANCE / "Offline" / "TEST01" / "verify_accuracy.txt", "TEST FAIL\n")),
    ("test01-accuracy", answers_differ("23.050", "22.800")),
    ("test01-speed", says("Offline", TEST01, result_samples_per_second=90.4)),
    ("test01-speed", says("SingleStream", TEST01, result_90__00_percentile_latency_ns=22_100_000)),
    ("test04-caching", says("Offline", TEST04_B, result_samples_per_second=110.6)),
    (
        "test04-caching",
        says("MultiStream", TEST04_B, result_99__00_percentile_per_query_latency_ns=80_000_000),
    ),
    ("test05-speed", says("MultiStream", TEST05, result_99__00_percentile_per_query_latency_ns=95_000_000)),
    ("scenario-set", gone(RESULTS / "Offline")),
    ("scenario-set", renamed(RESULTS / "Offline", "Server")),
]


def test_a_folder_by_the_rules_breaks_none(good: Path) -> None:
    report = check(good, rules_of("v2.0"))
    assert report.findings == []
    assert fault(report, accept_declared=False) is None
    shown = {one.scenario: (one.figure, one.unit, one.accuracy) for one in report.results}
    assert shown == {
        "SingleStream": (20.1, "ms", 23.05),
        "MultiStream": (91.0, "ms", 23.05),
        "Offline": (100.5, "samples/s", 23.05),
    }
    assert "The submission is by the rules." in report_text(report)


@pytest.mark.parametrize(("name", "broken"), BROKEN, ids=[f"{n}-{i}" for i, (n, _) in enumerate(BROKEN)])
def test_a_folder_that_breaks_a_rule_is_refused_by_its_name(folder: Path, name: str, broken: Break) -> None:
    broken(folder)
    report = check(folder, rules_of("v2.0"))
    found = [one for one in report.findings if one.rule.name == name]
    assert found, report_text(report)
    error = fault(report, accept_declared=True)
    assert error is not None
    assert name in str(error)
    for one in found:
        assert (folder / one.where).exists() or (folder / one.where).parent.exists() or "code" in one.where
        assert str(one.expected)
        assert str(one.got)


def test_each_rule_is_broken_by_a_test_and_says_where_it_stands() -> None:
    tested = {name for name, _ in BROKEN} | {"query-count"}
    assert {rule.name for rule in RULES} == tested
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.says
        assert "mlcommons/" in rule.source


def test_before_early_stopping_the_number_of_queries_counts(tmp_path: Path) -> None:
    made, round_ = make_submission(tmp_path / "of v1.1", "v1.1"), rules_of("v1.1")
    assert check(made, round_).findings == []
    says("SingleStream", effective_min_query_count=1023)(made)
    assert [one.rule.name for one in check(made, round_).findings] == ["query-count"]


def test_the_open_division_takes_any_accuracy_scenarios_and_model(tmp_path: Path) -> None:
    made = make_submission(tmp_path / "open one", division="open")
    owner = made / "open" / SUBMITTER
    shutil.rmtree(owner / "compliance")
    shutil.rmtree(owner / "results" / SYSTEM / MODEL / "Offline")
    for scenario in ("SingleStream", "MultiStream"):
        path = owner / "results" / SYSTEM / MODEL / scenario / "accuracy" / "accuracy.txt"
        path.write_text(path.read_text().replace("23.050", "1.5"))
    for part in ("results", "measurements"):
        (owner / part / SYSTEM / MODEL).rename(owner / part / SYSTEM / "mine")
    (owner / "code" / MODEL).rename(owner / "code" / "mine")
    assert check(made, rules_of("v2.0")).findings == []


@pytest.mark.parametrize(
    ("scenario", "of", "figure"),
    [
        ("Offline", "SingleStream", 1e9 / 19_000_000),
        ("Offline", "MultiStream", 8e9 / 80_000_000),
        ("MultiStream", "SingleStream", 8 * 22.2),
    ],
)
def test_a_result_may_be_inferred_as_the_rules_say(
    folder: Path, scenario: str, of: str, figure: float
) -> None:
    shutil.rmtree(folder / RESULTS / scenario)
    shutil.copytree(folder / RESULTS / of, folder / RESULTS / scenario)
    shutil.rmtree(folder / COMPLIANCE / scenario)
    shutil.copytree(folder / COMPLIANCE / of, folder / COMPLIANCE / scenario)
    report = check(folder, rules_of("v2.0"))
    assert report.findings == []
    (found,) = (one for one in report.results if one.scenario == scenario)
    assert found.figure == pytest.approx(figure)


def test_what_a_folder_declares_is_shown_apart_and_refused_unless_accepted(folder: Path) -> None:
    says("Offline", effective_min_duration_ms=20_000)(folder)
    listed = [one.as_dict() for one in check(folder, rules_of("v2.0")).findings]
    (folder / MEASURED.parent / DEPARTURES).write_text(json.dumps(listed))
    report = check(folder, rules_of("v2.0"))
    assert [one.declared for one in report.findings] == [True]
    assert "Broken rules that the folder itself names:\n  duration: " in report_text(report)
    assert fault(report, accept_declared=False) is not None
    assert fault(report, accept_declared=True) is None
    says("Offline", effective_qsl_rng_seed=1)(folder)
    assert "got 1: seeds" in str(fault(check(folder, rules_of("v2.0")), accept_declared=True))


def test_what_is_no_submission_or_another_round_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"No submission: .*expected a folder closed or open"):
        check(tmp_path, rules_of("v2.0"))
    with pytest.raises(
        UsageError, match=r"no submission of this round here \(expected v1.1 or v2.0, got v0.7"
    ):
        rules_of("v0.7")


def test_a_folder_that_cannot_be_understood_is_findings_and_no_traceback(folder: Path) -> None:
    """Every file of one scenario, and of the whole, in turn as bytes that are nothing."""
    others = ("SingleStream", "MultiStream")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in [path for path in files if not {*others} & {*path.parts}]:
        kept = path.read_bytes()
        path.write_bytes(b"\xff\x00{[ nothing")
        report = check(folder, rules_of("v2.0"))
        harmless = ("main.py", "compliance_checker_log.txt", "mlperf_log_summary.txt", "README.md")
        assert report.findings or path.name in harmless, path
        path.write_bytes(kept)


def test_answers_that_differ_are_explained_by_two_more_files(folder: Path) -> None:
    """TEST01's README, part III: the accuracy of both, where a run is not the same each time."""
    place = folder / COMPLIANCE / "Offline" / "TEST01"
    (place / "verify_accuracy.txt").write_text("TEST FAIL\n")
    (place / "accuracy" / "baseline_accuracy.txt").write_text("mAP=23.050%\n")
    assert [one.rule.name for one in check(folder, rules_of("v2.0")).findings] == ["compliance-stated"]
    other = place / "accuracy" / "compliance_accuracy.txt"
    for said, broken in (
        ("mAP=23.040%", []),
        ("mAP=22.822%", []),  # 1 % of it is 0.228
        ("mAP=22.821%", ["test01-accuracy"]),
        ("mAP=0.000%", ["test01-accuracy"]),
        ("", ["test01-accuracy"]),
    ):
        other.write_text(f"{said}\n")
        assert [one.rule.name for one in check(folder, rules_of("v2.0")).findings] == broken, said


def test_what_published_rounds_have_is_understood(folder: Path) -> None:
    """Scenarios in small letters, other benchmarks beside, a description without its scenario, power logs."""
    for part in (RESULTS, MEASURED, COMPLIANCE):
        (folder / part / "Offline").rename(folder / part / "offline")
        (folder / part.parent / "resnet50" / "Server").mkdir(parents=True)
    place = folder / MEASURED / "offline"
    (place / "calibration_process.adoc").write_text("none\n")
    (place / f"{SYSTEM}_ours_Offline.json").rename(place / f"{SYSTEM}_ours.json")
    (folder / RESULTS / "offline" / RUN / "spl.txt").write_text("power\n")
    log = folder / OWNER / "results" / "compliance_checker_log.txt"
    log.rename(log.with_name("submission_checker_log.txt"))
    report = check(folder, rules_of("v2.0"))
    assert [one.rule.name for one in report.findings] == ["scenario-name"]
    assert report.skipped == [f"{RESULTS.parent.as_posix()}/resnet50"]
    assert "Not looked at: 1 results of other benchmarks" in report_text(report)

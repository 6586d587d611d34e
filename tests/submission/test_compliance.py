"""The verdicts of the compliance tests, at and beside their limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckssd.errors import InputError
from ckssd.loadgen.logs import Detail
from ckssd.loadgen.settings import AUDITS
from ckssd.submission.compliance import SCORES, verify_answers, verify_caching, verify_speed
from ckssd.submission.run_logs import RunLogs

TEST01, TEST04_A, _, TEST05 = AUDITS
SCRIPTS = os.environ.get("CKSSD_MLPERF_INFERENCE")


def run(scenario: str, figure: float | None) -> RunLogs:
    values: dict[str, Any] = {"effective_scenario": scenario, SCORES[scenario][0]: figure}
    return RunLogs("run", Detail(values, (), ()), {})


@pytest.mark.parametrize(
    ("test", "scenario", "reference", "found", "passed"),
    [
        (TEST01, "Offline", 100, 90.1, True),
        (TEST01, "Offline", 100, 89.9, False),
        (TEST01, "Offline", 100, 110.1, False),
        (TEST01, "SingleStream", 200_000, 239_000, True),
        (TEST01, "SingleStream", 200_001, 239_000, False),
        (TEST01, "MultiStream", 1_600_000, 1_900_000, True),
        (TEST01, "MultiStream", 1_600_001, 1_900_000, False),
        (TEST05, "Offline", 100, 95.1, True),
        (TEST05, "Offline", 100, 94.9, False),
        (TEST05, "SingleStream", 200_000, 239_000, True),
        (TEST05, "MultiStream", 1_600_000, 1_700_000, False),
        (TEST05, "Server", 100, 104.9, True),
        (TEST05, "Offline", 0, 0, False),
        (TEST05, "Offline", 100, None, False),
    ],
)
def test_the_speed_is_the_submission_s(
    test: str, scenario: str, reference: float, found: float | None, *, passed: bool
) -> None:
    verdict = verify_speed(test, run(scenario, reference), run(scenario, found))
    assert verdict.passed is passed
    assert verdict.text.endswith("TEST PASS\n" if passed else "TEST FAIL\n")
    assert f"reference score = {reference:g}" in verdict.text


@pytest.mark.parametrize(
    ("scenario", "unique", "same", "passed"),
    [
        ("Offline", 100, 109.9, True),
        ("Offline", 100, 110.1, False),
        ("Offline", 100, 1, True),
        ("SingleStream", 1_000_000, 901_000, True),
        ("SingleStream", 1_000_000, 899_000, False),
        ("SingleStream", 1_000_000, 5_000_000, True),
        ("SingleStream", 200_000, 161_000, True),
        ("SingleStream", 200_000, 159_000, False),
        ("MultiStream", 1_000_000, 899_000, False),
        ("MultiStream", 1_000_000, 2_000_000, True),
        ("Offline", 100, 0, False),
    ],
)
def test_one_sample_again_and_again_is_not_faster(
    scenario: str, unique: float, same: float, *, passed: bool
) -> None:
    assert verify_caching(run(scenario, unique), run(scenario, same)).passed is passed


def test_runs_of_two_scenarios_are_not_compared() -> None:
    assert not verify_speed(TEST05, run("Offline", 100), run("Server", 100)).passed


def log(path: Path, *answers: tuple[int, str]) -> Path:
    entries = [
        {"seq_id": number, "qsl_idx": index, "data": data} for number, (index, data) in enumerate(answers)
    ]
    path.write_text(json.dumps(entries))
    return path


@pytest.mark.parametrize(
    ("found", "passed"),
    [
        ([(0, "00AA"), (0, "00AA"), (1, "00BB")], True),
        ([(0, "00AB")], False),  # the first number is the same: MLPerf's script would not see it
        ([(2, "00AA")], False),
        ([], False),
    ],
)
def test_the_answers_are_the_accuracy_run_s(
    tmp_path: Path, found: list[tuple[int, str]], *, passed: bool
) -> None:
    reference = log(tmp_path / "accuracy.json", (0, "00AA"), (1, "00BB"))
    assert verify_answers(reference, log(tmp_path / "performance.json", *found)).passed is passed


ANSWERS = st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=2).map(bytes.hex)), max_size=6)


def first_bytes_agree(wanted: list[tuple[int, str]], found: list[tuple[int, str]]) -> bool:
    """What MLPerf's verify_accuracy.py of r2.0 passes, held against it by test_against_mlperf_s_script."""
    known: dict[int, str] = {}
    for index, data in wanted:
        known.setdefault(index, data)
    for index, data in found:
        if index in known and data[:2] != known[index][:2]:
            return False
        known[index] = data
    return True


# Some answers are the same in both: else hardly any pair would pass.
PAIRS = st.builds(
    lambda wanted, found, copied: (wanted, wanted[:copied] + found[copied:]),
    ANSWERS,
    ANSWERS,
    st.integers(0, 6),
)
Pair = tuple[list[tuple[int, str]], list[tuple[int, str]]]


@given(PAIRS)
def test_whatever_passes_here_passes_by_mlperf_s_script(
    tmp_path_factory: pytest.TempPathFactory, pair: Pair
) -> None:
    folder, (wanted, found) = tmp_path_factory.mktemp("logs"), pair
    passed = verify_answers(log(folder / "a.json", *wanted), log(folder / "b.json", *found)).passed
    assert not passed or first_bytes_agree(wanted, found)
    first = dict(reversed(wanted))
    assert passed == (bool(found) and all(first.get(index) == data for index, data in found))


@pytest.mark.full
@pytest.mark.skipif(
    SCRIPTS is None, reason="CKSSD_MLPERF_INFERENCE names no checkout of mlcommons/inference, r2.0"
)
@settings(max_examples=40, deadline=None)
@given(PAIRS)
def test_against_mlperf_s_script(tmp_path_factory: pytest.TempPathFactory, pair: Pair) -> None:
    folder, (wanted, found) = tmp_path_factory.mktemp("logs"), pair
    script = Path(str(SCRIPTS), "compliance", "nvidia", "TEST01", "verify_accuracy.py")
    before, after = log(folder / "a.json", *wanted), log(folder / "b.json", *found)
    words = [sys.executable, str(script), "-r", str(before), "-t", str(after)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert ("TEST PASS" in said) == first_bytes_agree(wanted, found)
    if verify_answers(before, after).passed:
        assert "TEST PASS" in said


def test_a_log_that_was_cut_cannot_be_compared(tmp_path: Path) -> None:
    whole = log(tmp_path / "accuracy.json", (0, "00AA"))
    (tmp_path / "cut.json").write_text('[{"qsl_idx": 0, \n\n...\n\n')
    with pytest.raises(InputError, match="cannot be compared"):
        verify_answers(whole, tmp_path / "cut.json")
    with pytest.raises(InputError, match="cannot be read"):
        verify_answers(whole, tmp_path / "none.json")

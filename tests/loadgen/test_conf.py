"""LoadGen's configuration files: strictly read, with the same settings as LoadGen's own reader makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import InputError, UsageError
from ckssd.loadgen.conf import KEYS, SCENARIOS, SWITCHES, attributes, conf_text, read_conf
from ckssd.loadgen.rounds import read_round
from tests.loadgen.conftest import ROUNDS


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "*.SingleStream.target_latancy = 5",
            "no such key: {path}:1 (expected target_latency, got target_lat",
        ),
        ("*.SingelStream.target_latency = 5", "no such scenario: {path}:1 (expected SingleStream,"),
        ("ssd-mobilnet.*.min_duration = 5", "no such model: {path}:1 (expected ssd-mobilenet,"),
        ("*.*.qsl_rng_seed = 5", "This key is not a user's: {path}:1"),
        ("*.*.min_duration = soon", "No value of LoadGen's: {path}:1 (expected a number, got soon)"),
        ("*.*.min_duration = nan", "No value of LoadGen's"),
        ("*.*.performance_issue_same = 2", "No value of LoadGen's: {path}:1 (expected 0 or 1, got 2)"),
        ("*.*.min_duration 5", "No line of LoadGen's: {path}:1"),
        ("min_duration = 5", "No line of LoadGen's: {path}:1"),
    ],
)
def test_what_loadgen_takes_in_silence_is_one_line(folder: Path, line: str, said: str) -> None:
    path = folder / "user.conf"
    path.write_text(line + "\n")
    with pytest.raises(InputError) as caught:
        read_conf(path)
    assert said.format(path=path) in str(caught.value)


def test_a_missing_file_is_said(folder: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read: .*no such\.conf.*No such file"):
        read_conf(folder / "no such.conf")


def test_comments_and_other_models_lines_are_left_alone(folder: Path) -> None:
    path = folder / "user.conf"
    path.write_text("# all\n\nresnet50.Offline.target_qps = 5\n*.Offline.target_qps = 0x10 # hex\n")
    assert attributes([read_conf(path)], "Offline") == {"offline_expected_qps": 16.0}


MODELS = st.sampled_from(["*", "ssd-mobilenet", "resnet50"])
WHERE = st.sampled_from(["*", *SCENARIOS])
KNOWN = st.sampled_from([key for key, meanings in KEYS.items() if all(one.by_users for one in meanings)])
LINES = st.dictionaries(st.tuples(MODELS, WHERE, KNOWN), st.integers(0, 1000), max_size=12).map(
    lambda lines: {name: value % 2 if is_switch(name[2]) else value for name, value in lines.items()}
)


def is_switch(key: str) -> bool:
    return any(one.attribute in SWITCHES for one in KEYS[key])


@given(lines=LINES, scenario=st.sampled_from(SCENARIOS))
def test_the_settings_are_those_of_loadgen_s_own_reader(
    tmp_path_factory: pytest.TempPathFactory, lines: dict[tuple[str, str, str], int], scenario: str
) -> None:
    loadgen = pytest.importorskip("mlperf_loadgen")
    path = tmp_path_factory.mktemp("a conf") / "user.conf"
    path.write_text(conf_text({".".join(name): value for name, value in lines.items()}))
    theirs = loadgen.TestSettings()
    theirs.scenario = getattr(loadgen.TestScenario, scenario)
    assert theirs.FromConfig(str(path), "ssd-mobilenet", scenario, 2) == 0
    ours = loadgen.TestSettings()
    for name, value in attributes([read_conf(path)], scenario).items():
        setattr(ours, name, bool(value) if name in SWITCHES else value)
    names = {
        key.attribute for meanings in KEYS.values() for key in meanings if key.scenario in (None, scenario)
    }
    for name in names:
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name)), name


@pytest.mark.parametrize("name", ["v0.5", "v0.7", "v1.0", "v1.1", "v2.0"])
def test_each_round_has_all_its_rules_and_their_sources(name: str) -> None:
    rules = read_round(ROUNDS, name)
    assert rules.accuracy_target == pytest.approx(21.78)
    assert rules.least_samples == 256
    assert len(rules.seeds()) == 3
    assert rules.least_duration_ms == (60_000 if name in ("v0.5", "v0.7") else 600_000)
    assert all(rules.sources.values())
    assert rules.least_duration_ms == rules.conf["*.SingleStream.min_duration"]


@pytest.mark.parametrize("name", ["v0.5", "v0.7", "v1.0", "v1.1"])
def test_multi_stream_at_fixed_times_is_refused_with_the_reason(name: str) -> None:
    rules = read_round(ROUNDS, name)
    rules.check_scenario("SingleStream")
    with pytest.raises(UsageError, match=r"LoadGen asks for the next query when .* no fixed rate any more"):
        rules.check_scenario("MultiStream")
    read_round(ROUNDS, "v2.0").check_scenario("MultiStream")


def test_no_two_rounds_have_a_seed_in_common() -> None:
    seeds = [
        seed
        for name in ("v0.5", "v0.7", "v1.0", "v1.1", "v2.0")
        for seed in read_round(ROUNDS, name).seeds().values()
    ]
    assert len({*seeds}) == len(seeds) == 15

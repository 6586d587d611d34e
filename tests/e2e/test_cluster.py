"""`ckssd benchmark --cluster ray` and CK's program give what one machine gives, and say what they lack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.run import install_once
from tests.support.sandbox import Sandbox

COUNT = 24
RUN = ("benchmark", "--nms=regular", f"--count={COUNT}")
EQUAL = ("detections_sha256", "mAP", "recall", "metrics", "per_class", "detections", "images")


def test_flags_of_a_cluster_are_refused_without_one_and_ray_is_asked_for(sandbox: Sandbox) -> None:
    alone = sandbox.ckssd(*RUN, "--resume")
    assert alone.code == 2
    assert "These flags go with --cluster" in alone.err
    missing = sandbox.ckssd(*RUN, "--cluster=ray")
    assert missing.code == 4
    assert "ckssd install --tags=lib,ray" in missing.err
    bad = sandbox.ckssd(*RUN, "--cluster=ray://me:swordfish@")
    assert bad.code == 2
    assert "swordfish" not in bad.text


def test_a_comparison_of_times_goes_over_no_cluster(sandbox: Sandbox) -> None:
    command = ("compare", "--rounds=1")
    for done in (sandbox.ckssd(*command, CK_CLUSTER="ray"), sandbox.ckssd(*command, "--env=CK_CLUSTER=ray")):
        assert done.code == 2, done.text
        assert "not run over a cluster: CK_CLUSTER" in done.err


@pytest.mark.full
def test_a_run_over_ray_by_both_commands_is_that_of_one_machine(
    installed: Sandbox, shared: Sandbox, tmp_path: Path
) -> None:
    install_once(shared, [["lib,ray"]])
    home = Sandbox(tmp_path / "home", like=shared)
    whole = json.loads(home.ckssd(*RUN, "--json").out)["data"]
    kept = tmp_path / "kept"
    done = home.ckssd(*RUN, "--cluster=ray", "--run-folder", str(kept), "--json")
    assert done.code == 0, done.text
    data = json.loads(done.out)["data"]
    assert {name: data[name] for name in EQUAL} == {name: whole[name] for name in EQUAL}
    assert len(list(kept.glob("*.part"))) == data["cluster"]["batches"]
    sweep = ("sweep", "--tags=shapes", f"--count={COUNT}", "--score-threshold=0.1:0.9:0.1", "--json")
    points = json.loads(home.ckssd(*sweep).out)["data"]
    over = home.ckssd(*sweep, "--cluster=ray")
    assert over.code == 0, over.text
    swept = json.loads(over.out)["data"]
    assert swept["points"] == points["points"]
    own = ("detections_sha256", "own_score_threshold", "pass_score_threshold", "max_detections")
    assert {name: swept["run"][name] for name in own} == {name: points["run"][name] for name in own}
    spec, kept = tmp_path / "sweep.toml", tmp_path / "kept sweep"
    spec.write_text(f'models = ["shapes"]\nscore_threshold = "0.1:0.9:0.1"\ncount = {COUNT}\n')
    many = home.ckssd("sweep", str(spec), "--cluster=ray", "--run-folder", str(kept), "--json")
    assert many.code == 0, many.text
    (run,) = json.loads(many.out)["data"]["runs"]
    assert run["points"] == points["points"]
    assert list(kept.glob("*/*.part"))
    program = home.ck(
        *("benchmark", "program:object-detection-tflite", "--repetitions=1", "--sleep=0"),
        *("--env.USE_NMS=regular", f"--env.CK_BATCH_COUNT={COUNT}", "--env.CK_CLUSTER=ray"),
        "--skip_print_timers",
    )
    assert program.code == 0, program.text
    assert "Note: run by Ray with" in program.out
    timer = home.program("object-detection-tflite") / "tmp" / "tmp-ck-timer.json"
    assert json.loads(timer.read_text())["detections_sha256"] == whole["detections_sha256"]

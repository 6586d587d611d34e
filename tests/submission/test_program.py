"""The CK program's variables: the original's names, and one line for what is missing or cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckssd.errors import UsageError
from ckssd.submission.program import main, wanted_from
from tests.support.fixtures import folder

__all__ = ["folder"]


def variables(**said: str) -> dict[str, str]:
    found = {"ROOT": "/a folder/sub", "SUBMITTER": "me", **said}
    return {f"CK_MLPERF_SUBMISSION_{name}": value for name, value in found.items()}


def test_variables_say_what_flags_say() -> None:
    wanted = wanted_from(
        variables(
            DIVISION="closed",
            SCENARIOS="offline,SingleStream",
            FIELD_HOST_STORAGE_TYPE="SSD",
            RETRAINING="no",
            COMPLIANCE="yes",
        )
    )
    assert (wanted.root, wanted.division, wanted.compliance) == (Path("/a folder/sub"), "closed", True)
    assert wanted.scenarios == ["Offline", "SingleStream"]
    assert wanted.stated == {"host_storage_type": "SSD"}
    assert wanted.implementation["retraining"] == "no"
    assert "--env.CK_MLPERF_SUBMISSION_RETRAINING=no" in wanted.command
    assert wanted.originals == Path("/a folder/sub-originals")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"ROOT": ""}, "CK_MLPERF_SUBMISSION_ROOT is not set"),
        ({"SUBMITTER": ""}, "CK_MLPERF_SUBMISSION_SUBMITTER is not set"),
        ({"REPO": "mlperf.closed"}, "Experiments of a CK repository have no logs of LoadGen"),
        ({"DIVISION": "ajar"}, "No such division"),
        ({"SCENARIOS": "Online"}, "CK_MLPERF_SUBMISSION_SCENARIOS has no value that can be used"),
    ],
)
def test_what_cannot_be_is_one_line(said: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        wanted_from(variables(**said))


def test_a_failure_is_left_for_ck(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main({}, folder) == 2
    assert "FAILED: CK_MLPERF_SUBMISSION_ROOT is not set" in capfd.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["tmp-ck-failure.txt"]

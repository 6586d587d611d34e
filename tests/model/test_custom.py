"""Custom settings on a command line: each is used, or refused."""

from __future__ import annotations

import pytest

from ckssd.errors import UsageError
from ckssd.model.custom import CHECKS, SWITCHES, refuse_without_switch


@pytest.mark.parametrize("variable", [variable for variable, _ in CHECKS.values()])
def test_a_setting_without_its_switch_is_refused_by_name(variable: str) -> None:
    given = {variable: "1"}
    with pytest.raises(UsageError, match=f"CUSTOM_MODEL_SETTINGS=yes, got {variable}=1"):
        refuse_without_switch(given, {**given, SWITCHES[0]: "no"})


@pytest.mark.parametrize("switch", SWITCHES)
def test_with_either_switch_and_without_settings_nothing_is_refused(switch: str) -> None:
    given = {"NMS_SCORE_THRESHOLD": "0.1"}
    refuse_without_switch(given, {**given, switch: "yes"})
    refuse_without_switch({"CK_MODE": "latency"}, {"NMS_SCORE_THRESHOLD": "0.1"})

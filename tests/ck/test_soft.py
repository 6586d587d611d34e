"""Variables that a thing takes over from what it was made from."""

from __future__ import annotations

from ckssd.ck.soft import carried

DESCRIPTION = {"carry": {"from": "model-source", "prefix": "CK_ENV_TENSORFLOW_MODEL", "names": ["A", "B"]}}


def test_named_variables_of_the_origin_come_under_the_things_own_prefix() -> None:
    origin = {"CK_ENV_TENSORFLOW_MODEL_A": "1", "CK_ENV_TENSORFLOW_MODEL_C": "3"}
    dependencies = {"model-source": {"dict": {"env": origin}}, "lib": {"dict": {"env": {"A": "no"}}}}
    assert carried(DESCRIPTION, "CK_ENV_OPENVINO_MODEL", dependencies) == {"CK_ENV_OPENVINO_MODEL_A": "1"}


def test_a_thing_that_was_registered_by_hand_has_no_origin() -> None:
    assert carried(DESCRIPTION, "CK_ENV_OPENVINO_MODEL", {}) == {}
    assert carried({}, "CK_ENV_OPENVINO_MODEL", {}) == {}

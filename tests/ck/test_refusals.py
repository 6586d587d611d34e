"""What CK would print and record is refused before it does."""

from __future__ import annotations

import pytest

from ckssd.ck.refusals import ADDRESSES, refuse_secrets
from ckssd.cluster.settings import FIELDS, IMAGES, VARIABLE


def test_its_variables_are_those_of_addresses() -> None:
    assert set(ADDRESSES) == {VARIABLE, IMAGES}
    assert set(ADDRESSES) <= {variable for variable, _ in FIELDS.values()}


@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_with_a_secret_is_refused_and_not_repeated(name: str) -> None:
    answer = refuse_secrets({"env": {name: "https://me:swordfish@host/a/"}})
    assert answer["return"] == 2
    assert "swordfish" not in str(answer)
    assert f"--env.{name}" in answer["error"]


@pytest.mark.parametrize("env", [{}, {"CK_CLUSTER": "ray", "CK_CLUSTER_IMAGES": "http://host/a/"}])
def test_what_has_none_goes_on(env: dict[str, str]) -> None:
    assert refuse_secrets({"env": env}) == {"return": 0}

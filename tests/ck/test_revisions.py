"""`ckssd doctor` names what was installed before its recipe was mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckssd.ck import doctor
from ckssd.ck.environments import Environment
from ckssd.ck.installer import PackageEntry
from ckssd.install import Identity, Provenance
from ckssd.install.provenance import write_provenance

UID = "0" * 16


@pytest.mark.parametrize(("made", "now", "named"), [({}, 1, 0), ({}, 2, 1), ({"revision": 2}, 2, 0)])
def test_only_what_a_lower_revision_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: dict[str, int], now: int, named: int
) -> None:
    write_provenance(tmp_path, Provenance(Identity("a-model", UID), extra=made))
    there = Environment("1", "A model", "1.0", (), tmp_path, UID, {}, 0)
    other = Environment("2", "Another's", "1.0", (), tmp_path / "gone", "1" * 16, {}, 0)
    monkeypatch.setattr(doctor, "environments", lambda: [there, other])
    entry = PackageEntry("a-model", UID, "1.0", ("model", "a"), (), tmp_path, {"ckssd": {"revision": now}})
    found = list(doctor.check_revisions([entry]))
    assert len(found) == named
    assert all("before its recipe was mended" in one.detail for one in found)
    assert all(one.advice == "ckssd install --tags=model,a" for one in found)

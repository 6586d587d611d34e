"""Processors are counted on systems without Linux's affinity, too."""

from __future__ import annotations

import os

import pytest

from ckssd.processors import usable_processors


def test_a_process_counts_those_it_may_use() -> None:
    assert usable_processors() == len(os.sched_getaffinity(0))


def test_without_affinity_all_of_the_machine_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_processors() == os.cpu_count()
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_processors() == 1

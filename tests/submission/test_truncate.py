"""Accuracy logs are cut to 10 kB; the whole is kept, and its hash is what the folder says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import InputError
from ckssd.submission.truncate import LARGEST_LOG, SHOWN, cut, truncate

LOG = Path("open", "me", "results", "machine", "mine", "Offline", "accuracy", "mlperf_log_accuracy.json")


def submission(root: Path, content: bytes, said: str = "mAP=1.000%\n") -> Path:
    (root / LOG).parent.mkdir(parents=True)
    (root / LOG).write_bytes(content)
    (root / LOG).with_name("accuracy.txt").write_text(said)
    return root


@given(st.integers(0, 40_000), st.binary(min_size=1, max_size=50))
def test_what_is_left_is_small_and_has_both_ends(size: int, part: bytes) -> None:
    content = (part * (size // len(part) + 1))[:size]
    left = cut(content)
    assert len(left) <= LARGEST_LOG
    assert left[:SHOWN] == content[:SHOWN]
    assert left[-SHOWN:] == content[-SHOWN:]
    assert (left == content) == (size <= LARGEST_LOG)


@pytest.mark.parametrize("said", ["mAP=1.000%\n", "mAP=1.000%", ""])
def test_the_hash_is_the_whole_log_s_and_once_is_enough(tmp_path: Path, said: str) -> None:
    content = b"[" + 30_000 * b"x" + b"]"
    root, kept = submission(tmp_path / "it", content, said), tmp_path / "kept"
    assert truncate(root, kept) == [LOG]
    assert (kept / LOG).read_bytes() == content
    text = (root / LOG).with_name("accuracy.txt").read_text()
    assert text == said + ("\n" if said[-1:] not in ("", "\n") else "") + (
        f"hash={hashlib.sha256(content).hexdigest()}\n"
    )
    assert truncate(root, kept) == []
    assert (root / LOG).with_name("accuracy.txt").read_text() == text


def test_a_log_that_was_cut_before_it_was_hashed_is_refused(tmp_path: Path) -> None:
    root = submission(tmp_path / "it", cut(30_000 * b"x"))
    with pytest.raises(InputError, match="was cut, and has no hash"):
        truncate(root, tmp_path / "kept")


def test_another_log_that_is_kept_stays(tmp_path: Path) -> None:
    root = submission(tmp_path / "it", 30_000 * b"x")
    kept = tmp_path / "kept" / LOG
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"another")
    assert truncate(root, tmp_path / "kept") == [LOG]
    assert kept.read_bytes() == 30_000 * b"x"
    name = f"mlperf_log_accuracy-{hashlib.sha256(b'another').hexdigest()[:8]}.json"
    assert kept.with_name(name).read_bytes() == b"another"

"""Standard error is put aside while a runtime starts; nothing but information is lost."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from ckssd.detect.native_log import without_native_log

INFORMING = "INFO: Created TensorFlow Lite XNNPACK delegate for CPU."


def test_information_is_dropped_and_all_else_follows(capfd: pytest.CaptureFixture[str]) -> None:
    with without_native_log():
        os.write(2, f"{INFORMING}\nW0000 00:00 x.cc:1] careful\n\nmore\n".encode())
        assert capfd.readouterr().err == ""
    os.write(2, b"after\n")
    assert capfd.readouterr().err.splitlines() == ["W0000 00:00 x.cc:1] careful", "more", "after"]


def test_an_exception_passes_and_standard_error_is_back(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with without_native_log():
            os.write(2, b"a last word")
            raise ValueError("seven")

    with pytest.raises(ValueError, match="seven"):
        fail()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "a last word\nafter\n"


def test_threads_do_not_take_standard_error_from_each_other(capfd: pytest.CaptureFixture[str]) -> None:
    def quiet(number: int) -> None:
        with without_native_log():
            os.write(2, f"{INFORMING}\nline {number}\n".encode())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(quiet, range(100)))
    os.write(2, b"after\n")
    lines = capfd.readouterr().err.splitlines()
    assert sorted(lines[:-1]) == sorted(f"line {number}" for number in range(100))
    assert lines[-1] == "after"

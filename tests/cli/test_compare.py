"""Flags of `ckssd compare` that would not count are refused, before anything is looked for."""

from __future__ import annotations

import argparse

import pytest

from ckssd.cli import compare
from ckssd.errors import UsageError


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--env=CK_MODE=latency"], "every mode"),
        (["--env=USE_NMS=fast"], "--nms"),
        (["--env=CK_RUNTIME=openvino"], "--runtimes"),
        (["--nms=fast", "--runtimes=openvino"], "--nms counts only for litert"),
        (["--nms=none", "--runtimes=openvino,tensorflow"], "--nms counts only for litert"),
        (["--runtimes=litert,torch"], "Unknown runtime: --runtimes=torch"),
        (["--rounds=0"], "--rounds"),
    ],
)
def test_what_would_not_count_is_refused(flags: list[str], said: str) -> None:
    parser = argparse.ArgumentParser()
    compare.add_arguments(parser)
    with pytest.raises(UsageError) as refused:
        compare.run(parser.parse_args(flags))
    assert said in str(refused.value)

"""From the start of a process to its first detection, and what CK costs around the program."""

from __future__ import annotations

import time
from functools import partial
from statistics import median
from typing import Any

from bench.context import BUILT_IN_DATA, BUILT_IN_MODEL, COCO_TOOLS, LITERT, ROOT, Context, Row, in_turn

FIRST_DETECTION_S = 0.8
CK_S = 1.0
# CK's own time.sleep, whatever --sleep says: 0.5 s in its modules pipeline and program, and 1 s in program
# after it has removed the program's tmp folder, which --no_clean keeps.
CK_SLEEPS_S = {"ck": 2.0, "ck --no_clean": 1.0}
PROGRAM = "program:object-detection-tflite"
CK = (
    *("ck", "benchmark", PROGRAM, "--repetitions=1", "--sleep=0", "--skip_print_timers"),
    *("--skip_stat_analysis", "--dep_add_tags.weights=shapes,non-quantized", "--dep_add_tags.dataset=shapes"),
)


def measure(context: Context) -> list[Row]:
    """Both in seconds."""
    return [_first_detection(context), *_around_the_program(context)]


def _first_detection(context: Context) -> Row:
    settings = context.write("first.json", context.settings(mode="latency", batch_count=1))
    runs = [context.run(context.litert_python, "detect_only.py", settings) for _ in range(context.rounds)]
    seconds = [float(run["start_to_first_detection_s"]) for run in runs]
    return Row(
        "process start to first detection (LiteRT)",
        f"under {FIRST_DETECTION_S} s",
        f"{median(seconds):.2f} s",
        median(seconds) < FIRST_DETECTION_S,
        {"seconds": seconds},
    )


def _around_the_program(context: Context) -> list[Row]:
    """``ck benchmark`` against its own run_cmd with the same variables."""
    variables: dict[str, str] = {}
    for tags in (LITERT, COCO_TOOLS, BUILT_IN_MODEL, BUILT_IN_DATA):
        variables |= context.variables(tags)
    settings = {"USE_NMS": "regular", "CK_BATCH_COUNT": "50"}
    ck = partial(_seconds, context, *CK, *(f"--env.{name}={value}" for name, value in settings.items()))
    contenders = {
        "ck": ck,
        "ck --no_clean": partial(ck, "--no_clean"),
        "program": partial(
            _seconds,
            context,
            "env",
            *(f"{name}={value}" for name, value in {**variables, **settings}.items()),
            str(context.litert_python),
            str(ROOT / "program" / "object-detection-tflite" / "run.py"),
        ),
    }
    seconds = in_turn(contenders, context.rounds)
    return [_added(name, seconds) for name in CK_SLEEPS_S]


def _added(name: str, seconds: dict[str, list[float]]) -> Row:
    added = median(a - b for a, b in zip(seconds[name], seconds["program"], strict=True))
    return Row(
        f"{name.replace('ck', 'ck benchmark … --sleep=0')} over the program itself",
        f"under {CK_S:.0f} s",
        f"{added:.2f} s, of which CK sleeps {CK_SLEEPS_S[name]:.1f} s",
        added < CK_S,
        seconds,
    )


def _seconds(context: Context, *words: Any) -> float:
    began = time.perf_counter()
    context.command(*words)
    return time.perf_counter() - began

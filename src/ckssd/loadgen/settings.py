"""What a LoadGen run is told: a benchmark's settings, and LoadGen's by the original program's variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.coco.metric_types import COCO
from ckssd.errors import UsageError
from ckssd.json_file import plain
from ckssd.loadgen.conf import MODES, SCENARIOS
from ckssd.loadgen.rounds import DEFAULT_ROUND
from ckssd.measure import settings as benchmark_settings
from ckssd.measure.settings import BenchmarkSettings
from ckssd.model.files import value
from ckssd.values import Check, bad_value, choice, file_path, folder_path, real_number, whole_number

AUDITS = ("TEST01", "TEST04-A", "TEST04-B", "TEST05")
LOADED, ON_THE_FLY = "loaded", "on-the-fly"


@dataclass(frozen=True)
class LoadGenSettings:
    """One run under LoadGen.

    ``rounds``: the file of config-loadgen. ``module_folder``: the site-packages that have LoadGen; None:
    those of the Python that runs. ``samples``: whether images are decoded and resized before LoadGen asks
    for them, as MLPerf's rules say, or when it does. ``buffer_size``: samples that are kept at once; default:
    the round's. The other values change a user.conf, given or written: milliseconds, seconds, queries.
    ``answer_within_s``: how long an answer may take until it counts as lost. ``audit``: a compliance test.
    """

    benchmark: BenchmarkSettings
    rounds: Path
    scenario: str = "SingleStream"
    mode: str = "PerformanceOnly"
    round: str = DEFAULT_ROUND
    module_folder: Path | None = None
    user_conf: Path | None = None
    samples: str = LOADED
    buffer_size: int | None = None
    target_latency_ms: float | None = None
    target_qps: float | None = None
    min_duration_s: float | None = None
    max_duration_s: float | None = None
    min_query_count: int | None = None
    samples_per_query: int | None = None
    answer_within_s: float = 10.0
    audit: str | None = None

    def __post_init__(self) -> None:
        self.benchmark.refuse_parts("A run under LoadGen")
        if self.benchmark.skip_bad_images:
            raise UsageError("CK_SKIP_BAD_IMAGES does not go with LoadGen: every sample has to be answered")
        if self.benchmark.metric != COCO:
            raise UsageError(
                "LoadGen's accuracy is COCO's", where="CK_METRIC_TYPE", got=self.benchmark.metric
            )
        if self.mode == "FindPeakPerformance" and self.scenario != "Server":
            raise UsageError(
                "LoadGen finds peak performance in one scenario only", expected="Server", got=self.scenario
            )
        if self.audit is not None and self.mode != "PerformanceOnly":
            raise UsageError(
                "A compliance test is a performance run",
                where=self.audit,
                expected="PerformanceOnly",
                got=self.mode,
            )


def one_of(*allowed: str) -> Check:
    """One of a few words, in any case; as they are written here."""
    words = {word.lower(): word for word in allowed}

    def check(name: str, given: Any) -> str:
        word = words.get(str(given).strip().lower())
        if word is None:
            raise bad_value(name, " or ".join(allowed), given)
        return word

    return check


def scenario(name: str, given: Any) -> str:
    """A scenario, in any case, with or without a space."""
    return str(one_of(*SCENARIOS)(name, str(given).replace(" ", "").replace("_", "")))


def round_name(_: str, given: Any) -> str:
    """``v2.0`` or ``2.0``; which there are is said where they are read."""
    return f"v{str(given).strip().lower().removeprefix('v')}"


@dataclass(frozen=True)
class Field:
    """A setting's variables, the first that is set counting, and its check."""

    variables: tuple[str, ...]
    check: Check


POSITIVE = real_number(0, above=True)
FIELDS: dict[str, Field] = {
    "scenario": Field(("CK_LOADGEN_SCENARIO",), scenario),
    "mode": Field(("CK_LOADGEN_MODE",), one_of(*MODES)),
    "round": Field(("CK_LOADGEN_ROUND",), round_name),
    "rounds": Field(("CK_ENV_LOADGEN_CONFIG_FILE",), file_path),
    "module_folder": Field(("CK_ENV_LIB_PYTHON_MLPERF_LOADGEN_LIB",), folder_path),
    "user_conf": Field(("CK_LOADGEN_USER_CONF",), file_path),
    "samples": Field(("CK_LOADGEN_SAMPLES",), choice(LOADED, ON_THE_FLY)),
    "buffer_size": Field(("CK_LOADGEN_BUFFER_SIZE",), whole_number(1)),
    "target_latency_ms": Field(
        ("CK_LOADGEN_TARGET_LATENCY", "CK_LOADGEN_SINGLE_STREAM_TARGET_LATENCY_MS"), POSITIVE
    ),
    "target_qps": Field(("CK_LOADGEN_TARGET_QPS", "CK_LOADGEN_OFFLINE_EXPECTED_QPS"), POSITIVE),
    "min_duration_s": Field(("CK_LOADGEN_MIN_DURATION_S",), POSITIVE),
    "max_duration_s": Field(("CK_LOADGEN_MAX_DURATION_S",), POSITIVE),
    "min_query_count": Field(("CK_LOADGEN_MIN_QUERY_COUNT",), whole_number(1)),
    "samples_per_query": Field(("CK_LOADGEN_MULTISTREAMNESS",), whole_number(1, 4096)),
    "answer_within_s": Field(("CK_LOADGEN_ANSWER_WITHIN_S",), POSITIVE),
    "audit": Field(("CK_LOADGEN_AUDIT",), one_of(*AUDITS)),
}
ADVICE = {"rounds": "install it: ckssd install --tags=config,loadgen"}


def given_values(environment: Mapping[str, str]) -> dict[str, Any]:
    """The settings whose variables are set, each checked by itself: a UsageError for the first bad one."""
    values: dict[str, Any] = {}
    for name, field in FIELDS.items():
        # The original program's defaults have 0 and "" for what is not set.
        given = [
            (each, text) for each in field.variables if (text := value(environment, each)) not in (None, "0")
        ]
        if given:
            values[name] = field.check(*given[0])
    return values


def from_environment(environment: Mapping[str, str]) -> LoadGenSettings:
    """Read the variables that CK sets for ``program:object-detection-tflite-loadgen`` and its siblings.

    Raises
    ------
    UsageError
        For the first variable that is missing or has a bad value.
    InputError
        The model cannot be read.
    """
    if value(environment, benchmark_settings.CLUSTER) is not None:
        raise UsageError("LoadGen measures one machine", where=benchmark_settings.CLUSTER, advice="unset it")
    values = given_values(environment)
    if "rounds" not in values:
        raise UsageError(f"{FIELDS['rounds'].variables[0]} is not set", advice=ADVICE["rounds"])
    mode = "latency" if values.get("scenario", "SingleStream") == "SingleStream" else "throughput"
    data_set_size = value(environment, "CK_LOADGEN_DATASET_SIZE")
    if data_set_size not in (None, "0"):
        environment = {**environment, "CK_BATCH_COUNT": str(data_set_size)}
    benchmark = benchmark_settings.from_environment({"CK_MODE": mode, **environment})
    return LoadGenSettings(benchmark=benchmark, **values)


def from_mapping(mapping: Mapping[str, Any]) -> LoadGenSettings:
    """Read what ``as_mapping`` wrote; raises as from_environment does."""
    values = {
        name: field.check(name, given)
        for name, field in FIELDS.items()
        if (given := mapping.get(name)) is not None
    }
    return LoadGenSettings(benchmark=benchmark_settings.from_mapping(mapping["benchmark"]), **values)


def as_mapping(settings: LoadGenSettings) -> dict[str, Any]:
    """As JSON values, for another process."""
    values = {name: getattr(settings, name) for name in FIELDS}
    paths = {name: str(given) for name, given in values.items() if isinstance(given, Path)}
    return {**values, **paths, "benchmark": plain(settings.benchmark)}

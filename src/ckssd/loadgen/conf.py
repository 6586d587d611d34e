"""LoadGen's configuration files (``mlperf.conf``, ``user.conf``): read strictly, made settings of.

LoadGen's own reader takes a missing file and a misspelt key in silence; here each is an error. A line is
``model.scenario.key = value``, with ``*`` for any model or scenario, times in milliseconds.

Source of the keys and factors: mlcommons/inference, loadgen/test_settings_internal.cc, FromConfig.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ckssd.errors import InputError

MODEL = "ssd-mobilenet"
SCENARIOS = ("SingleStream", "MultiStream", "Offline", "Server")
MODES = ("PerformanceOnly", "AccuracyOnly", "FindPeakPerformance", "SubmissionRun")
# What the rounds v0.5 to v2.0 call their models; lines of others in a shared file are left alone.
MODELS = (
    *("*", MODEL, "resnet50", "mobilenet", "ssd-resnet34", "gnmt", "bert", "dlrm", "rnnt", "3d-unet"),
    *("bert-99", "bert-99.9", "dlrm-99", "dlrm-99.9", "3d-unet-99", "3d-unet-99.9", "ssd-small", "ssd-large"),
)
MS_TO_NS = 1_000_000

Number = int | float
Conf = Mapping[str, Number]


@dataclass(frozen=True)
class Key:
    """A key's attribute in LoadGen's TestSettings, the factor of its value, and whether users may set it.

    ``scenario``: the one that it counts in; None for all. ``whole``: whether the attribute is an integer.
    """

    attribute: str
    factor: float = 1
    scenario: str | None = None
    whole: bool = True
    by_users: bool = True


KEYS: dict[str, tuple[Key, ...]] = {
    "qsl_rng_seed": (Key("qsl_rng_seed", by_users=False),),
    "sample_index_rng_seed": (Key("sample_index_rng_seed", by_users=False),),
    "schedule_rng_seed": (Key("schedule_rng_seed", by_users=False),),
    "min_duration": (Key("min_duration_ms"),),
    "max_duration": (Key("max_duration_ms"),),
    "min_query_count": (Key("min_query_count"),),
    "max_query_count": (Key("max_query_count"),),
    "performance_sample_count_override": (Key("performance_sample_count_override"),),
    "accuracy_log_rng_seed": (Key("accuracy_log_rng_seed"),),
    "accuracy_log_sampling_target": (Key("accuracy_log_sampling_target"),),
    "performance_issue_unique": (Key("performance_issue_unique"),),
    "performance_issue_same": (Key("performance_issue_same"),),
    "performance_issue_same_index": (Key("performance_issue_same_index"),),
    "sample_concatenate_permutation": (Key("sample_concatenate_permutation"),),
    "target_latency": (
        Key("single_stream_expected_latency_ns", MS_TO_NS, "SingleStream"),
        Key("multi_stream_expected_latency_ns", MS_TO_NS, "MultiStream"),
        Key("server_target_latency_ns", MS_TO_NS, "Server"),
    ),
    "target_latency_percentile": (
        Key("single_stream_target_latency_percentile", 0.01, "SingleStream", whole=False),
        Key("multi_stream_target_latency_percentile", 0.01, "MultiStream", whole=False),
        Key("server_target_latency_percentile", 0.01, "Server", whole=False),
    ),
    "samples_per_query": (Key("multi_stream_samples_per_query", 1, "MultiStream"),),
    "target_qps": (
        Key("server_target_qps", 1, "Server", whole=False),
        Key("offline_expected_qps", 1, "Offline", whole=False),
    ),
    "coalesce_queries": (Key("server_coalesce_queries", 1, "Server"),),
    "max_async_queries": (Key("server_max_async_queries", 1, "Server"),),
}
# Of rounds before v2.0; today's LoadGen knows them no more.
FORMER_KEYS = ("target_duration",)
# Attributes that are 0 or 1.
SWITCHES = (
    *("performance_issue_unique", "performance_issue_same", "sample_concatenate_permutation"),
    "server_coalesce_queries",
)


def read_conf(path: Path, *, official: bool = False) -> dict[str, Number]:
    """Read a user's configuration file.

    Parameters
    ----------
    official
        It is a round's ``mlperf.conf``, which may also set what users may not.

    Raises
    ------
    InputError
        It is missing, a line is none, or a key is misspelt or cannot be set by a user.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError("LoadGen's configuration cannot be read", where=path, got=reason) from error
    found: dict[str, Number] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if content:
            name, value = _pair(content, f"{path}:{number}", official=official)
            found[name] = value
    return found


def _pair(content: str, where: str, *, official: bool) -> tuple[str, Number]:
    name, equals, text = (part.strip() for part in content.partition("="))
    parts = name.split(".")
    if not equals or len(parts) < 3:
        raise InputError(
            "No line of LoadGen's", where=where, expected="model.scenario.key = value", got=content
        )
    # A model's name may have a dot in it: bert-99.9.
    model, scenario, key = ".".join(parts[:-2]), parts[-2], parts[-1]
    _known(model, MODELS, "model", where)
    _known(scenario, ("*", *SCENARIOS), "scenario", where)
    _known(key, [*KEYS, *FORMER_KEYS], "key", where)
    if not official and not all(one.by_users for one in KEYS.get(key, ())):
        raise InputError(
            "This key is not a user's", where=where, got=key, advice="a round's rules decide it: --round"
        )
    value = _number(text, where)
    if value not in (0, 1) and any(one.attribute in SWITCHES for one in KEYS.get(key, ())):
        raise InputError("No value of LoadGen's", where=where, expected="0 or 1", got=text)
    return name, value


def _known(word: str, known: Iterable[str], kind: str, where: str) -> None:
    names = [*known]
    if word in names:
        return
    near = difflib.get_close_matches(word, names, 1)
    expected = near[0] if near else ", ".join(names)
    raise InputError(f"LoadGen has no such {kind}", where=where, expected=expected, got=word)


def _number(text: str, where: str) -> Number:
    try:
        return int(text, 0)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise InputError("No value of LoadGen's", where=where, expected="a number", got=text)
    return number


def conf_text(values: Conf, about: Iterable[str] = ()) -> str:
    """The text of a configuration file; ``about``: comments above."""
    lines = [f"# {line}" for line in about] + [f"{name} = {value}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def lookup(conf: Conf, scenario: str, key: str) -> Number | None:
    """A key's value for SSD-MobileNet in a scenario: the most specific line counts, as LoadGen has it."""
    for name in (f"{MODEL}.{scenario}.{key}", f"*.{scenario}.{key}", f"{MODEL}.*.{key}", f"*.*.{key}"):
        if name in conf:
            return conf[name]
    return None


def attributes(layers: Iterable[Conf], scenario: str) -> dict[str, Number]:
    """Attributes of LoadGen's TestSettings in a scenario; a later layer counts more."""
    found: dict[str, Number] = {}
    for layer in layers:
        for name, meanings in KEYS.items():
            value = lookup(layer, scenario, name)
            for key in meanings:
                if value is not None and key.scenario in (None, scenario):
                    found[key.attribute] = round(value * key.factor) if key.whole else value * key.factor
    return found

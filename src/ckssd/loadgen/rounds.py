"""The rules of MLPerf's rounds, read from the package ``config-loadgen``: data, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.errors import InputError, UsageError
from ckssd.json_file import read_object
from ckssd.loadgen.conf import Number, conf_text

DEFAULT_ROUND = "v2.0"
# Rounds before it had another MultiStream: queries at fixed times, which LoadGen 6 cannot do.
TODAY_S_MULTI_STREAM = ("v2.0",)


@dataclass(frozen=True)
class Round:
    """What a round says about SSD-MobileNet.

    ``conf``: its mlperf.conf. ``accuracy_target``: of mAP, 0 to 100. ``least_samples``: of a run's sample
    library. ``least_queries``: by scenario. ``required``, ``optional``: scenarios of an edge system.
    ``loadgen_version``, ``accuracy_samples``: what a submission's logs have to say; None where this project
    lays out no submission of the round.
    """

    name: str
    conf: Mapping[str, Number]
    conf_source: str
    accuracy_target: float
    least_samples: int
    least_queries: Mapping[str, int]
    least_duration_ms: int
    least_offline_samples: int
    latency_limit_ns: Mapping[str, int]
    early_stopping: tuple[str, ...]
    required: tuple[str, ...]
    optional: tuple[str, ...]
    test05_seeds: Mapping[str, int]
    compliance: Mapping[str, Any]
    loadgen_version: str | None
    accuracy_samples: int | None
    sources: Mapping[str, str]

    def seeds(self) -> dict[str, int]:
        """The three seeds by LoadGen's names."""
        names = ("qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed")
        return {name: int(self.conf[f"*.*.{name}"]) for name in names}

    def conf_text(self) -> str:
        """Its mlperf.conf, as far as it is about this model."""
        return conf_text(self.conf, [f"MLPerf Inference {self.name}: {self.conf_source}"])

    def check_scenario(self, scenario: str) -> None:
        """Raise a UsageError for what today's LoadGen cannot run by this round's rules."""
        if scenario == "MultiStream" and self.name not in TODAY_S_MULTI_STREAM:
            raise UsageError(
                "LoadGen has this round's MultiStream no more",
                where=self.name,
                expected=f"MultiStream of {', '.join(TODAY_S_MULTI_STREAM)}, or another scenario",
                got="MultiStream with queries at fixed times",
                advice="since v2.0, LoadGen asks for the next query when the last one is answered, and has "
                "no fixed rate any more; only the round's own LoadGen can run this",
            )


def read_round(path: Path, name: str) -> Round:
    """Read one round's rules.

    Raises
    ------
    UsageError
        There is no such round.
    InputError
        The file is not what config-loadgen installs.
    """
    content = read_object(path, "rules of MLPerf's rounds")
    rounds = content.get("rounds", {})
    if name not in rounds:
        raise UsageError("Unknown round of MLPerf", expected=", ".join(rounds), got=name)
    try:
        return _round(name, rounds[name], content["compliance"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError("The rules of a round are incomplete", where=f"{path}: {name}", got=error) from error


def _round(name: str, rules: dict[str, Any], compliance: dict[str, Any]) -> Round:
    accuracy, edge = rules["accuracy"], rules["scenarios"]["edge"]
    return Round(
        name=name,
        conf=rules["conf"]["values"],
        conf_source=rules["conf"]["source"],
        accuracy_target=accuracy["reference"] * accuracy["share"],
        least_samples=rules["performance_samples"]["least"],
        least_queries=rules["least_queries"]["values"],
        least_duration_ms=rules["least_duration_ms"]["value"],
        least_offline_samples=rules["least_offline_samples"]["value"],
        latency_limit_ns=rules["latency_limit_ns"]["values"],
        early_stopping=tuple(rules["early_stopping"]["scenarios"]),
        required=tuple(edge["required"]),
        optional=tuple(edge["optional"]),
        test05_seeds=rules.get("test05", {}).get("seeds", {}),
        compliance=compliance,
        loadgen_version=rules.get("submission", {}).get("loadgen_version"),
        accuracy_samples=rules.get("submission", {}).get("accuracy_samples"),
        sources={key: value["source"] for key, value in rules.items()},
    )

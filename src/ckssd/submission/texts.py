"""The files of a submission that people read, made from a run's record: nothing in them is guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import ckssd
from ckssd.submission.layout import Entry
from ckssd.submission.machine import UNSTATED
from ckssd.submission.measurements import FIELDS
from ckssd.submission.rules import Finding

DATA_TYPES = {"float32": "fp32", "float16": "fp16", "int8": "int8", "uint8": "uint8"}


def implementation(record: Mapping[str, Any], stated: Mapping[str, str]) -> dict[str, str]:
    """The description of what ran: what a person states counts more than what the run says."""
    settings = record["settings"]
    found = dict.fromkeys(FIELDS, UNSTATED)
    found["starting_weights_filename"] = _model_files(settings)
    found["weight_data_types"] = DATA_TYPES.get(settings["precision"], settings["precision"])
    found["input_data_types"] = found["weight_data_types"]
    return {**found, **{name: value for name, value in stated.items() if value}}


def _model_files(settings: Mapping[str, Any]) -> str:
    """Names: an IR is two files, and its hash is of both, one after the other."""
    return " and ".join(file["name"] for file in settings["model_files"])


def accuracy(record: Mapping[str, Any]) -> str:
    """``accuracy.txt``: COCO's twelve numbers, and mAP as MLPerf's accuracy-coco.py prints it."""
    settings = record["settings"]
    tool = settings["metrics_tool"]
    lines = [f"{name} = {float(value):.4f}" for name, value in record["metrics"].items()]
    lines += [
        f"computed from mlperf_log_accuracy.json with {tool} {settings['versions'].get(tool, '')}".rstrip(),
        f"images={settings['images']}",
        f"annotations_sha256={settings['annotations_sha256']}",
        f"detections_sha256={record['detections_sha256']}",
        f"mAP={100 * float(record['mAP']):.3f}%",
    ]
    return "\n".join(lines) + "\n"


def compared_accuracy(metrics: Mapping[str, Any], run: str) -> str:
    """A file of TEST01, part III: mAP of those samples of a run that TEST01 logged."""
    lines = [f"of the {run}'s answers, those of the {metrics['images']} samples that TEST01 logged"]
    return "\n".join([*lines, f"mAP={100 * float(metrics['mAP']):.3f}%"]) + "\n"


def readme(entry: Entry, record: Mapping[str, Any], command: str) -> str:
    """A scenario's README: by which command it was measured, and with what."""
    settings, facts = record["settings"], record["loadgen"]
    nms = f"{settings['nms']} NMS, score threshold {settings['score_threshold']}"
    images = f"{settings['resize']}, {settings['channel_order']}, {settings['normalisation']}"
    versions = ", ".join(f"{name} {text}" for name, text in settings["versions"].items())
    lines = [
        f"# {entry.model}, {entry.scenario}",
        "",
        f"Measured with ckssd {ckssd.__version__}; its source is in `code/{entry.model}`. The command:",
        "",
        f"    {command}",
        "",
        f"- Runtime: {settings['runtime']}",
        f"- Model: {_model_files(settings)}, {settings['precision']}, SHA-256 {settings['model_sha256']}",
        f"- Postprocessing: {settings['postprocessed_by']}, {nms}",
        f"- Images: {settings['images']}, annotations with SHA-256 {settings['annotations_sha256']}",
        f"- Preprocessing, before LoadGen's clock runs: {images}",
        f"- Samples: {facts['samples']}; {settings['threads']} threads, {settings['mode']}",
        f"- Versions: {versions}",
        "",
        "All runs of this scenario have the `user.conf` in this folder; `mlperf.conf` is the round's, as far",
        "as it is about this model.",
    ]
    return "\n".join(lines) + "\n"


def departures(found: Iterable[Finding], round_name: str) -> str:
    """What of a scenario is not by the rules, as a README's last section."""
    lines = [f"- {one.rule.name}: {one.rule.says} (expected {one.expected}, got {one.got})" for one in found]
    if not lines:
        return ""
    head = f"\n## Not by the rules of {round_name}\n\nThis is no result of MLPerf:\n\n"
    return head + "\n".join(dict.fromkeys(lines)) + "\n"


def code_readme(runtime: str) -> str:
    """What the code is, and how it is run."""
    return f"""# ckssd {ckssd.__version__}, {runtime}

The library that is between LoadGen and the runtime: `src/ckssd/loadgen` talks to LoadGen, `src/ckssd/detect`
runs the model (here `src/ckssd/detect/backends/{runtime}.py`), `src/ckssd/measure` computes the accuracy.
With the versions in each scenario's README:

    PYTHONPATH=src python -m ckssd loadgen --runtime {runtime} --help
"""

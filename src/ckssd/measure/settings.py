"""What a benchmark run is told: by CK's environment variables or by a JSON object, checked before any work.

One table, ``FIELDS``, says for each setting which variable gives it, what it may be, and its default. A bad
value ends in one UsageError that names the variable, what was expected and what came.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.coco.metrics import DEFAULT_TOOL, TOOLS
from ckssd.detect.resize import DEFAULT_RESIZE, RESIZE_METHODS, ResizeMethod
from ckssd.errors import UsageError
from ckssd.measure.backends import DEFAULT_RUNTIME, RUNTIMES
from ckssd.measure.custom import CustomOptions
from ckssd.measure.images import DEFAULT_MODE, MODES
from ckssd.measure.models import ADVICE, GRAPHS, MODEL, model_file, model_folder, value, variable_for
from ckssd.measure.own_nms import OwnNMS, kind_of, refuse_other_nms, refuse_own_nms
from ckssd.measure.published import Published
from ckssd.measure.values import (
    Check,
    bad_value,
    choice,
    file_path,
    folder_path,
    made_folder,
    plain_text,
    switch,
    whole_number,
)


@dataclass(frozen=True)
class BenchmarkSettings:
    """One benchmark run.

    ``batch_count`` None means all images. ``image_width`` and ``image_height`` None mean the model's own.
    ``label_offset`` is the label id of class index 0. ``custom`` replaces the postprocessing options;
    ``own_nms`` stands in for them where the graph has none (``nms`` none).
    ``mode``: throughput unless latency is given, which is how timing is asked for: there one image is run at
    a time, and its times are what a caller waits; in throughput they are those of several images at once.
    ``threads``: in the interpreter (mode latency), or interpreters with one thread each (throughput).
    ``preprocessed_cache`` keeps resized images for the next run.
    """

    model: Path
    labels: Path
    images: Path
    annotations: Path
    metrics_python: Path
    threads: int
    runtime: str = DEFAULT_RUNTIME
    mode: str = DEFAULT_MODE
    nms: str = "regular"
    batch_count: int | None = None
    batch_size: int = 1
    skip_images: int = 0
    metric: str = "coco"
    metrics_tool: str = DEFAULT_TOOL
    resize: ResizeMethod = DEFAULT_RESIZE
    image_width: int | None = None
    image_height: int | None = None
    normalize: bool = True
    label_offset: int = 1
    skip_bad_images: bool = False
    preprocessed_cache: Path | None = None
    silent: bool = False
    full_report: bool = False
    verbose: bool = False
    model_name: str = ""
    dataset_type: str = ""
    custom: CustomOptions | None = None
    own_nms: OwnNMS | None = None
    published: Published | None = None


@dataclass(frozen=True)
class Field:
    """A setting's variable, its check, and a default where BenchmarkSettings has none."""

    variable: str
    check: Check
    default: Callable[[], Any] | None = None
    required: bool = False
    advice: str | None = None


def _usable_processors() -> int:
    return len(os.sched_getaffinity(0))


FIELDS: dict[str, Field] = {
    "runtime": Field("CK_RUNTIME", choice(*RUNTIMES)),
    "mode": Field("CK_MODE", choice(*MODES)),
    "nms": Field("USE_NMS", choice(*GRAPHS)),
    "batch_count": Field("CK_BATCH_COUNT", whole_number(1)),
    "batch_size": Field("CK_BATCH_SIZE", whole_number(1, 1)),
    "skip_images": Field("CK_SKIP_IMAGES", whole_number(0)),
    "metric": Field("CK_METRIC_TYPE", choice("coco")),
    "metrics_tool": Field("CK_METRICS_TOOL", choice(*TOOLS)),
    "threads": Field("CK_HOST_CPU_NUMBER_OF_PROCESSORS", whole_number(1, 1024), default=_usable_processors),
    "resize": Field("CK_RESIZE", choice(*RESIZE_METHODS)),
    "skip_bad_images": Field("CK_SKIP_BAD_IMAGES", switch),
    "preprocessed_cache": Field("CK_PREPROCESSED_CACHE", made_folder),
    "silent": Field("CK_SILENT_MODE", switch),
    "full_report": Field("FULL_REPORT", switch),
    "verbose": Field("VERBOSE", switch),
    "image_width": Field(f"{MODEL}IMAGE_WIDTH", whole_number(1)),
    "image_height": Field(f"{MODEL}IMAGE_HEIGHT", whole_number(1)),
    "normalize": Field(f"{MODEL}NORMALIZE_DATA", switch),
    "model_name": Field(f"{MODEL}MODEL_NAME", plain_text),
    "dataset_type": Field("CK_ENV_DATASET_TYPE", plain_text),
    "model": Field(f"{MODEL}ROOT", file_path, required=True, advice=ADVICE),
    "labels": Field(
        f"{MODEL}LABELMAP_FILE", file_path, required=True, advice="the model's entry should name it"
    ),
    "images": Field(
        "CK_ENV_DATASET_IMAGE_DIR",
        folder_path,
        required=True,
        advice="choose a data set (dependency dataset)",
    ),
    "annotations": Field(
        "CK_ENV_DATASET_ANNOTATIONS",
        file_path,
        required=True,
        advice="choose a data set (dependency dataset)",
    ),
    "metrics_python": Field(
        "CK_ENV_TOOL_COCO_PYTHON_FILE",
        file_path,
        required=True,
        advice="install the COCO tools package (tags tool,coco)",
    ),
    "label_offset": Field("label_offset", whole_number(0, 1)),
}


def from_environment(environment: Mapping[str, str]) -> BenchmarkSettings:
    """Read the variables that CK sets for ``program:object-detection-tflite`` and those of other runtimes.

    Raises
    ------
    UsageError
        For the first variable that is missing or has a bad value.
    """
    values: dict[str, Any] = {}
    chosen = value(environment, FIELDS["runtime"].variable) or DEFAULT_RUNTIME
    runtime = FIELDS["runtime"].check(FIELDS["runtime"].variable, chosen)
    for name, field in FIELDS.items():
        if name not in ("model", "labels", "label_offset"):
            variable = variable_for(runtime, field.variable)
            _take(values, name, variable, value(environment, variable))
    _refuse_unsupported(environment, runtime)
    nms = values.get("nms", BenchmarkSettings.nms)
    values["model"] = model_file(runtime, nms, environment)
    values["labels"] = _labels(environment, runtime)
    correction = variable_for(runtime, f"{MODEL}NEED_BACKGROUND_CORRECTION")
    if not switch(correction, environment.get(correction, "yes")):
        values["label_offset"] = 0
    values["custom"] = CustomOptions.from_environment(environment, nms)
    refuse_other_nms(runtime, nms, values["custom"])
    if nms == "none":
        values["own_nms"] = OwnNMS.from_environment(environment)
        nms = kind_of(environment)
    else:
        refuse_own_nms(environment, runtime, nms)
        # Custom settings run regular NMS on whatever graph.
        nms = "regular" if values["custom"] else nms
    values["published"] = Published.from_environment(environment, nms)
    return BenchmarkSettings(**values)


def from_mapping(mapping: Mapping[str, Any]) -> BenchmarkSettings:
    """Read a JSON object whose keys are the names of BenchmarkSettings' fields.

    Raises
    ------
    UsageError
        For an unknown key, a missing one, or a bad value.
    """
    unknown = sorted(set(mapping) - set(FIELDS) - {"custom", "own_nms", "published"})
    if unknown:
        raise UsageError("Unknown setting", where=unknown[0], expected=f"one of {', '.join(sorted(FIELDS))}")
    values: dict[str, Any] = {}
    for name in FIELDS:
        _take(values, name, name, mapping.get(name))
    if mapping.get("custom") is not None:
        values["custom"] = CustomOptions.from_mapping(
            mapping["custom"], values.get("nms", BenchmarkSettings.nms)
        )
    if mapping.get("own_nms") is not None:
        values["own_nms"] = OwnNMS.from_mapping(mapping["own_nms"])
    if mapping.get("published") is not None:
        values["published"] = Published.from_mapping(mapping["published"])
    settings = BenchmarkSettings(**values)
    refuse_other_nms(settings.runtime, settings.nms, settings.custom)
    return settings


def _take(values: dict[str, Any], name: str, shown_name: str, given: Any) -> None:
    """Check one value under its name; leave it to the default if there is none."""
    field = FIELDS[name]
    if given is not None:
        values[name] = field.check(shown_name, given)
    elif field.required:
        raise UsageError(f"{shown_name} is not set", advice=field.advice)
    elif field.default is not None:
        values[name] = field.default()


def _labels(environment: Mapping[str, str], runtime: str) -> Path:
    """The label map if the model's entry names one, else its label list; relative to the model's folder."""
    root = model_folder(environment, runtime)
    label_map, classes = (variable_for(runtime, MODEL + name) for name in ("LABELMAP_FILE", "CLASSES"))
    for variable in (label_map, classes):
        name = value(environment, variable)
        if name is not None:
            return file_path(variable, root / name)
    raise UsageError(f"{label_map} is not set", advice=FIELDS["labels"].advice)


def _refuse_unsupported(environment: Mapping[str, str], runtime: str) -> None:
    channels, mean = (variable_for(runtime, MODEL + name) for name in ("IMAGE_CHANNELS", "SUBTRACT_MEAN"))
    whole_number(3, 3)(channels, value(environment, channels) or 3)
    if switch(mean, environment.get(mean, "no")):
        raise bad_value(mean, "no (SSD-MobileNet models are fed without it)", environment[mean])

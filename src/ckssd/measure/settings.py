"""What a benchmark run is told: by CK's environment variables or by a JSON object, checked before any work.

One table, ``FIELDS``, says for each setting which variable gives it, what it may be, and its default. A bad
value ends in one UsageError that names the variable, what was expected and what came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.coco.image_address import VARIABLE as IMAGE_ADDRESS
from ckssd.coco.image_address import kept_image_address
from ckssd.coco.metric_types import COCO, DEFAULT_EXPAND, EXPANSIONS, Expand, MetricChoice, metric_type
from ckssd.coco.metrics import DEFAULT_TOOL, TOOLS
from ckssd.detect.choices import (
    DECODE,
    DEFAULT_RESIZE,
    ORIENTATIONS,
    RESIZE_METHODS,
    Decode,
    Orientation,
    ResizeMethod,
)
from ckssd.errors import UsageError
from ckssd.measure.images import DEFAULT_MODE, MODES
from ckssd.measure.published import Published
from ckssd.measure.shards import Shard, shard
from ckssd.model import description, entry
from ckssd.model.description import Model
from ckssd.model.files import value
from ckssd.processors import usable_processors
from ckssd.values import (
    Check,
    choice,
    file_path,
    folder_path,
    made_folder,
    new_file,
    plain_text,
    switch,
    whole_number,
)


@dataclass(frozen=True)
class BenchmarkSettings:
    """One benchmark run.

    ``batch_count`` None means all images.
    ``mode``: throughput unless latency is given, which is how timing is asked for: there one image is run at
    a time, and its times are what a caller waits; in throughput they are those of several images at once.
    ``threads``: in the interpreter (mode latency), or interpreters with one thread each (throughput).
    ``orientation``: of the pixels that the annotations are about. ``decode``: see ImageReader.
    ``metric``, ``hierarchy``, ``expand``: see ckssd.coco.metric_types; ``metrics_tool`` is for COCO's.
    ``preprocessed_cache`` keeps resized images for the next run.
    ``image_address``: where the data set's entry says that its pictures are on a network, for ckssd.cluster.
    ``part``: where detections go that `ckssd merge` makes a result of; of the images of ``shard`` only.
    """

    model: Model
    images: Path
    annotations: Path
    metrics_python: Path
    threads: int
    mode: str = DEFAULT_MODE
    batch_count: int | None = None
    batch_size: int = 1
    skip_images: int = 0
    metric: str = COCO
    hierarchy: Path | None = None
    expand: Expand = DEFAULT_EXPAND
    metrics_tool: str = DEFAULT_TOOL
    resize: ResizeMethod = DEFAULT_RESIZE
    decode: Decode = "full"
    orientation: Orientation = "stored"
    skip_bad_images: bool = False
    preprocessed_cache: Path | None = None
    silent: bool = False
    full_report: bool = False
    verbose: bool = False
    dataset_type: str = ""
    image_address: str | None = None
    shard: Shard | None = None
    part: Path | None = None
    published: Published | None = None

    def __post_init__(self) -> None:
        if self.shard is not None and self.part is None:
            raise UsageError(
                "A part of a run has no metrics of its own",
                where=f"CK_SHARD={self.shard}",
                advice="keep what it finds (--part FILE, CK_PART=FILE); ckssd merge has them of all",
            )
        if self.metric != COCO and self.metrics_tool != DEFAULT_TOOL:
            raise UsageError(
                "CK_METRICS_TOOL names a tool for COCO's metrics only",
                expected="CK_METRIC_TYPE coco",
                got=self.metric,
            )
        self.metric_choice()

    def metric_choice(self) -> MetricChoice:
        """Raises a UsageError for a hierarchy where it does not count."""
        return MetricChoice(self.metric, self.hierarchy, self.expand)

    def refuse_parts(self, what: str) -> None:
        """Raise a UsageError if a part of a run is asked for where there are none: ``what`` says where."""
        if self.part is not None:
            raise UsageError(
                f"{what} has no parts", where=f"CK_PART={self.part}", advice="unset CK_PART and CK_SHARD"
            )


@dataclass(frozen=True)
class Field:
    """A setting's variable, its check, and a default where BenchmarkSettings has none."""

    variable: str
    check: Check
    default: Callable[[], Any] | None = None
    required: bool = False
    advice: str | None = None


# Names a cluster that a run goes over, see ckssd.cluster; elsewhere it is refused, not ignored.
CLUSTER = "CK_CLUSTER"

FIELDS: dict[str, Field] = {
    "mode": Field("CK_MODE", choice(*MODES)),
    "batch_count": Field("CK_BATCH_COUNT", whole_number(1)),
    "batch_size": Field("CK_BATCH_SIZE", whole_number(1, 1)),
    "skip_images": Field("CK_SKIP_IMAGES", whole_number(0)),
    "metric": Field("CK_METRIC_TYPE", metric_type),
    "hierarchy": Field("CK_OID_HIERARCHY", file_path),
    "expand": Field("CK_OID_EXPAND", choice(*EXPANSIONS)),
    "metrics_tool": Field("CK_METRICS_TOOL", choice(*TOOLS)),
    "threads": Field("CK_HOST_CPU_NUMBER_OF_PROCESSORS", whole_number(1, 1024), default=usable_processors),
    "resize": Field("CK_RESIZE", choice(*RESIZE_METHODS)),
    "decode": Field("CK_DECODE", choice(*DECODE)),
    "orientation": Field("CK_IMAGE_ORIENTATION", choice(*ORIENTATIONS)),
    "skip_bad_images": Field("CK_SKIP_BAD_IMAGES", switch),
    "preprocessed_cache": Field("CK_PREPROCESSED_CACHE", made_folder),
    "silent": Field("CK_SILENT_MODE", switch),
    "full_report": Field("FULL_REPORT", switch),
    "verbose": Field("VERBOSE", switch),
    "shard": Field("CK_SHARD", shard),
    "part": Field("CK_PART", new_file),
    "dataset_type": Field("CK_ENV_DATASET_TYPE", plain_text),
    "image_address": Field(IMAGE_ADDRESS, kept_image_address),
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
}


def from_environment(environment: Mapping[str, str]) -> BenchmarkSettings:
    """Read the variables that CK sets for ``program:object-detection-tflite`` and those of other runtimes.

    Raises
    ------
    UsageError
        For the first variable that is missing or has a bad value.
    InputError
        The model cannot be read.
    """
    values: dict[str, Any] = {}
    for name, field in FIELDS.items():
        _take(values, name, field.variable, value(environment, field.variable))
    model = entry.from_environment(environment)
    published = Published.from_environment(environment, entry.kind_of_nms(environment, model))
    return BenchmarkSettings(model=model, published=published, **values)


def from_mapping(mapping: Mapping[str, Any]) -> BenchmarkSettings:
    """Read a JSON object whose keys are the names of BenchmarkSettings' fields.

    Raises
    ------
    UsageError
        For an unknown key, a missing one, or a bad value.
    """
    unknown = sorted(set(mapping) - set(FIELDS) - {"model", "published"})
    if unknown:
        raise UsageError("Unknown setting", where=unknown[0], expected=f"one of {', '.join(sorted(FIELDS))}")
    values: dict[str, Any] = {}
    for name in FIELDS:
        _take(values, name, name, mapping.get(name))
    if mapping.get("published") is not None:
        values["published"] = Published.from_mapping(mapping["published"])
    if "model" not in mapping:
        raise UsageError("model is not set")
    return BenchmarkSettings(model=description.from_mapping(mapping["model"]), **values)


def _take(values: dict[str, Any], name: str, shown_name: str, given: Any) -> None:
    """Check one value under its name; leave it to the default if there is none."""
    field = FIELDS[name]
    if given is not None:
        values[name] = field.check(shown_name, given)
    elif field.required:
        raise UsageError(f"{shown_name} is not set", advice=field.advice)
    elif field.default is not None:
        values[name] = field.default()

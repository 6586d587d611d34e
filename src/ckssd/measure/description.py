"""Everything that decides a run's result, collected from its settings, its model and its data set."""

from __future__ import annotations

import dataclasses
from typing import Any

from ckssd.detect.backends import Backend
from ckssd.detect.images import CHANNEL_ORDER, decoder
from ckssd.detect.resize import DESCRIPTIONS, LIBRARIES
from ckssd.measure.detected import DetectedSet
from ckssd.measure.files import hash_file, hash_model
from ckssd.measure.machine import describe_machine, library_versions
from ckssd.measure.result import PeakMemory, RunSettings
from ckssd.measure.settings import BenchmarkSettings

SCALED = "JPEGs to few pixels more than the input has"


def describe(
    settings: BenchmarkSettings, found: DetectedSet, metrics: dict[str, Any], memory: PeakMemory
) -> RunSettings:
    """What the summary and the record say about a run; ``metrics`` name their tool and its version.

    Raises as ``describe_detected`` does.
    """
    return describe_detected(settings, found).measured(metrics, memory)


def describe_detected(settings: BenchmarkSettings, found: DetectedSet) -> RunSettings:
    """The same before there are metrics.

    Raises
    ------
    InputError
        A file that was measured with cannot be read any more.
    """
    backend, selection = found.backend, found.selection
    model = hash_model(backend.files)
    return RunSettings(
        runtime=settings.model.runtime,
        mode=settings.mode,
        postprocessing=backend.postprocessing,
        precision=backend.precision,
        resize=DESCRIPTIONS[settings.resize],
        resize_method=settings.resize,
        image_orientation=settings.orientation,
        input_size=(backend.input.width, backend.input.height),
        decoder=decoder() if settings.decode == "full" else f"{decoder()}, {SCALED}",
        channel_order=CHANNEL_ORDER,
        normalisation=backend.input.describe(),
        labels=found.labels,
        class_map=found.class_map.describe(),
        threads=settings.threads,
        batch_size=settings.batch_size,
        images=len(found.times.detect),
        images_unreadable=len(selection.images) - len(found.times.detect),
        preprocessed_cache=_cache(settings, found),
        images_available=selection.available,
        images_skipped=settings.skip_images,
        image_order="in order of id",
        model_name=settings.model.name,
        model_file=settings.model.file.name,
        model_files=model.files,
        model_sha256=model.sha256,
        model_bytes=model.bytes,
        dataset_type=settings.dataset_type,
        annotations_sha256=hash_file(settings.annotations).sha256,
        metric=settings.metric,
        hierarchy="" if settings.hierarchy is None else str(hash_file(settings.hierarchy)),
        expand="" if settings.hierarchy is None else settings.expand,
        metrics_tool="",
        versions=library_versions([*backend.libraries, decoder(), *_resized_by(settings, backend)]),
        machine=describe_machine(),
    )


def of_other_images(run: RunSettings, settings: BenchmarkSettings, found: DetectedSet) -> RunSettings:
    """What decided the detections in other images by the same run, without hashing its files again."""
    images = len(found.times.detect)
    return dataclasses.replace(
        run,
        images=images,
        images_unreadable=len(found.selection.images) - images,
        preprocessed_cache=_cache(settings, found),
    )


def _resized_by(settings: BenchmarkSettings, backend: Backend) -> list[str]:
    return [] if backend.input.any_size else [LIBRARIES[settings.resize]]


def _cache(settings: BenchmarkSettings, found: DetectedSet) -> str:
    if settings.preprocessed_cache is None:
        return "none"
    return f"{found.from_cache} of {len(found.times.detect)} images from {settings.preprocessed_cache}"

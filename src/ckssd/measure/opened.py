"""All that a run needs, opened and checked before its first image.

What is wrong with what was given (settings, labels, annotations, missing files, the model) is found here.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ckssd.coco.annotations import Annotations, read_annotations
from ckssd.coco.hierarchy import fit_hierarchy
from ckssd.coco.pictures import find_pictures
from ckssd.detect.backends import Backend, Feeding, open_backend
from ckssd.detect.choices import Decode
from ckssd.detect.images import decodes_scaled
from ckssd.detect.labels import ClassMap, map_classes
from ckssd.detect.network_input import NetworkInput
from ckssd.detect.preprocessed import ImageReader
from ckssd.errors import EnvironmentSetupError, UsageError
from ckssd.measure.selection import Selection, select_images
from ckssd.measure.settings import BenchmarkSettings
from ckssd.measure.shards import WHOLE, Shard
from ckssd.model.beside import LABELS
from ckssd.model.description import Model
from ckssd.model.labels import Labels, read_labels


@dataclass(frozen=True)
class OpenedRun:
    """A run that could begin; ``open_time``: seconds that it took to open the model.

    Until ``taking`` has chosen among them, the images are all of the run, and their files are not looked for.
    """

    annotations: Annotations
    selection: Selection
    backend: Backend
    labels: Labels
    class_map: ClassMap
    reader: ImageReader
    open_time: float

    def taking(self, shard: Shard, folder: Path) -> OpenedRun:
        """The same with the images of a part only, found in ``folder``.

        Raises
        ------
        InputError
            An image has no file.
        UsageError
            There are more parts than images.
        """
        selection = self.selection.only(shard)
        images, notes = find_pictures(folder, selection.images)
        chosen = dataclasses.replace(selection, images=images, notes=(*selection.notes, *notes))
        return dataclasses.replace(self, selection=chosen)


def open_run(settings: BenchmarkSettings) -> OpenedRun:
    """Open and check what a run needs; raises as ckssd.measure.run.run_benchmark does."""
    return open_model(settings).taking(settings.shard or WHOLE, settings.images)


def open_model(settings: BenchmarkSettings) -> OpenedRun:
    """The same before it is known which images are taken."""
    annotations = read_annotations(settings.annotations)
    selection = select_images(annotations, settings.skip_images, settings.batch_count)
    annotations.check_objects([image.id for image in selection.images], settings.metric)
    if settings.hierarchy is not None:
        fit_hierarchy(settings.hierarchy, annotations.truth)
    selection = dataclasses.replace(selection, notes=(*selection.notes, *annotations.notes))

    feeding = Feeding(settings.resize, kept=settings.preprocessed_cache is not None)
    started = time.perf_counter()
    backend = open_backend(settings.model, feeding)
    open_time = time.perf_counter() - started

    network = backend.input
    _check_input_size(settings, network)
    labels = _labels(settings.model, backend.num_classes)
    class_map = _class_map(labels, annotations, backend.num_classes)
    method = None if network.any_size else settings.resize
    reader = ImageReader(
        network.width,
        network.height,
        method,
        settings.preprocessed_cache,
        settings.orientation,
        network.aspect,
        _decode(settings, network),
    )
    return OpenedRun(annotations, selection, backend, labels, class_map, reader, open_time)


def check_run(settings: BenchmarkSettings) -> None:
    """See whether a run could begin in this Python, which needs the runtime and what resizes.

    Raises as ckssd.measure.run.run_benchmark does.
    """
    opened = open_run(settings)
    opened.reader.resized(np.zeros((1, 1, 3), np.uint8))
    opened.backend.new_detector(settings.threads)


def _class_map(labels: Labels, annotations: Annotations, num_classes: int) -> ClassMap:
    return map_classes(
        {index + labels.first_id: name for index, name in labels.names.items()},
        annotations.categories,
        num_classes=num_classes,
        offset=labels.first_id,
        used=[category for category, count in annotations.counts.items() if count],
        where=str(annotations.path),
    )


def _labels(model: Model, num_classes: int) -> Labels:
    if model.labels is None:
        raise UsageError(
            "The model has no class names",
            where=model.file,
            expected=f"a label map or list, {', '.join(LABELS)} beside it, or labels inside it",
            advice="name it: --labels FILE; detections are matched with annotations by name",
        )
    return read_labels(model.labels, num_classes, first_id=model.first_label)


def _decode(settings: BenchmarkSettings, network: NetworkInput) -> Decode:
    if settings.decode == "scaled":
        if network.any_size:
            raise UsageError(
                "The graph resizes images itself, and is fed whole ones",
                where=f"CK_DECODE for {settings.model.file}",
                expected="full",
                got=settings.decode,
            )
        if not decodes_scaled():
            raise EnvironmentSetupError(
                "Pillow decodes JPEGs whole", where="CK_DECODE", expected="simplejpeg in this Python"
            )
    return settings.decode


def _check_input_size(settings: BenchmarkSettings, network: NetworkInput) -> None:
    """The model's own input decides; a variable that says otherwise belongs to another model."""
    model = settings.model
    wanted = (model.image_width or network.width, model.image_height or network.height)
    if wanted != (network.width, network.height):
        raise UsageError(
            "The image size does not fit the model",
            where=f"IMAGE_WIDTH and IMAGE_HEIGHT for {model.file}",
            expected=f"{network.width}x{network.height}",
            got=f"{wanted[0]}x{wanted[1]}",
        )

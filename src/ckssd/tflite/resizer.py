"""Images that keep their aspect ratio, on the way to TFLite.

A TFLite model has an input of a fixed size and says nothing of padding, so the Object Detection API's
exporter takes ``fixed_shape_resizer`` only. The network for ``keep_aspect_ratio_resizer`` with padding is
that of its largest size; how images get there stands in a ``pipeline.config`` beside the model.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ckssd.errors import InputError
from ckssd.graph.pipeline import read_pipeline
from ckssd.graph.resizer import AspectResizer

PIPELINE = "pipeline.config"


def fixed_size_override(pipeline_config: Path) -> str:
    """Protobuf text that gives the exporter the fixed size that images are padded to; empty without padding.

    Raises
    ------
    InputError
        The configuration keeps the aspect ratio and does not pad: there is no one size.
    """
    aspect = read_pipeline(pipeline_config).aspect_resizer() if pipeline_config.is_file() else None
    if aspect is None:
        return ""
    if not aspect.padded:
        raise InputError(
            "Images are resized to no fixed size, which a graph for TFLite must have",
            where=pipeline_config,
            expected="fixed_shape_resizer, or keep_aspect_ratio_resizer with pad_to_max_dimension: true",
            got=str(aspect),
        )
    size = f"height: {aspect.most} width: {aspect.most}"
    return f" model {{ ssd {{ image_resizer {{ fixed_shape_resizer {{ {size} }} }} }} }}"


def keep_beside(pipeline_config: Path, folder: Path) -> None:
    """Copy the configuration into a model's folder if it keeps the aspect ratio: who runs it needs it."""
    target = folder / PIPELINE
    if not pipeline_config.is_file() or target.resolve() == pipeline_config.resolve():
        return
    if read_pipeline(pipeline_config).aspect_resizer() is not None:
        shutil.copyfile(pipeline_config, target)


def resizer_config(aspect: AspectResizer) -> str:
    """A pipeline.config with nothing but the resizer, its padding in grey levels."""
    pad = "".join(f" per_channel_pad_value: {value:.9g}" for value in aspect.pad)
    sizes = f"min_dimension: {aspect.least} max_dimension: {aspect.most}"
    resizer = f"keep_aspect_ratio_resizer {{ {sizes} pad_to_max_dimension: true{pad} }}"
    return f"model {{ ssd {{ image_resizer {{ {resizer} }} }} }}\n"

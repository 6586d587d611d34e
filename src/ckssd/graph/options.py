"""The command line of a conversion, as Model Optimizer had it: flags with underscores, and what they mean."""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ckssd.errors import UsageError
from ckssd.graph.node import Output
from ckssd.graph.pipeline import Pipeline, read_pipeline
from ckssd.graph.settings import AUTO, NMS, NONE, POSTPROCESSINGS

AUTO_CONFIGURATION = AUTO
DATA_TYPES = ("FP32", "FP16")
# As Model Optimizer called them, too.
DATA_TYPE_NAMES = {"float": "FP32", "half": "FP16"}
THRESHOLDS = ("confidence_threshold", "nms_threshold")
LIMITS = ("top_k", "keep_top_k")
PATHS = (
    "input_model",
    "saved_model_dir",
    "tensorflow_object_detection_api_pipeline_config",
    "output_dir",
    "extensions",
    "dump",
)
CHANNELS = 3
LARGEST_SIDE = 16384
LARGEST_BATCH = 1024


@dataclass(frozen=True)
class Options:
    """What to convert, and how.

    Attributes
    ----------
    configuration
        Path of a configuration file, or ``auto``.
    outputs
        Tensors to end the graph at; empty: the configuration's end points.
    input_shape
        Batch, height, width, channels; None: as the graph resizes.
    pipeline
        The model's pipeline.config.
    overrides
        Attributes of DetectionOutput given on the command line.
    dump
        Folder for the edited graph and drawings.
    postprocessing
        What does NMS: one of POSTPROCESSINGS.
    saved_model_dir
        Where the input model was frozen from, for people; None: it is what was given.
    """

    input_model: Path
    configuration: str = AUTO_CONFIGURATION
    outputs: tuple[Output, ...] = ()
    input_shape: tuple[int, int, int, int] | None = None
    batch: int | None = None
    pipeline: Pipeline | None = None
    reverse_input_channels: bool = False
    model_name: str | None = None
    output_dir: Path = field(default_factory=Path)
    data_type: str = "FP32"
    extensions: Path | None = None
    overrides: Mapping[str, float | int] = field(default_factory=dict)
    dry_run: bool = False
    dump: Path | None = None
    postprocessing: str = AUTO
    saved_model_dir: Path | None = None

    @property
    def source(self) -> Path:
        """What a person named: a frozen graph, or a SavedModel's folder."""
        return self.saved_model_dir or self.input_model

    @property
    def name(self) -> str:
        """The IR's name: that given, or the graph file's."""
        return self.model_name or self.input_model.stem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("--input_model", "-m", type=Path, metavar="FILE", help="frozen_inference_graph.pb")
    add(
        "--saved_model_dir",
        type=Path,
        metavar="DIR",
        help="instead: a SavedModel, as TensorFlow 2's exporter makes it; is frozen first, by an installed "
        "TensorFlow 2",
    )
    add(
        "--tensorflow_use_custom_operations_config",
        "--transformations_config",
        default=AUTO_CONFIGURATION,
        metavar="FILE",
        help="which parts of the graph are replaced; a shipped file by its name, or auto (default): the "
        "shipped one that fits",
    )
    add(
        "--output",
        metavar="NAMES",
        help="nodes to end at, by commas (default: the configuration's end points)",
    )
    add(
        "--tensorflow_object_detection_api_pipeline_config",
        type=Path,
        metavar="FILE",
        help="the model's pipeline.config: image size, thresholds, limits",
    )
    add("--input_shape", metavar="[N,H,W,3]", help="batch and image size (default: 1 and the graph's size)")
    add("--batch", "-b", metavar="N", help="images per inference (default: 1)")
    add("--reverse_input_channels", action="store_true", help="the IR takes BGR, as OpenCV reads images")
    add("--model_name", "-n", metavar="NAME", help="name of the .xml and .bin (default: the graph file's)")
    add("--output_dir", "-o", type=Path, default=Path(), metavar="DIR", help="where they go (default: here)")
    add("--data_type", default="FP32", metavar="TYPE", help="of the weights: FP32 (default) or FP16")
    add("--extensions", type=Path, metavar="DIR", help="Python files with replacers of your own")
    for name in THRESHOLDS:
        add(f"--{name}", metavar="0…1", help=f"DetectionOutput's {name}, above every other origin")
    add("--top_k", metavar="N", help="boxes of a class that enter NMS; -1: all")
    add("--keep_top_k", metavar="N", help="detections kept of an image")
    add(
        "--postprocessing",
        default=AUTO,
        metavar="KIND",
        help="what does NMS: detection_output; nms: operations that do exactly what the graph does; auto "
        "(default): the first where it finds the same, else the second; or none: ckssd, behind the IR",
    )
    add("--dry_run", action="store_true", help="explain the match and write no IR")
    add(
        "--dump", type=Path, metavar="DIR", help="write the edited GraphDef and drawings of the matched parts"
    )


def as_mapping(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments as JSON values, for another process."""
    names = vars(_defaults())
    given = {name: value for name, value in vars(parsed).items() if name in names}
    return {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}


def from_mapping(mapping: Mapping[str, Any]) -> argparse.Namespace:
    """Return arguments from flag names and values; what is left out has its default.

    Raises
    ------
    UsageError
        If a name is no flag.
    """
    parsed = _defaults()
    for name, value in mapping.items():
        if not hasattr(parsed, name):
            raise UsageError("No such flag", where=name, expected=", ".join(sorted(vars(parsed))))
        path = name in PATHS and value is not None
        setattr(parsed, name, Path(str(value)) if path else value)
    return parsed


def _defaults() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([])


def options_from(parsed: argparse.Namespace) -> Options:
    """Check the arguments.

    Raises
    ------
    UsageError
        Names the flag that makes no sense.
    InputError
        If the pipeline configuration cannot be read.
    """
    if parsed.input_model is None:
        raise UsageError("No model is named", expected="--input_model FILE or --saved_model_dir DIR")
    shape = None if parsed.input_shape is None else _shape(parsed.input_shape)
    batch = None if parsed.batch is None else _whole("--batch", parsed.batch, 1, LARGEST_BATCH)
    if shape is not None and batch is not None:
        raise UsageError("--input_shape states the batch already", where="--batch", got=batch)
    data_type = DATA_TYPE_NAMES.get(parsed.data_type, parsed.data_type)
    if data_type not in DATA_TYPES:
        raise UsageError(
            "Unknown data type", where="--data_type", expected=" or ".join(DATA_TYPES), got=parsed.data_type
        )
    pipeline = parsed.tensorflow_object_detection_api_pipeline_config
    return Options(
        input_model=parsed.input_model,
        saved_model_dir=parsed.saved_model_dir,
        configuration=parsed.tensorflow_use_custom_operations_config,
        outputs=() if parsed.output is None else _outputs(parsed.output),
        input_shape=shape,
        batch=batch,
        pipeline=None if pipeline is None else read_pipeline(pipeline),
        reverse_input_channels=parsed.reverse_input_channels,
        model_name=None if parsed.model_name is None else _name(parsed.model_name),
        output_dir=parsed.output_dir,
        data_type=data_type,
        extensions=parsed.extensions,
        overrides=_overrides(parsed),
        dry_run=parsed.dry_run,
        dump=parsed.dump,
        postprocessing=_postprocessing(parsed),
    )


def _postprocessing(parsed: argparse.Namespace) -> str:
    asked = str(parsed.postprocessing)
    if asked not in POSTPROCESSINGS:
        raise UsageError(
            "Unknown postprocessing",
            where="--postprocessing",
            expected=f"one of {', '.join(POSTPROCESSINGS)}",
            got=asked,
        )
    if asked in (NMS, NONE) and parsed.top_k is not None:
        raise UsageError(
            "--top_k counts only for DetectionOutput", where=f"--postprocessing {asked}", got=parsed.top_k
        )
    return asked


def _overrides(parsed: argparse.Namespace) -> dict[str, float | int]:
    found: dict[str, float | int] = {}
    for name in THRESHOLDS:
        if (text := getattr(parsed, name)) is not None:
            found[name] = _fraction(f"--{name}", text)
    for name in LIMITS:
        if (text := getattr(parsed, name)) is not None:
            found[name] = -1 if (name, text) == ("top_k", "-1") else _whole(f"--{name}", text, 1, 2**31 - 1)
    return found


def _shape(text: str) -> tuple[int, int, int, int]:
    """``[1,300,300,3]`` or ``(1,300,300,3)`` or the numbers alone."""
    parts = [part.strip() for part in re.sub(r"^[\[(]|[\])]$", "", text.strip()).split(",")]
    expected = "[batch,height,width,3]"
    if len(parts) != 4:
        raise UsageError("Bad shape", where="--input_shape", expected=expected, got=text)
    batch = _whole("--input_shape", parts[0], 1, LARGEST_BATCH)
    height, width = (_whole("--input_shape", part, 1, LARGEST_SIDE) for part in parts[1:3])
    if parts[3] != str(CHANNELS):
        raise UsageError("Bad shape", where="--input_shape", expected=expected, got=text)
    return batch, height, width, CHANNELS


def _whole(flag: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"\d{1,10}", text, re.ASCII) or not least <= int(text) <= most:
        raise UsageError(
            "Bad number", where=flag, expected=f"a whole number from {least} to {most}", got=text
        )
    return int(text)


def _fraction(flag: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise UsageError("Bad threshold", where=flag, expected="a number from 0 to 1", got=text)
    return value


def _outputs(text: str) -> tuple[Output, ...]:
    """Names by commas; ``name:1`` is a node's second output."""
    found = []
    for part in (each.strip() for each in text.split(",")):
        name, colon, port = part.rpartition(":")
        if colon and not re.fullmatch(r"\d{1,4}", port, re.ASCII):
            raise UsageError("Bad output", where="--output", expected="node or node:port", got=part)
        if not (name if colon else part):
            raise UsageError("Bad output", where="--output", expected="names by commas", got=text)
        found.append(Output(name, int(port)) if colon else Output(part))
    return tuple(dict.fromkeys(found))


def _name(text: str) -> str:
    if text in ("", ".", "..") or "/" in text or "\0" in text:
        raise UsageError(
            "Bad name", where="--model_name", expected="a file name without a folder", got=json.dumps(text)
        )
    return text

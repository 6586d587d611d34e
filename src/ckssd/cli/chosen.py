"""Which model a command runs, and with which installed runtime: by a file's path, or by tags.

Nothing has to be registered for a path; the runtime has to be installed in both cases.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from ckssd.ck.environments import environments, the_environment
from ckssd.cli.pairs import pairs
from ckssd.coco.image_address import VARIABLE as IMAGE_ADDRESS
from ckssd.errors import NotInstalledError, UsageError
from ckssd.model.custom import refuse_without_switch
from ckssd.model.description import ACTIVATIONS
from ckssd.model.entry import ACTIVATION, NMS, RUNTIME, SIGNATURE
from ckssd.model.named import runtime_of, variables_of
from ckssd.model.own_nms import VARIABLE as OWN_NMS
from ckssd.model.runtimes import DEFAULT_RUNTIME, PREFIXES, RUNTIMES, runtime_of_tags
from ckssd.values import refuse_address

METRICS_TAGS = "tool,coco"
DATASET_TAGS = "dataset,object-detection"
IMAGE_FOLDER, ANNOTATIONS = "CK_ENV_DATASET_IMAGE_DIR", "CK_ENV_DATASET_ANNOTATIONS"
DATASET_TYPE = "CK_ENV_DATASET_TYPE"
# Flags of these commands to the variables of the programs.
FLAGS = {"nms": NMS, "own_nms": OWN_NMS, "signature": SIGNATURE, "score_activation": ACTIVATION}


@dataclasses.dataclass(frozen=True)
class Chosen:
    """The interpreter that has the runtime, and the variables that describe the model."""

    python: Path
    variables: dict[str, str]


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what chooses a model and says what its file does not."""
    add = parser.add_argument
    add(
        "--model",
        type=Path,
        metavar="FILE",
        help="a model of your own: .tflite, .xml (IR), .onnx or frozen .pb",
    )
    add(
        "--labels",
        type=Path,
        metavar="FILE",
        help="its class names: a label map or list (default: beside the model, or inside it)",
    )
    add(
        "--runtime",
        choices=RUNTIMES,
        help=f"default: that of the file or of the tags, else {DEFAULT_RUNTIME}",
    )
    add("--tags", default="", help="tags that choose among the runtime's installed models")
    add("--nms", help="regular or fast, or none for a graph without it (USE_NMS; default: the graph's own)")
    add("--own-nms", help="with --nms=none: regular or fast by this project (CK_NMS; default: regular)")
    add(
        "--score-activation",
        choices=ACTIVATIONS,
        help="what turns class outputs into scores, where the graph does not (CK_SCORE_ACTIVATION)",
    )
    add("--signature", metavar="NAME", help="of a TFLite file with several (default: its first)")
    add("--env", action="append", default=[], metavar="NAME=VALUE", help="a variable of the program")


def choose(options: argparse.Namespace) -> Chosen:
    """Find the model and the runtime of the command line.

    Raises
    ------
    UsageError, InputError
        The flags contradict each other, or the model's file is none.
    NotInstalledError
        The runtime or the model is not installed.
    """
    runtime = runtime_asked(options)
    if options.model is None:
        if options.labels is not None:
            raise UsageError("--labels goes with --model", got=options.labels, advice="name the model's file")
        described = the_environment(joined(RUNTIMES[runtime].models, options.tags)).variables
    else:
        described = variables_of(options.model, options.labels, runtime)
    python = python_of(runtime)
    flags = {name: str(given) for flag, name in FLAGS.items() if (given := getattr(options, flag, None))}
    outside = {name: text for name, text in os.environ.items() if not name.startswith(PREFIXES)}
    variables = {**outside, **described, RUNTIME: runtime, **flags, **pairs(options.env, "--env")}
    refuse_without_switch(pairs(options.env, "--env"), variables)
    return Chosen(python, variables)


def python_of(runtime: str, more_tags: str = "") -> Path:
    """The interpreter of a runtime's installed environment; raises NotInstalledError."""
    library = the_environment(joined(RUNTIMES[runtime].library, more_tags))
    return Path(library.variables[RUNTIMES[runtime].python])


def check_installed(wanted: Sequence[str]) -> None:
    """Say at once all that has to be installed, with the one command that does it.

    Raises
    ------
    NotInstalledError
        Nothing with some of these tags is installed.
    """
    missing = [tags for tags in wanted if not environments(tags)]
    if missing:
        commands = " && ".join(f"ckssd install --tags={tags}" for tags in missing)
        raise NotInstalledError(
            "What this needs is not installed", where="; ".join(missing), advice=f"install it: {commands}"
        )


def data_set(
    images: Path | None, annotations: Path | None, tags: str, option: str = "--dataset-tags"
) -> dict[str, str]:
    """The variables of a data set that is named by its paths, or of the installed one with these tags.

    ``option`` is the flag that gives the tags.

    Raises
    ------
    UsageError
        Only one of the two paths is named, or tags beside them.
    NotInstalledError
        None is installed with these tags, or several are.
    """
    if images is None and annotations is None:
        # Not the address of another, which the shell may have.
        return {IMAGE_ADDRESS: "", **the_environment(joined(DATASET_TAGS, tags), option).variables}
    if images is None or annotations is None:
        got = "--annotations" if images is None else "--images"
        raise UsageError(
            "Pictures and annotations go together",
            expected="--images and --annotations",
            got=got,
            advice="name both; pictures alone are for ckssd detect" if annotations is None else None,
        )
    if tags:
        raise UsageError("--images and tags both name a data set", got=tags)
    refuse_address("--images", images)
    refuse_address("--annotations", annotations)
    # No type: figures published for another data set are not compared with.
    return {
        IMAGE_FOLDER: str(images.absolute()),
        ANNOTATIONS: str(annotations.absolute()),
        DATASET_TYPE: "",
        IMAGE_ADDRESS: "",
    }


def joined(*tags: str) -> str:
    """Join comma-separated tags, leaving out empty ones."""
    return ",".join(part for part in tags if part)


def runtime_asked(options: argparse.Namespace) -> str:
    """The runtime of the command line: that of the model's file, else the one named, else that of tags."""
    if options.model is None:
        return options.runtime or runtime_of_tags(options.tags)
    return _runtime_of(options)


def _runtime_of(options: argparse.Namespace) -> str:
    runtime = runtime_of(options.model, options.runtime)
    if options.tags:
        raise UsageError("--model and --tags both name a model", got=f"--tags={options.tags}")
    return runtime

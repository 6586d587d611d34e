"""The demo's second half: a real detector of COCO's classes on real photographs, where it can be had.

It needs a package registry that the first half does not (npm's, for the model). A machine without says so in
one line and the demo goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from packaging.version import Version

from ckssd.errors import CkssdError
from ckssd.report import say, step

INSTALLS = {
    "fifteen free photographs": "dataset,object-detection,photos",
    "SSDLite-MobileNet v2 on COCO's 90 classes, from TensorFlow.js": "model,tflite,ssdlite,coco,tfjs",
    "the same for OpenVINO": "model,openvino,ssdlite,coco,tfjs",
}
# Int8 by OpenVINO: its quantisation takes 12 s, TensorFlow's of a TFLite model more than half a minute.
QUANTISED = ("the same for OpenVINO in int8", "model,openvino,ssdlite-int8,coco-int8,tfjs-int8")
RUNTIMES = ("tflite", "openvino")
DATASET = "--dep_add_tags.dataset=photos"
CHOSEN = ("--dep_add_tags.weights=ssdlite,coco,tfjs,non-quantized", DATASET)
CHOSEN_INT8 = ("--dep_add_tags.weights=ssdlite-int8,coco-int8", DATASET)
FOLDER = "demo"
BEST_SHOWN = 3


class Commands(Protocol):
    """What the demo runs commands with, see ckssd.cli.demo.Checkout."""

    @property
    def pictures(self) -> Path:
        """The folder to draw into."""

    def ck(self, *words: str) -> None:
        """Run ``ck``; RunError if it fails."""

    def ckssd(self, *words: str) -> str:
        """Run ``ckssd``; return what it printed, RunError if it fails."""


@dataclass(frozen=True)
class Photographs:
    """What was found: a result for each picture (see ckssd.detect.pictures), and the measured runs."""

    images: list[dict[str, Any]]
    runs: list[dict[str, Any]]

    def lines(self, folder: Path) -> list[str]:
        """The pictures with the best of what was found in each, for people."""
        width = max(len(Path(image["file"]).name) for image in self.images)
        text = [f"{Path(image['file']).name:<{width}}  {best(image)}" for image in self.images]
        return [*text, f"Drawn: {shown(folder)}/"]


def shown(path: Path) -> str:
    """A path for people: short where it is below the folder that they are in."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def best(image: dict[str, Any]) -> str:
    """``cat 0.94, cup 0.61``: what was found in a picture, best first."""
    found = image["detections"][:BEST_SHOWN]
    return ", ".join(f"{one['name']} {one['score']:.2f}" for one in found) or "nothing"


def photographs(
    commands: Commands, measure: Callable[[str, str, tuple[str, ...]], dict[str, Any]]
) -> Photographs | None:
    """Install, detect, draw and measure.

    Parameters
    ----------
    measure
        Runs a benchmark by runtime, kind of NMS and CK's words that choose model and data set.

    Returns
    -------
    Photographs or None
        None where something of it cannot be had here; why was said.
    """
    try:
        for name, tags in INSTALLS.items():
            install(commands, name, tags)
        folder = commands.pictures
        step(f"ckssd detect --tags=ssdlite,coco,tfjs --draw {shown(folder)} …")
        images = detect(commands, folder)
        runs = [measure(runtime, "regular", CHOSEN) for runtime in RUNTIMES]
    except CkssdError as error:
        say(f"The photographs are left out here: {error}")
        return None
    try:
        install(commands, *QUANTISED)
        runs.append(measure("openvino", "regular", CHOSEN_INT8))
    except CkssdError as error:
        say(f"Int8 is left out here: {error}")
    return Photographs(images, runs)


def install(commands: Commands, name: str, tags: str) -> None:
    """Install a package by its tags; where another with these tags is installed, it never asks."""
    step(f"ck install package --tags={tags}   ({name})")
    commands.ck("install", "package", f"--tags={tags}", "--quiet")


def detect(commands: Commands, folder: Path) -> list[dict[str, Any]]:
    """Detect in the photographs and draw them into ``folder``."""
    listed = json.loads(commands.ckssd("info", "--tags=dataset,photos", "--json"))
    newest = max(listed["data"]["installed"], key=lambda one: Version(one["version"]))
    pictures = newest["variables"]["CK_ENV_DATASET_IMAGE_DIR"]
    words = ("--tags=ssdlite,coco,tfjs,non-quantized", "--draw", str(folder), "--json")
    found = json.loads(commands.ckssd("detect", pictures, *words))
    images: list[dict[str, Any]] = found["data"]["images"]
    return images

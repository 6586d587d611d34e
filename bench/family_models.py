"""The models of ``bench.family``: a pipeline configuration each, and how TFLite's input is normalised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.context import ROOT
from tests.support import ssd_models
from tests.support.ssd_models import SHAPES

PACKAGES = ROOT / "package"
# What the Object Detection API subtracts for ResNet: the mean of ImageNet.
MEAN = np.array([123.68, 116.779, 103.939], np.float32)


@dataclass(frozen=True)
class FamilyModel:
    """One model.

    Attributes
    ----------
    config
        Gives the text of its pipeline.config.
    height, width
        Of its images.
    mean
        What is subtracted from a pixel; None: pixels become -1 to 1.
    images
        How many images its batch-normalisation statistics come from.
    quantised
        Whether it was trained quantised: its TFLite takes grey levels.
    """

    name: str
    config: Callable[[], str]
    height: int = 300
    width: int = 300
    mean: np.ndarray | None = None
    images: int = 8
    quantised: bool = False

    def feed(self, image: np.ndarray) -> np.ndarray:
        """One image as the TFLite graph takes it, [1, height, width, 3]."""
        if self.quantised:
            return image[np.newaxis]
        pixels = image[np.newaxis].astype(np.float32)
        return pixels - self.mean if self.mean is not None else pixels / np.float32(127.5) - np.float32(1)


def _of_package(name: str, **changes: str) -> Callable[[], str]:
    def read() -> str:
        text = (PACKAGES / name / "pipeline.config").read_text(encoding="utf-8")
        for old, new in changes.items():
            text = text.replace(old, new)
        return text

    return read


def _small(maker: Callable[[str], str]) -> Callable[[], str]:
    return lambda: maker((SHAPES / "pipeline.config").read_text(encoding="utf-8"))


def _resnet50(config: str) -> str:
    return ssd_models.v1_fpn(config).replace("ssd_mobilenet_v1_fpn", "ssd_resnet50_v1_fpn")


def _quantised(config: str) -> str:
    return config + "\ngraph_rewriter { quantization { delay: 0 weight_bits: 8 activation_bits: 8 } }\n"


def _fpnlite_640() -> str:
    return _of_package(FPNLITE)().replace("320", "640")


FPNLITE = "model-tf2-ssd-mobilenet-v2-fpnlite-seeded"
MODELS = {
    each.name: each
    for each in (
        FamilyModel("v1", _of_package("model-tf-ssd-mobilenet-v1-seeded")),
        FamilyModel("v1-0.25", _small(ssd_models.v1)),
        FamilyModel("v1-0.25-qat", _small(_quantised), quantised=True),
        FamilyModel("v1-fpn-0.25", _small(ssd_models.v1_fpn), 320, 320),
        FamilyModel("v1-ppn-0.25", _small(ssd_models.v1_ppn)),
        FamilyModel("v2", _of_package("model-tf-ssd-mobilenet-v2-seeded")),
        FamilyModel("ssdlite-v2-0.25", _small(ssd_models.ssdlite)),
        FamilyModel("v2-fpnlite-320-tf2", _of_package(FPNLITE), 320, 320),
        FamilyModel("v2-fpnlite-640-tf2", _fpnlite_640, 640, 640),
        FamilyModel("v3-large-0.25", _small(ssd_models.v3_large), 320, 320),
        FamilyModel("v3-small-0.25", _small(ssd_models.v3_small), 320, 320),
        FamilyModel("inception-v2", _of_package("model-tf-ssd-inception-v2-seeded")),
        FamilyModel("resnet50-fpn", _small(_resnet50), 320, 320, MEAN),
    )
}

"""Pipeline configurations of several SSDs, small: the built-in model's with other parts, 0.25 deep."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.sandbox import CHECKOUT

SHAPES = CHECKOUT / "package" / "model-tf-ssd-mobilenet-v1-shapes" / "files"
PYRAMID_ANCHORS = """
      multiscale_anchor_generator {
        min_level: 3 max_level: 7 anchor_scale: 4.0
        aspect_ratios: 1.0 aspect_ratios: 2.0 aspect_ratios: 0.5 scales_per_octave: 2
      }"""


def _extractor(config: str, kind: str, more: str = "") -> str:
    return re.sub(r'type: "ssd_mobilenet_v[12]"', f'type: "{kind}" {more}', config)


def v1(config: str) -> str:
    return config


def v2(config: str) -> str:
    return _extractor(config, "ssd_mobilenet_v2")


def ssdlite(config: str) -> str:
    lite = _extractor(config, "ssd_mobilenet_v2", "use_depthwise: true")
    return lite.replace("kernel_size: 1", "kernel_size: 3 use_depthwise: true")


def v1_fpn(config: str) -> str:
    """As ssd_mobilenet_v1_fpn_shared_box_predictor_640x640_coco14_sync, at 320x320."""
    config = _extractor(config, "ssd_mobilenet_v1_fpn", "fpn { min_level: 3 max_level: 7 }")
    config = re.sub(r"ssd_anchor_generator \{.*?\n      \}", PYRAMID_ANCHORS, config, flags=re.DOTALL)
    config = config.replace("convolutional_box_predictor {", "weight_shared_convolutional_box_predictor {")
    for line in (r"min_depth: 0\n", r"max_depth: 0\n", r"apply_sigmoid_to_scores: false\n"):
        config = re.sub(rf"( *){line}", "", config)
    config = config.replace("num_layers_before_predictor: 0", "depth: 32 num_layers_before_predictor: 1")
    config = config.replace("kernel_size: 1", "kernel_size: 3").replace(
        "dropout_keep_probability: 0.8\n", "\n"
    )
    return size(config, 320, 320)


def v1_ppn(config: str) -> str:
    """As ssd_mobilenet_v1_ppn_shared_box_predictor_300x300_coco14_sync: a pooling pyramid, one predictor."""
    config = _extractor(config, "ssd_mobilenet_v1_ppn")
    shared = "weight_shared_convolutional_box_predictor { depth: 32 num_layers_before_predictor: 1"
    config = config.replace("convolutional_box_predictor {", shared)
    for line in ("min_depth", "max_depth", "num_layers_before_predictor", "apply_sigmoid_to_scores"):
        config = re.sub(rf"^ *{line}: (?:0|false)\n", "", config, flags=re.MULTILINE)
    config = config.replace("num_layers: 6", "num_layers: 6 reduce_boxes_in_lowest_layer: false")
    return config.replace("dropout_keep_probability: 0.8\n", "\n")


def v3_large(config: str) -> str:
    """As ssdlite_mobilenet_v3_large_320x320_coco: only the API of 2022 has it for TensorFlow 1."""
    return size(_extractor(ssdlite(config), "ssd_mobilenet_v3_large"), 320, 320)


def v3_small(config: str) -> str:
    """As ssdlite_mobilenet_v3_small_320x320_coco."""
    return size(_extractor(ssdlite(config), "ssd_mobilenet_v3_small"), 320, 320)


def size(config: str, height: int, width: int) -> str:
    config = re.sub(r"height: 300\n", f"height: {height}\n", config)
    return re.sub(r"width: 300\n", f"width: {width}\n", config)


MAKERS = {
    "v1": v1,
    "v2": v2,
    "ssdlite": ssdlite,
    "v1_fpn": v1_fpn,
    "v1_ppn": v1_ppn,
    "v3_large": v3_large,
    "v3_small": v3_small,
}


def write_config(name: str, folder: Path) -> Path:
    """Write the configuration of one of `MAKERS`; return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pipeline.config"
    path.write_text(MAKERS[name]((SHAPES / "pipeline.config").read_text()))
    return path

"""``python -m ckssd.detect.quantize``: an IR's weights and activations as 8-bit integers, by NNCF.

Runs in the environment that has nncf. Post-training quantisation: images like those that the model will see
tell the range of each tensor, fed exactly as a detector feeds them. The IR keeps its meta, so that it runs as
the float one does.

Weights get half the range of 8 bits (NNCF's overflow fix; its default has it for the first layer alone).
Processors without VNNI add two products in 16 bits, which saturate with the whole range: the SSDLite's mAP on
the photographs was 0.3961 there, and 0.4055 elsewhere. Now it is 0.4133 on both, with equal detections; for
processors with AMX see ckssd.detect.openvino.signed_layers.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ckssd.detect.choices import DEFAULT_RESIZE
from ckssd.detect.images import read_image
from ckssd.detect.network_input import Tensor
from ckssd.detect.openvino import META, IRModel, read_ir
from ckssd.endings import run_main
from ckssd.errors import InputError
from ckssd.graph.settings import NMS, NMS_SCOPE
from ckssd.graph.writing import staged
from ckssd.json_file import read_list


def quantize_ir(model: Path, images: Sequence[Path], target: Path) -> dict[str, str]:
    """Quantise the IR ``model`` and write it to ``target`` (``.xml``, with its ``.bin`` beside it).

    Parameters
    ----------
    model
        An IR of ``ckssd mo`` for one image.
    images
        What to calibrate with; each is resized to the model's input.

    Returns
    -------
    dict
        Versions of ``nncf`` and ``openvino``.

    Raises
    ------
    InputError
        The model is no such IR, or an image cannot be read.
    EnvironmentSetupError
        The target cannot be written.
    """
    # Wider kernels sum in another order: so every x86-64 processor gets the same file of the same images.
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
    ir = read_ir(model)
    if ir.postprocessing is not None:
        raise InputError("An IR without postprocessing is not quantised", where=model)
    os.environ["NNCF_CI"] = "1"  # read at import: NNCF then reports nothing to its makers
    import nncf
    import openvino

    dataset = nncf.Dataset(images, lambda path: fed(ir, path))
    # Boxes are decoded in float, as DetectionOutput does it.
    kept = nncf.IgnoredScope(patterns=[f"{NMS_SCOPE}/.*"]) if ir.nms == NMS else None
    without_overflow = nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.ENABLE)
    quantized = nncf.quantize(
        ir.graph,
        dataset,
        subset_size=len(images),
        ignored_scope=kept,
        advanced_parameters=without_overflow,
    )
    quantized.set_rt_info("int8", [META, "precision"])
    with staged(target.parent, target.stem) as path:
        openvino.save_model(quantized, path, compress_to_fp16=False)
    return {"nncf": nncf.__version__, "openvino": openvino.__version__}


def fed(ir: IRModel, path: Path) -> Tensor:
    """What an IR is fed of an image file: its size, its range of values, its order of channels."""
    values = ir.input.feed(ir.input.resized(read_image(path), DEFAULT_RESIZE))
    return np.ascontiguousarray(values[..., ::-1]) if ir.reverse_channels else values


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 and the versions in ``--output``; or an error's code, and its line on stderr."""
    parser = argparse.ArgumentParser(prog="ckssd.detect.quantize", description="Quantise an IR by NNCF.")
    parser.add_argument("--model", type=Path, required=True, help="the IR's .xml")
    parser.add_argument("--images", type=Path, required=True, help="JSON list of images to calibrate with")
    parser.add_argument("--target", type=Path, required=True, help="where the quantised .xml goes")
    parser.add_argument("--output", type=Path, required=True, help="where the versions go, as JSON")
    parser.add_argument("--error", type=Path, help="where a failure goes, as JSON")
    options = parser.parse_args(arguments)

    def run() -> int:
        images = [Path(image) for image in read_list(options.images, "calibration images")]
        versions = quantize_ir(options.model, images, options.target)
        options.output.write_text(json.dumps(versions), encoding="utf-8")
        return 0

    return run_main("ckssd quantize", run, error_file=options.error)


if __name__ == "__main__":
    sys.exit(main())

"""``python -m ckssd.graph.quantize``: an IR's weights and activations as 8-bit integers, by NNCF.

Runs in the environment that has nncf. Post-training quantisation: images like those that the model will see
tell the range of each tensor. The IR keeps its meta, so that it runs as the float one does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ckssd.endings import run_main
from ckssd.errors import InputError
from ckssd.json_file import read_list

META = ("ckssd", "precision")


def quantize_ir(model: Path, images: Sequence[Path], target: Path) -> dict[str, str]:
    """Quantise the IR ``model`` and write it to ``target`` (``.xml``, with its ``.bin`` beside it).

    Parameters
    ----------
    model
        An IR of ``ckssd mo``: one image [1, height, width, 3] of 0 to 255 in.
    images
        What to calibrate with; each is resized to the model's input.

    Returns
    -------
    dict
        Versions of ``nncf`` and ``openvino``.

    Raises
    ------
    InputError
        The model or an image cannot be read.
    """
    os.environ["NNCF_CI"] = "1"  # read at import: NNCF then reports nothing to its makers
    import nncf
    import openvino

    try:
        graph = openvino.Core().read_model(model)
    except RuntimeError as error:
        raise InputError("OpenVINO cannot read the model", where=model, got=error) from error
    _, height, width, _ = graph.input(0).shape
    dataset = nncf.Dataset(images, lambda path: _read(path, height, width))
    quantized = nncf.quantize(graph, dataset, subset_size=len(images))
    quantized.set_rt_info("int8", list(META))
    openvino.save_model(quantized, target, compress_to_fp16=False)
    return {"nncf": nncf.__version__, "openvino": openvino.__version__}


def _read(path: Path, height: int, width: int) -> npt.NDArray[np.float32]:
    try:
        with Image.open(path) as image:
            pixels = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    except OSError as error:
        raise InputError("The calibration image cannot be read", where=path, got=error) from error
    return np.asarray(pixels, np.float32)[np.newaxis]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 and the versions in ``--output``; or an error's code, and its line on stderr."""
    parser = argparse.ArgumentParser(prog="ckssd.graph.quantize", description="Quantise an IR by NNCF.")
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

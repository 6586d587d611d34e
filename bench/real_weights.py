"""A real detector of COCO's classes on real photographs: what NMS gets to do, and images per second.

The seeded models of the other parts give NMS some 20,000 candidates an image at a threshold of 0.01, which
no trained detector does.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import median
from typing import Any

from bench.context import COCO_TOOLS, LITERT, MODEL, OPENVINO, Context, Row, in_turn, median_ratio

PHOTOS = "dataset,object-detection,photos"
FLOAT = "model,{kind},object-detection,ssdlite,coco,tfjs,non-quantized"
INT8 = "model,{kind},object-detection,ssdlite-int8,coco-int8"
KINDS = {
    "tflite": ("litert", f"{MODEL}TFLITE_GRAPH_REGULAR_NMS", f"{MODEL}LABELMAP_FILE"),
    "openvino": ("openvino", "CK_ENV_OPENVINO_MODEL_XML", "CK_ENV_OPENVINO_MODEL_LABELMAP_FILE"),
}
TAGS = {
    f"{precision} {KINDS[kind][0]}": (kind, tags.format(kind=kind))
    for precision, tags in (("float", FLOAT), ("int8", INT8))
    for kind in KINDS
}
NEEDED = (LITERT, OPENVINO, COCO_TOOLS, PHOTOS, *(tags for _, tags in TAGS.values()))
THRESHOLDS = (0.3, 0.01, 1e-5)
COPIES = 20


def measure(context: Context) -> list[Row]:
    """NMS against TFLite's kernel, then whole runs of each runtime and precision."""
    photos = context.variables(PHOTOS)
    images, annotations = _repeated(context, photos)
    return [
        *_nms(context, Path(photos["CK_ENV_DATASET_IMAGE_DIR"])),
        _throughput(context, images, annotations),
        _scaled(context, images, annotations),
    ]


def _nms(context: Context, images: Path) -> list[Row]:
    _, tags = TAGS["float litert"]
    model = context.variables(tags)
    graph, anchors = model[f"{MODEL}TFLITE_GRAPH_REGULAR_NMS"], model[f"{MODEL}ANCHORS"]
    arguments = (graph, anchors, images, len(list(images.iterdir())), *THRESHOLDS)
    runs = [
        context.run(context.litert_python, "nms_and_kernel.py", *arguments) for _ in range(context.rounds)
    ]
    return [_nms_row(list(samples)) for samples in zip(*runs, strict=True)]


def _nms_row(samples: list[dict[str, Any]]) -> Row:
    ours, kernel = ([sample[f"{name}_ms"] for sample in samples] for name in ("ours", "kernel"))
    unequal = sum(sample["unequal_images"] for sample in samples)
    return Row(
        f"real weights: our {samples[0]['nms']} NMS against TFLite's kernel, "
        f"threshold {samples[0]['threshold']:g}",
        "equal detections",
        f"{median_ratio(ours, kernel):.2f} of its time ({median(ours):.2f} and {median(kernel):.2f} ms), "
        f"{samples[0]['candidates']:.0f} candidates an image; "
        f"{'equal' if not unequal else f'{unequal} images NOT EQUAL'}",
        not unequal,
        {"samples": samples},
    )


def _throughput(context: Context, images: Path, annotations: Path) -> Row:
    settings = {name: _settings(context, name, images, annotations) for name in TAGS}
    pythons = {"tflite": context.litert_python, "openvino": context.openvino_python}

    def run(name: str) -> Any:
        return context.run(pythons[TAGS[name][0]], "whole_run.py", settings[name])

    runs = in_turn({name: lambda name=name: run(name) for name in TAGS}, context.rounds)
    rates = {name: [run["images_per_second"] for run in found] for name, found in runs.items()}
    accuracies = {name: found[0]["mAP"] for name, found in runs.items()}
    said = ", ".join(f"{name} {median(rates[name]):.1f} ({accuracies[name]:.4f})" for name in TAGS)
    return Row(
        f"real weights: images/s with {context.processors} threads on the photographs, {COPIES} times each "
        "(mAP there)",
        "int8 faster than float",
        said,
        all(
            median(rates[f"int8 {runtime}"]) > median(rates[f"float {runtime}"])
            for runtime, *_ in KINDS.values()
        ),
        {"images_per_second": rates, "mAP": accuracies},
    )


def _scaled(context: Context, images: Path, annotations: Path) -> Row:
    """JPEGs decoded to few pixels more than needed (CK_DECODE=scaled): how much faster, and what it costs."""
    name = "int8 litert"
    settings = {
        decode: _settings(context, name, images, annotations, decode=decode) for decode in ("full", "scaled")
    }
    runs = in_turn(
        {
            decode: lambda file=file: context.run(context.litert_python, "whole_run.py", file)
            for decode, file in settings.items()
        },
        context.rounds,
    )
    rates = {decode: [run["images_per_second"] for run in found] for decode, found in runs.items()}
    accuracies = {decode: found[0]["mAP"] for decode, found in runs.items()}
    ratio = median_ratio(rates["scaled"], rates["full"])
    return Row(
        f"real weights: CK_DECODE=scaled against full, {name}, {context.processors} threads, the photographs",
        "faster",
        f"{ratio:.2f} times ({median(rates['scaled']):.1f} and {median(rates['full']):.1f} images/s); "
        f"mAP {accuracies['scaled']:.4f} and {accuracies['full']:.4f}",
        ratio > 1,
        {"images_per_second": rates, "mAP": accuracies},
    )


def _repeated(context: Context, photos: dict[str, str]) -> tuple[Path, Path]:
    """The photographs again and again under other ids, so that a run is long enough to be timed."""
    source = Path(photos["CK_ENV_DATASET_IMAGE_DIR"])
    truth = json.loads(Path(photos["CK_ENV_DATASET_ANNOTATIONS"]).read_text(encoding="utf-8"))
    folder = context.folder / "photographs"
    folder.mkdir()
    repeated: dict[str, Any] = {**truth, "images": [], "annotations": []}
    for copy in range(COPIES):
        names = {image["id"]: f"{copy:02}_{image['file_name']}" for image in truth["images"]}
        for image in truth["images"]:
            shutil.copyfile(source / image["file_name"], folder / names[image["id"]])
            changed = {"id": image["id"] * COPIES + copy, "file_name": names[image["id"]]}
            repeated["images"].append({**image, **changed})
        for one in truth["annotations"]:
            changed = {key: one[key] * COPIES + copy for key in ("id", "image_id")}
            repeated["annotations"].append({**one, **changed})
    return folder, context.write("photographs.json", repeated)


def _settings(context: Context, name: str, images: Path, annotations: Path, **more: str) -> Path:
    kind, tags = TAGS[name]
    runtime, graph, labels = KINDS[kind]
    model = context.variables(tags)
    settings = context.settings(
        model={"runtime": runtime, "file": model[graph], "labels": model[labels]},
        images=str(images),
        annotations=str(annotations),
        **more,
    )
    return context.write(f"{' '.join([name, *more.values()])}.json", settings)

"""Measure a model on a COCO data set with pycocotools: a frozen graph, or the evaluator train.py uses.

Regular NMS is the graph's own. Detections under the score threshold are dropped after it, which equals
NMS with that threshold, since a box can only be suppressed by one of higher score.
Stands alone and speaks Python 3.7.
"""

import argparse
import contextlib
import io
import json
import os
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from images import load_image


def coco_results(entry, boxes, scores, classes, threshold):
    """Turn one image's detections into COCO results.

    Boxes are (ymin, xmin, ymax, xmax) in 0..1, classes count from 1, as the graph gives them.
    """
    results = []
    for (ymin, xmin, ymax, xmax), score, category in zip(boxes, scores, classes):
        if score < threshold:
            continue
        x, y = xmin * entry["width"], ymin * entry["height"]
        width, height = xmax * entry["width"] - x, ymax * entry["height"] - y
        results.append(
            {
                "image_id": entry["id"],
                "category_id": int(category),
                "bbox": [float(x), float(y), float(width), float(height)],
                "score": float(score),
            }
        )
    return results


def measure(dataset, detect, threshold=0.3, limit=None, batch=25):
    """Run ``detect`` on the data set and return mAP, AP50, AP75, AR100 and the AP of each class.

    Parameters
    ----------
    dataset
        Folder with images/ and annotations/instances_val.json.
    detect
        Takes uint8 [n, 300, 300, 3], returns boxes [n, m, 4], scores [n, m], classes [n, m] from 1.
    threshold
        Score threshold, or a sequence of them (then a list is returned).
    limit
        Only the first so many images.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(Path(dataset, "annotations", "instances_val.json")))
    entries = [coco.imgs[image] for image in sorted(coco.imgs)][:limit]
    found = []
    for start in range(0, len(entries), batch):
        part = entries[start : start + batch]
        images = np.stack([load_image(Path(dataset, "images", entry["file_name"])) for entry in part])
        found += list(zip(part, *detect(images)))
    thresholds = np.atleast_1d(threshold)
    measured = []
    for one in thresholds:
        results = [result for detections in found for result in coco_results(*detections, threshold=one)]
        measured.append(_metrics(coco, [entry["id"] for entry in entries], results))
    return measured if np.ndim(threshold) else measured[0]


def _metrics(coco, images, results):
    if not results:
        return {"mAP": 0.0, "AP50": 0.0, "AP75": 0.0, "AR100": 0.0, "by_class": {}}
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.params.imgIds = images
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    stats = evaluation.stats
    precision = evaluation.eval["precision"][:, :, :, 0, 2]
    names = {
        coco.cats[category]["name"]: round(float(precision[:, :, k][precision[:, :, k] > -1].mean()), 4)
        for k, category in enumerate(evaluation.params.catIds)
        if (precision[:, :, k] > -1).any()
    }
    return {
        "mAP": float(stats[0]),
        "AP50": float(stats[1]),
        "AP75": float(stats[2]),
        "AR100": float(stats[8]),
        "by_class": names,
    }


def frozen_graph_detector(path):
    """Return a ``detect`` that runs a frozen graph by its names image_tensor and detection_*."""
    import tensorflow.compat.v1 as tf

    graph = tf.Graph()
    with graph.as_default():
        definition = tf.GraphDef()
        definition.ParseFromString(Path(path).read_bytes())
        tf.import_graph_def(definition, name="")
    session = tf.Session(graph=graph)
    outputs = ["detection_boxes:0", "detection_scores:0", "detection_classes:0"]
    return lambda images: session.run(outputs, {"image_tensor:0": images})


def main():
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graph", help="frozen_inference_graph.pb")
    parser.add_argument("dataset", help="folder with images/ and annotations/instances_val.json")
    parser.add_argument("--score-threshold", type=float, nargs="+", default=[0.3])
    parser.add_argument("--limit", type=int, help="only the first so many images")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    detect = frozen_graph_detector(arguments.graph)
    measured = measure(arguments.dataset, detect, arguments.score_threshold, arguments.limit)
    for threshold, metrics in zip(arguments.score_threshold, measured):
        print(json.dumps(dict(metrics, score_threshold=threshold, nms="regular")))


if __name__ == "__main__":
    main()

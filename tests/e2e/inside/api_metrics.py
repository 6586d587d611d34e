"""Metrics by the Object Detection API's own evaluators, where TensorFlow, the API and this library are.

    python api_metrics.py OUTPUT random SEEDS
    python api_metrics.py OUTPUT files ANNOTATIONS DETECTIONS METRIC

The first measures random data sets by the API and by ours, and writes how many numbers were compared, and
each that differs; the second writes the API's numbers of a COCO results file.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from object_detection.dataset_tools.oid_hierarchical_labels_expansion import OIDHierarchicalLabelsExpansion
from object_detection.utils import object_detection_evaluation as api

from ckssd.coco.at_half import evaluate_at_half
from ckssd.coco.metric_types import MetricChoice, counted
from ckssd.coco.truth import read_truth

METRICS = ("voc", "oid", "oid-challenge")
HIERARCHY = {
    "LabelName": "everything",
    "Subcategory": [
        {"LabelName": "a", "Subcategory": [{"LabelName": "b"}, {"LabelName": "c"}]},
        {
            "LabelName": "d",
            "Subcategory": [{"LabelName": "b"}, {"LabelName": "e", "Subcategory": [{"LabelName": "f"}]}],
            "Part": [{"LabelName": "a"}],
        },
        *({"LabelName": letter} for letter in "ghijkl"),
    ],
}


class Data:
    """A random data set with detections; many overlap, few scores are equal unless ``ties``."""

    def __init__(self, seed, ties):
        random = self.random = np.random.default_rng(seed)
        self.classes = int(random.integers(1, 13))
        # Gaps, and ids in no order, as label maps have them.
        self.ids = random.permutation(np.arange(1, 2 * self.classes + 1))[: self.classes].tolist()
        self.images = int(random.integers(1, 9))
        self.objects, self.rows, self.labels = [], [], []
        for image in range(self.images):
            self.fill(image, ties)

    def fill(self, image, ties):
        random = self.random
        for _ in range(int(random.integers(0, 12))):
            box = self.box()
            category = int(random.choice(self.ids))
            flags = {"difficult": int(random.random() < 0.2), "iscrowd": int(random.random() < 0.25)}
            self.objects.append({"image_id": image, "category_id": category, "bbox": box, **flags})
            for _ in range(int(random.integers(0, 4))):
                self.detect(image, category, box, ties)
        for _ in range(int(random.integers(0, 6))):
            self.detect(image, int(random.choice(self.ids)), self.box(), ties)
        for category in self.ids:
            if random.random() < 0.3:
                self.labels.append((image, category, int(random.random() < 0.5)))

    def detect(self, image, category, box, ties):
        random = self.random
        if random.random() < 0.1:
            category = int(random.choice(self.ids))
        moved = np.array(box) + random.choice([0, 1, 4, 20]) * random.normal(size=4)
        moved[2:] = np.maximum(moved[2:], random.choice([0, 0, 1]))
        score = random.integers(0, 8) / 8 if ties else np.float32(random.random())
        self.rows.append([image, *moved.tolist(), float(score), category])

    def box(self):
        """On whole pixels, so that equal IoUs and an IoU of exactly 0.5 occur."""
        return [
            *self.random.integers(0, 60, 2).astype(float).tolist(),
            *self.random.integers(0, 30, 2).astype(float).tolist(),
        ]

    def write(self, path):
        images = [
            {
                "id": image,
                "file_name": f"{image}.jpg",
                "width": 100,
                "height": 100,
                "pos_category_ids": [c for i, c, present in self.labels if i == image and present],
                "neg_category_ids": [c for i, c, present in self.labels if i == image and not present],
            }
            for image in range(self.images)
        ]
        categories = [{"id": identity, "name": self.name(identity)} for identity in self.ids]
        path.write_text(json.dumps({"images": images, "categories": categories, "annotations": self.objects}))

    def name(self, identity):
        return "abcdefghijkl"[self.ids.index(identity)]

    def expanded(self):
        """The same with the API's own expansion of CSV lines."""
        by_name = {self.name(identity): identity for identity in self.ids}
        expansion = OIDHierarchicalLabelsExpansion(HIERARCHY)

        def wider(category):
            lines = expansion.expand_boxes_or_segments_from_csv(f"x,{self.name(category)}")[1:]
            return [by_name[line.split(",")[1]] for line in lines if line.split(",")[1] in by_name]

        def others(category, present):
            lines = expansion.expand_labels_from_csv(f"x,{self.name(category)},{present}")[1:]
            return [by_name[line.split(",")[1]] for line in lines if line.split(",")[1] in by_name]

        objects = [
            *self.objects,
            *({**one, "category_id": to} for one in self.objects for to in wider(one["category_id"])),
        ]
        rows = [*self.rows, *([*row[:6], to] for row in self.rows for to in wider(row[6]))]
        labels = [
            *self.labels,
            *((image, to, present) for image, c, present in self.labels for to in others(c, present)),
        ]
        return objects, rows, labels


def corners(boxes):
    boxes = np.array(boxes, np.float64).reshape(-1, 4)
    x, y, width, height = boxes.T
    return np.stack([y, x, y + height, x + width], axis=1)


def by_api(data, metric, objects, rows, labels):
    return api_numbers(data.ids, range(data.images), metric, objects, rows, labels)


def api_numbers(ids, images, metric, objects, rows, labels):
    categories = [{"id": identity, "name": str(identity)} for identity in ids]
    evaluators = {
        "voc": [api.PascalDetectionEvaluator, api.WeightedPascalDetectionEvaluator],
        "oid": [api.OpenImagesDetectionEvaluator],
        "oid-challenge": [api.OpenImagesChallengeEvaluator],
    }[metric]
    found = []
    for kind in evaluators:
        evaluator = kind(categories)
        for image in images:
            own = [one for one in objects if one["image_id"] == image]
            crowd = np.array([one["iscrowd"] for one in own], bool)
            truth = {
                "groundtruth_boxes": corners([one["bbox"] for one in own]),
                "groundtruth_classes": np.array([one["category_id"] for one in own], int),
                "groundtruth_difficult": crowd | np.array([one["difficult"] for one in own], bool),
                "groundtruth_group_of": crowd,
                "groundtruth_image_classes": np.array([c for i, c, _ in labels if i == image], int),
            }
            evaluator.add_single_ground_truth_image_info(image, truth)
            here = [row for row in rows if row[0] == image]
            detections = {
                "detection_boxes": corners([row[1:5] for row in here]),
                "detection_scores": np.array([row[5] for row in here], np.float64),
                "detection_classes": np.array([row[6] for row in here], int),
            }
            evaluator.add_single_detected_image_info(image, detections)
        found.append(evaluator.evaluate())
    return found


def compare(data, metric, choice, path, content):
    """Numbers as pairs (name, the API's, ours)."""
    objects, rows, labels = content
    theirs = by_api(data, metric, objects, rows, labels)
    ours = evaluate_at_half(read_truth(path), np.array(data.rows).reshape(-1, 7), range(data.images), choice)
    pairs = []
    for found, key in zip(theirs, ("AP50", "AP50_pooled")):
        name = next(name for name in found if "Precision/mAP@0.5IOU" in name)
        pairs.append((key, found[name], ours["metrics"][key]))
    for identity in data.ids:
        (value,) = (found for name, found in theirs[0].items() if name.endswith(f"AP@0.5IOU/{identity}"))
        pairs.append((data.name(identity), value, ours["per_class"][data.name(identity)]))
    return pairs


def differs(one, other):
    return not (np.isnan(one) if other is None else one == other)


def compare_files(annotations, detections, metric):
    """The API's numbers of two files."""
    content, results = (json.loads(Path(path).read_text()) for path in (annotations, detections))
    objects = [{"difficult": 0, **one} for one in content["annotations"]]
    rows = [[one["image_id"], *one["bbox"], one["score"], one["category_id"]] for one in results]
    names = {one["id"]: one["name"] for one in content["categories"]}
    images = sorted(image["id"] for image in content["images"])
    found = api_numbers(list(names), images, metric, objects, rows, [])[0]
    return {
        "mAP": next(value for name, value in found.items() if "Precision/mAP@0.5IOU" in name),
        "per_class": {
            called: value
            for identity, called in names.items()
            for name, value in found.items()
            if name.endswith(f"AP@0.5IOU/{identity}")
        },
    }


def compare_random(seeds):
    """Compare all metrics on as many data sets; half of them have equal scores.

    The API's sort leaves the order of equal scores to chance (and to the processor). There it is made to keep
    it; where scores differ, the API is as it is.
    """
    compared, different = 0, []
    sort = np.argsort

    def stable(values, *more, **options):
        return sort(values, *more, **{**options, "kind": "stable"})

    folder = Path(tempfile.mkdtemp())
    hierarchy = folder / "hierarchy.json"
    hierarchy.write_text(json.dumps(HIERARCHY))
    for seed in range(seeds):
        ties = bool(seed % 2)
        data, path = Data(seed, ties), folder / "instances.json"
        data.write(path)
        plain, expanded = (data.objects, data.rows, data.labels), data.expanded()
        cases = [(metric, MetricChoice(metric), plain) for metric in METRICS]
        for metric in METRICS[1:]:
            cases.append((metric, MetricChoice(metric, hierarchy, "both"), expanded))
            half = (expanded[0], data.rows, expanded[2])
            cases.append((metric, MetricChoice(metric, hierarchy), half))
        np.argsort = stable if ties else sort
        for metric, choice, content in cases:
            if not counted(read_truth(path), metric).objects.any():
                continue  # both have no value then; ours is refused before
            for name, one, other in compare(data, metric, choice, path, content):
                compared += other is not None
                if differs(one, other):
                    different.append([seed, str(choice), name, float(one), other])
    return {"compared": compared, "different": different}


if __name__ == "__main__":
    output, what, *given = sys.argv[1:]
    found = compare_random(int(given[0])) if what == "random" else compare_files(*given)
    Path(output).write_text(json.dumps(found))

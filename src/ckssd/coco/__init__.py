"""COCO data: annotations, metrics, and the built-in data set of shapes."""

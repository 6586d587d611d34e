"""Images in, detections out: decode, resize, run, read boxes, draw."""

"""What pycocotools' own page does: read, load, evaluate, accumulate, summarize; prints the twelve numbers.

python plain_metrics.py ANNOTATIONS DETECTIONS
"""

import contextlib
import io
import json
import sys

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

with contextlib.redirect_stdout(io.StringIO()):
    truth = COCO(sys.argv[1])
    run = COCOeval(truth, truth.loadRes(sys.argv[2]), "bbox")
    run.evaluate()
    run.accumulate()
    run.summarize()
print(json.dumps(run.stats.tolist()))

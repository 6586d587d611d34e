#! /bin/bash
# Preset: reference accuracy run, fast NMS. The same values stand in .cm/meta.json; a test compares them.

export CK_BATCH_COUNT=5000
export CK_BATCH_SIZE=1
export CK_HOST_CPU_NUMBER_OF_PROCESSORS=1
export CK_METRIC_TYPE=COCO
export USE_NMS=fast

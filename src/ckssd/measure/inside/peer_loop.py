"""The loop that a user would write around a library: ``peer_loop.py JOB.json``.

Pillow, one image after another, the library as its own page uses it; nothing here knows this project. The job
is ``{"kind", "model", "threads", "images": [[id, path, width, height], ...], "output": "RESULT.json"}``; the
result has the times in seconds, the detections as rows of COCO results, and the peak memory. Stands alone:
Python 3.6 or later, NumPy, Pillow and the one library.
"""
# mypy: ignore-errors

import json
import os
import resource
import sys
import time

BEGAN = time.time()

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

FROZEN_OUTPUTS = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")
SIDE = 300  # of models that leave it open


def tflite(interpreter, library):
    """An interpreter of TFLite's API; its postprocessing operator counts classes from 0."""
    interpreter.allocate_tensors()
    image = interpreter.get_input_details()[0]
    outputs = [output["index"] for output in interpreter.get_output_details()]
    _, height, width, _ = image["shape"]

    def feed(pixels):
        if image["dtype"] != np.float32:
            return pixels
        return pixels.astype(np.float32) / np.float32(127.5) - np.float32(1)

    def detect(fed):
        interpreter.set_tensor(image["index"], fed[np.newaxis])
        interpreter.invoke()
        boxes, classes, scores, count = (interpreter.get_tensor(index)[0] for index in outputs)
        return boxes[: int(count)], classes[: int(count)] + 1, scores[: int(count)]

    return (int(width), int(height)), feed, detect, library


def litert(model, threads):
    """LiteRT."""
    import ai_edge_litert.interpreter as library

    return tflite(library.Interpreter(model_path=model, num_threads=threads), "ai-edge-litert")


def tflite_runtime(model, threads):
    """The package before LiteRT."""
    import tflite_runtime.interpreter as library

    return tflite(library.Interpreter(model_path=model, num_threads=threads), "tflite-runtime")


def tensorflow_lite(model, threads):
    """TensorFlow's own interpreter; that of TensorFlow 1.13 knows no threads."""
    import tensorflow as tf

    return tflite(tf.lite.Interpreter(model_path=model), "tensorflow")


def frozen(outputs):
    """What a graph of the Object Detection API gives for one image."""
    boxes, classes, scores, count = outputs
    number = int(count[0])
    return boxes[0][:number], classes[0][:number], scores[0][:number]


def tensorflow(model, threads):
    """A SavedModel's folder, or a frozen graph as a function."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    if os.path.isdir(model):
        signature = tf.saved_model.load(model).signatures["serving_default"]

        def by_signature(fed):
            found = signature(tf.constant(fed[np.newaxis]))
            return frozen([found[name].numpy() for name in FROZEN_OUTPUTS])

        return (SIDE, SIDE), np.asarray, by_signature, "tensorflow"
    definition = tf.compat.v1.GraphDef()
    with open(model, "rb") as stream:
        definition.ParseFromString(stream.read())
    whole = tf.compat.v1.wrap_function(lambda: tf.compat.v1.import_graph_def(definition, name=""), [])
    tensors = [whole.graph.get_tensor_by_name(name + ":0") for name in ("image_tensor", *FROZEN_OUTPUTS)]
    run = whole.prune(tensors[0], tensors[1:])

    def detect(fed):
        return frozen([output.numpy() for output in run(tf.constant(fed[np.newaxis]))])

    return (SIDE, SIDE), np.asarray, detect, "tensorflow"


def onnx(model, threads):
    """ONNX Runtime with the graph's own NMS."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = {output.name.split(":")[0]: output.name for output in session.get_outputs()}
    image, outputs = session.get_inputs()[0].name, [names[name] for name in FROZEN_OUTPUTS]

    def detect(fed):
        return frozen(session.run(outputs, {image: fed[np.newaxis]}))

    return (SIDE, SIDE), np.asarray, detect, "onnxruntime"


def openvino(model, threads):
    """An IR with DetectionOutput, or a frozen graph that OpenVINO converts by itself."""
    import openvino as library

    settings = {"INFERENCE_NUM_THREADS": str(threads), "INFERENCE_PRECISION_HINT": "f32"}
    core = library.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", settings)
    request = compiled.create_infer_request()
    names = [[name.split(":")[0] for name in port.get_names()] for port in compiled.outputs]
    kind = compiled.inputs[0].element_type.to_dtype()

    def feed(pixels):
        return pixels.astype(kind)

    def detect(fed):
        found = request.infer([fed[np.newaxis]])
        if len(names) > 1:
            places = [next(i for i, each in enumerate(names) if name in each) for name in FROZEN_OUTPUTS]
            return frozen([found[place] for place in places])
        rows = found[0].reshape(-1, 7)
        ends = np.flatnonzero(rows[:, 0] < 0)
        rows = rows[: ends[0]] if len(ends) else rows
        return rows[:, [4, 3, 6, 5]], rows[:, 1], rows[:, 2]

    return (SIDE, SIDE), feed, detect, "openvino"


def opencv(model, threads):
    """OpenCV's DNN module, where it reads the graph."""
    import cv2

    cv2.setNumThreads(threads)
    tensorflows = model.endswith(".pb")
    network = cv2.dnn.readNetFromTensorflow(model) if tensorflows else cv2.dnn.readNetFromONNX(model)
    names = network.getUnconnectedOutLayersNames()

    def detect(fed):
        network.setInput(fed[np.newaxis])
        found = dict(zip((name.split(":")[0] for name in names), network.forward(names)))
        return frozen([found[name] for name in FROZEN_OUTPUTS])

    return (SIDE, SIDE), np.asarray, detect, "opencv-python-headless"


KINDS = {
    "litert": litert,
    "tflite-runtime": tflite_runtime,
    "tensorflow-lite": tensorflow_lite,
    "tensorflow": tensorflow,
    "onnx": onnx,
    "openvino": openvino,
    "opencv": opencv,
}


def rows_of(image, found):
    """Image id, x, y, width, height in pixels, score, label id; boxes inside the image."""
    identity, _, width, height = image
    boxes, classes, scores = found
    corners = np.clip(np.asarray(boxes, np.float64).reshape(-1, 4), 0, 1) * [height, width, height, width]
    return [
        [identity, left, top, right - left, bottom - top, float(score), int(kind)]
        for (top, left, bottom, right), kind, score in zip(corners.tolist(), classes, scores)
    ]


def version_of(library):
    """The version of an installed distribution."""
    try:
        from importlib.metadata import version

        return version(library)
    except Exception:  # noqa: BLE001 - Python 3.7 has no such module, and some are installed under another name
        return getattr(sys.modules.get(library), "__version__", "unknown")


def main(argv):
    """Load, detect in every image, write what was found and how long it took."""
    with open(argv[1]) as stream:
        job = json.load(stream)
    began = time.perf_counter()
    size, feed, detect, library = KINDS[job["kind"]](job["model"], job["threads"])
    setup = time.perf_counter() - began
    load, seconds, rows, first = [], [], [], 0.0
    wall = time.perf_counter()
    for image in job["images"]:
        start = time.perf_counter()
        pixels = np.asarray(Image.open(image[1]).convert("RGB").resize(size, Image.BILINEAR))
        fed = feed(pixels)
        between = time.perf_counter()
        found = detect(fed)
        end = time.perf_counter()
        load.append(between - start)
        seconds.append(end - between)
        first = first or time.time() - BEGAN
        rows += rows_of(image, found)
    wall = time.perf_counter() - wall
    bytes_each = 1.0 if sys.platform == "darwin" else 1024.0  # macOS counts bytes, others KiB
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * bytes_each / 1024**2
    result = {
        "setup_s": setup,
        "first_s": first,
        "wall_s": wall,
        "load": load,
        "detect": seconds,
        "rows": rows,
        "memory_mb": memory,
        "versions": {library: version_of(library), "python": sys.version.split()[0]},
    }
    with open(job["output"], "w") as stream:
        json.dump(result, stream)


if __name__ == "__main__":
    main(sys.argv)

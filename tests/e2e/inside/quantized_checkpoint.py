"""A checkpoint as quantisation-aware training leaves it, of one trained without it.

python quantized_checkpoint.py MODEL_FOLDER images.npz FOLDER

FOLDER then holds pipeline.config with a graph_rewriter, and model.ckpt.* with the ranges that training would
have learned: of the folded weights, and of the activations on the images. Stands alone: TensorFlow 1.13 to
1.15 and a prepared Object Detection API.
"""

import sys
from pathlib import Path

import numpy as np
from google.protobuf import text_format
from object_detection.ckssd_compat import tf

REWRITER = "\ngraph_rewriter { quantization { delay: 0 weight_bits: 8 activation_bits: 8 } }\n"


def build(config):
    """The network with nodes that quantise, as the exporter builds it; return the image's placeholder."""
    from object_detection.builders import graph_rewriter_builder, model_builder

    model = model_builder.build(config.model, is_training=False, add_summaries=False)
    resizer = config.model.ssd.image_resizer.fixed_shape_resizer
    image = tf.placeholder(tf.float32, [1, resizer.height, resizer.width, 3])
    model.predict(image, None)
    graph_rewriter_builder.build(config.graph_rewriter, is_training=False)()
    tf.train.get_or_create_global_step()
    return image


def ranges(operation, values):
    """The variables of a quantising node and the values for them, from what it is to quantise."""
    low, high = min(float(np.min(values)), 0.0), max(float(np.max(values)), 0.0)
    if operation.name.endswith("weights_quant/FakeQuantWithMinMaxVars") and low == high:
        high = 1.0
    return {operation.inputs[1]: low, operation.inputs[2]: max(high, low + 1e-3)}


def main(model_folder, images_file, folder):
    from object_detection.protos import pipeline_pb2

    text = (Path(model_folder) / "pipeline.config").read_text() + REWRITER
    config = pipeline_pb2.TrainEvalPipelineConfig()
    text_format.Merge(text, config)
    images = np.load(images_file)
    image = build(config)
    known = {name for name, _ in tf.train.list_variables(str(Path(model_folder) / "model.ckpt"))}
    variables = tf.global_variables()
    quantising = [
        each for each in tf.get_default_graph().get_operations() if each.type.startswith("FakeQuant")
    ]
    by_read = {}
    for variable in variables:
        for operation in quantising:
            for port in (1, 2):
                if operation.inputs[port].op.name.startswith(variable.op.name + "/read"):
                    by_read[operation.inputs[port].name] = variable
    Path(folder).mkdir(parents=True, exist_ok=True)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        tf.train.Saver([each for each in variables if each.op.name in known]).restore(
            session, str(Path(model_folder) / "model.ckpt")
        )
        pixels = [images[name][None].astype(np.float32) / 127.5 - 1 for name in sorted(images.files)]
        for operation in quantising:  # in the order of the graph: what comes before has its ranges already
            found = [session.run(operation.inputs[0], {image: each}) for each in pixels]
            for tensor, value in ranges(operation, found).items():
                variable = by_read[tensor.name]
                session.run(variable.initializer, {variable.initializer.inputs[1]: value})
        tf.train.Saver(variables).save(session, str(Path(folder) / "model.ckpt"), write_meta_graph=False)
    (Path(folder) / "pipeline.config").write_text(text)
    sys.stdout.write("{} nodes quantise\n".format(len(quantising)))


main(*sys.argv[1:])

"""What an ONNX graph's operators say of it: activation, precision, settings of its NMS."""

from __future__ import annotations

from ckssd.onnx.model import OnnxModel, Operator
from ckssd.tflite.activation import activation_before, class_output

ACTIVATIONS = {"Sigmoid": "sigmoid", "Softmax": "softmax"}
# They move or recode numbers; the first input is what they move, all inputs where they join.
MOVING = (
    "Cast",
    "DequantizeLinear",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "QuantizeLinear",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
)
JOINING = ("Concat",)
LAYERS = ("Conv", "Gemm", "MatMul")
# Inputs of NonMaxSuppression: boxes, scores, limit, IoU threshold, score threshold.
THRESHOLDS = slice(3, 5)
LEAST_CLASSES = 2
INTEGER_LAYERS = ("QLinearConv", "ConvInteger", "QLinearMatMul", "MatMulInteger")


def class_activation(model: OnnxModel) -> str | None:
    """The activation that the class predictions of a graph without NMS went through, or None.

    None also where parts of them went through different ones.
    """
    index = class_output(model)
    if index is None:
        return None
    makers = {name: operator for operator in model.operators for name in operator.outputs}
    name = model.outputs[index].name
    return activation_before(name, makers, _moved, lambda maker: ACTIVATIONS.get(maker.op))


def _moved(operator: Operator) -> tuple[str, ...]:
    if operator.op in JOINING:
        return operator.inputs
    return operator.inputs[:1] if operator.op in MOVING else ()


def precision_of(model: OnnxModel) -> str:
    """The model's precision: ``int8``, ``float32``, ``int8 weights`` (float32 otherwise), or several."""
    makers = {name: operator for operator in model.operators for name in operator.outputs}
    kinds = dict.fromkeys(_precision(one, makers, model.weights) for one in model.operators if _is_layer(one))
    return " and ".join(kinds) or model.inputs[0].dtype


def _is_layer(operator: Operator) -> bool:
    return operator.op in (*LAYERS, *INTEGER_LAYERS)


def _precision(layer: Operator, makers: dict[str, Operator], weights: dict[str, str]) -> str:
    if layer.op in INTEGER_LAYERS:
        return "int8"
    made = [makers.get(name) for name in layer.inputs[:2]]
    quantised = [maker is not None and maker.op == "DequantizeLinear" for maker in made]
    if all(quantised):
        return "int8"
    if quantised[-1]:
        return "int8 weights"
    return next((weights[name] for name in layer.inputs[1:2] if name in weights), "float32")


def settings_of_nms(model: OnnxModel) -> tuple[float, float, int] | None:
    """Score threshold, IoU threshold and number of classes of a graph with one NonMaxSuppression a class.

    None where they are not the same constants in all of them, or there are not several.
    """
    nodes = [operator for operator in model.operators if operator.op == "NonMaxSuppression"]
    stated = {tuple(model.numbers.get(name) for name in operator.inputs[THRESHOLDS]) for operator in nodes}
    if len(nodes) < LEAST_CLASSES or len(stated) != 1:
        return None
    iou, score, *_ = (*stated.pop(), None, None)
    return None if iou is None or score is None else (score, iou, len(nodes))

"""The options of TFLite_Detection_PostProcess: how boxes are decoded, and which of them survive.

They are a FlexBuffers map inside the operator. Names, defaults and meaning are those of TFLite's own kernel
(tensorflow/lite/kernels/detection_postprocess.cc); keys that it does not read are carried along unchanged.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ckssd.errors import InputError

FLOAT32_MAX = 3.4e38

REQUIRED = (
    "num_classes",
    "max_detections",
    "max_classes_per_detection",
    "nms_score_threshold",
    "nms_iou_threshold",
    "y_scale",
    "x_scale",
    "h_scale",
    "w_scale",
)


@dataclass(frozen=True)
class PostProcessOptions:
    """What the postprocessing operator does.

    ``use_regular_nms`` chooses NMS class by class, else it runs once over each box's best classes ("fast").
    ``detections_per_class`` counts only under regular NMS, ``max_classes_per_detection`` only under fast NMS.
    The four scales are the box coder's: a box encoding divided by its scale is the offset from its anchor.
    """

    num_classes: int
    max_detections: int
    max_classes_per_detection: int
    nms_score_threshold: float
    nms_iou_threshold: float
    y_scale: float
    x_scale: float
    h_scale: float
    w_scale: float
    detections_per_class: int = 100
    use_regular_nms: bool = False

    @property
    def nms(self) -> str:
        """``regular`` or ``fast``, as CK's variable USE_NMS names them."""
        return "regular" if self.use_regular_nms else "fast"

    def as_dict(self) -> dict[str, Any]:
        """The options by the kernel's own names."""
        return dataclasses.asdict(self)


def read_options(data: bytes, where: str) -> PostProcessOptions:
    """Read the FlexBuffers map ``data``; ``where`` names the model in an error.

    Raises
    ------
    InputError
        If it is no such map, or a key that the kernel needs is missing.
    """
    values = _read_map(data, where)
    missing = [key for key in REQUIRED if key not in values]
    if missing:
        raise InputError(
            "The postprocessing operator lacks options",
            where=where,
            expected=", ".join(REQUIRED),
            got="no " + ", ".join(missing),
        )
    arguments: dict[str, Any] = {}
    for field in dataclasses.fields(PostProcessOptions):
        if field.name in values:
            if not isinstance(values[field.name], (int, float)) or not abs(values[field.name]) < FLOAT32_MAX:
                raise InputError(
                    "The postprocessing operator has an option that is no number",
                    where=where,
                    got=f"{field.name}: {values[field.name]!r}",
                )
            arguments[field.name] = _as_type(values[field.name], str(field.type))
    return PostProcessOptions(**arguments)


def write_options(options: PostProcessOptions, original: bytes, where: str) -> bytes:
    """The FlexBuffers map ``original`` with ``options`` put in."""
    from flatbuffers import flexbuffers  # see _read_map

    return bytes(flexbuffers.Dumps({**_read_map(original, where), **options.as_dict()}))


def _read_map(data: bytes, where: str) -> dict[str, Any]:
    from flatbuffers import flexbuffers  # where models are read; settings are checked without it

    try:
        values = flexbuffers.GetRoot(data).Value
    except Exception as error:  # noqa: BLE001 - the reader raises whatever broken bytes lead it to
        values = error
    if not isinstance(values, dict):
        raise InputError(
            "The postprocessing operator's options cannot be read", where=where, expected="a FlexBuffers map"
        )
    return values


def _as_type(value: Any, kind: str) -> int | float | bool:
    if kind == "bool":
        return bool(value)
    if kind == "int":
        return int(value)
    import numpy as np  # see above

    return float(str(np.float32(value)))  # the kernel reads float32: 0.3, not 0.30000001192092896

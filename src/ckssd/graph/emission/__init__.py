"""From an edited graph to OpenVINO's IR. The only part of this room that needs openvino."""

from ckssd.graph.emission.convert import Emission, convert_graph, described, save, set_meta
from ckssd.graph.emission.detection_output import classes_of
from ckssd.graph.emission.nms import Limits, with_nms
from ckssd.graph.emission.raw import without_detection_output

__all__ = [
    "Emission",
    "Limits",
    "classes_of",
    "convert_graph",
    "described",
    "save",
    "set_meta",
    "with_nms",
    "without_detection_output",
]

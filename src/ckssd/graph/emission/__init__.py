"""From an edited graph to OpenVINO's IR. The only part of this room that needs openvino."""

from ckssd.graph.emission.convert import Emission, convert_graph, described, save, set_meta
from ckssd.graph.emission.detection_output import classes_of

__all__ = ["Emission", "classes_of", "convert_graph", "described", "save", "set_meta"]

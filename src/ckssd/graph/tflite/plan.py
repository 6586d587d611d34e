"""From a frozen graph to the graph that TFLite's converter takes. Needs neither TensorFlow nor openvino."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ckssd.graph.applying import Applied, apply_configuration
from ckssd.graph.attributes import Tensor
from ckssd.graph.folding import explore
from ckssd.graph.foreign.known_form import in_known_form
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import check_frozen, read_graph
from ckssd.graph.replacement import Registry
from ckssd.graph.select import Selected, select_configuration
from ckssd.graph.ssd.kinds import (
    ANCHORS,
    BOX_ENCODINGS,
    CLASS_PREDICTIONS,
    INPUT,
    TFLITE_OPERATION,
    check_ssd,
)
from ckssd.graph.tflite.anchors import center_coded, read_anchors
from ckssd.graph.tflite.finish import finish, read_num_classes
from ckssd.graph.tflite.replacers import (
    ACTIVATION,
    SCALE,
    PostprocessorForTFLite,
    PreprocessorForTFLite,
)
from ckssd.graph.tflite.wanted import TFLiteContext, Wanted

BUILT_IN = (PostprocessorForTFLite, PreprocessorForTFLite)
NAMES = (ANCHORS, BOX_ENCODINGS, CLASS_PREDICTIONS, TFLITE_OPERATION, INPUT, SCALE, f"{SCALE}/y", ACTIVATION)


@dataclass(frozen=True)
class TFLiteGraph:
    """A graph for TFLite's converter, and how it came about.

    Attributes
    ----------
    graph
        Input ``normalized_input_image_tensor``; outputs `outputs`.
    anchors
        float32 [P, 4]: ycenter, xcenter, h, w in units of the image.
    num_classes
        Without the background.
    """

    graph: Graph
    outputs: tuple[str, ...]
    anchors: Tensor
    num_classes: int
    selected: Selected
    applied: tuple[Applied, ...]
    context: TFLiteContext


def make_tflite_graph(frozen_graph: Path, wanted: Wanted) -> TFLiteGraph:
    """Read a frozen graph and replace its Preprocessor and Postprocessor.

    Raises
    ------
    InputError
        If the file is no frozen graph of an SSD, or TFLite's operation cannot do what it does.
    """
    return remade(read_graph(frozen_graph), wanted)


def remade(graph: Graph, wanted: Wanted) -> TFLiteGraph:
    """The same of a graph that was read; it is edited."""
    done = in_known_form(graph)
    check_ssd(graph)
    graph.check("reading")
    check_frozen(graph)
    selected = select_configuration(graph)
    graph.prune(name for each in selected.configuration.points for name in each.end_points)
    for name in NAMES:
        if name in graph:
            graph.rename(name, f"{name}_of_the_frozen_graph")
    context = TFLiteContext(wanted)
    context.notes += done
    applied = apply_configuration(graph, selected.configuration, Registry(BUILT_IN), context)
    graph.prune([BOX_ENCODINGS, CLASS_PREDICTIONS, context.anchors.node])
    graph.check("the replacements")
    known = explore(graph)
    anchors = center_coded(read_anchors(graph, known, context.anchors))
    num_classes = read_num_classes(graph, known, context, len(anchors))
    finished, outputs = finish(graph, known, context, anchors, num_classes)
    return TFLiteGraph(finished, outputs, anchors, num_classes, selected, tuple(applied), context)

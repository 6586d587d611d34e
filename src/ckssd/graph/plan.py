"""From a graph file to an edited graph: read, choose, match, replace. Needs no openvino."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ckssd.errors import InputError
from ckssd.graph.applying import Applied, apply_configuration
from ckssd.graph.configuration import Configuration, find_configuration, read_configuration
from ckssd.graph.draw import drawing
from ckssd.graph.foreign.known_form import in_known_form
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import check_frozen, read_graph
from ckssd.graph.match import some
from ckssd.graph.node import Output
from ckssd.graph.options import AUTO_CONFIGURATION, Options
from ckssd.graph.public_form import as_ours, is_public_form
from ckssd.graph.replacement import Context, Registry
from ckssd.graph.select import select_configuration
from ckssd.graph.settings import Request
from ckssd.graph.ssd.kinds import check_ssd, refuse_other_kinds
from ckssd.graph.ssd.postprocessor import DETECTION_OUTPUT, PostprocessorReplacement
from ckssd.graph.ssd.preprocessor import PreprocessorReplacement

BUILT_IN = (PostprocessorReplacement, PreprocessorReplacement)
RESULTS = {DETECTION_OUTPUT: "detection_output"}


@dataclass(frozen=True)
class Plan:
    """An edited graph that is ready for emission, and how it came about.

    Attributes
    ----------
    configuration, reason
        The configuration used, and why.
    applied
        The replacements that were made.
    outputs
        Names for the IR's outputs, and their tensors.
    drawings
        For each matched part its name and an SVG, made before it was replaced.
    """

    graph: Graph
    configuration: Configuration
    reason: str
    applied: tuple[Applied, ...]
    outputs: dict[str, Output]
    context: Context
    drawings: dict[str, str]


def make_plan(options: Options) -> Plan:
    """Read, choose, match and replace, up to the edited graph."""
    graph = read_graph(options.input_model)
    graph.source = str(options.source)
    done = in_known_form(graph)
    if options.configuration == AUTO_CONFIGURATION:
        # Whoever names outputs may take a part of a graph; which part matches, is said by the configurations.
        (refuse_other_kinds if options.outputs else check_ssd)(graph)
    graph.check("reading")
    registry = Registry(BUILT_IN)
    if options.extensions is not None:
        registry.load(options.extensions)
    if options.outputs:
        graph.prune(output.node for output in options.outputs)
    configuration, reason = _configuration(graph, options)
    outputs = list(options.outputs) or _default_outputs(graph, configuration)
    graph.prune(output.node for output in outputs)
    check_frozen(graph)
    request = Request(
        options.input_shape,
        options.batch,
        options.pipeline,
        dict(options.overrides),
        options.postprocessing,
    )
    context = Context(request)
    context.notes += done
    drawings: dict[str, str] = {}
    applied = apply_configuration(
        graph,
        configuration,
        registry,
        context,
        seen=lambda match: drawings.update(drawing(graph, match)) if options.dump else None,
    )
    final = _final_outputs(graph, outputs, applied, context)
    graph.prune(output.node for output in final.values())
    graph.check("the replacements")
    if not graph.inputs():
        raise InputError("No output depends on the graph's input", where=graph.source, got=some(final))
    return Plan(graph, configuration, reason, tuple(applied), final, context, drawings)


def _configuration(graph: Graph, options: Options) -> tuple[Configuration, str]:
    if options.configuration == AUTO_CONFIGURATION:
        selected = select_configuration(graph)
        return selected.configuration, f"chosen: {selected.reason}"
    path = find_configuration(Path(options.configuration))
    if path == Path(options.configuration):
        configuration = read_configuration(path)
        if is_public_form(configuration):
            configuration, ours = as_ours(configuration, graph)
            return configuration, f"given on the command line; its points are read as those of {ours}"
        return configuration, "given on the command line"
    return read_configuration(path), f"there is no {options.configuration}; the shipped file of this name"


def _default_outputs(graph: Graph, configuration: Configuration) -> list[Output]:
    """The configuration's end points; without any the nodes that nobody reads."""
    names = [name for each in configuration.points for name in each.end_points] or graph.sinks()
    return [Output(name) for name in names]


def _final_outputs(
    graph: Graph, outputs: Sequence[Output], applied: Sequence[Applied], context: Context
) -> dict[str, Output]:
    """The outputs asked for that are still there, or what stands in for them."""
    final: dict[str, Output] = {}
    ended = []
    for output in outputs:
        tensor = output
        for each in applied:
            tensor = each.outputs.get(tensor, tensor)
        if tensor.node not in graph:
            ended.append(output.node)
        elif tensor not in final.values():
            name = tensor.node if tensor.port == 0 else str(tensor)
            final[RESULTS.get(name, name)] = tensor
    if not final:
        raise InputError("No output is left after the replacements", where=graph.source, got=some(ended))
    if ended:
        context.notes.append(f"{some(ended)}: not outputs of their own any more, {some(final)} holds them")
    return final

"""The whole conversion: a frozen TensorFlow graph in, OpenVINO's IR out, and an account of every decision.

Nothing is printed here; what there is to say is in the result.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ckssd
from ckssd.errors import EnvironmentSetupError, InputError
from ckssd.graph.configuration import Configuration, find_configuration, read_configuration
from ckssd.graph.draw import drawing
from ckssd.graph.graph import Graph, Output
from ckssd.graph.graphdef import check_frozen, read_graph, sha256_of, write_graph
from ckssd.graph.matching import Port, some
from ckssd.graph.options import AUTO, Options
from ckssd.graph.replacement import Applied, Context, Registry, apply_configuration
from ckssd.graph.select import select_configuration
from ckssd.graph.settings import Request
from ckssd.graph.ssd.postprocessor import DETECTION_OUTPUT, PostprocessorReplacement
from ckssd.graph.ssd.preprocessor import PreprocessorReplacement

BUILT_IN = (PostprocessorReplacement, PreprocessorReplacement)
DETECTIONS = "detection_output"
RESULTS = {DETECTION_OUTPUT: DETECTIONS}


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


@dataclass(frozen=True)
class Converted:
    """What a conversion did: plain data for ``--json``, and the lines that people see."""

    data: dict[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()


def convert(options: Options) -> Converted:
    """Convert as the options say; with ``dry_run`` only explain what would be done.

    Raises
    ------
    CkssdError
        If anything does not fit; then no file was written.
    """
    plan = make_plan(options)
    data = _explained(options, plan)
    if options.dump is not None:
        data["dumped"] = [str(path) for path in _dump(options.dump, plan)]
    if not options.dry_run:
        data.update(_emit(options, plan))
    return Converted(data, tuple(_lines(data)))


def make_plan(options: Options) -> Plan:
    """Read, choose, match and replace, up to the edited graph."""
    graph = read_graph(options.input_model)
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
    context = Context(Request(options.input_shape, options.batch, options.pipeline, dict(options.overrides)))
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
    if options.configuration == AUTO:
        selected = select_configuration(graph)
        return selected.configuration, f"chosen: {selected.reason}"
    path = find_configuration(Path(options.configuration))
    if path == Path(options.configuration):
        return read_configuration(path), "given on the command line"
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


def _explained(options: Options, plan: Plan) -> dict[str, Any]:
    """What was decided, as plain data."""
    return {
        "input_model": str(options.input_model),
        "configuration": plan.configuration.name,
        "configuration_reason": plan.reason,
        "replacements": [_described(each) for each in plan.applied],
        "settings": {
            name: {"value": each.value, "origin": each.origin} for name, each in plan.context.settings.items()
        },
        "notes": list(plan.context.notes),
        "outputs": {name: str(tensor) for name, tensor in plan.outputs.items()},
        "nodes": len(plan.graph),
    }


def _described(applied: Applied) -> dict[str, Any]:
    match = applied.match
    return {
        "replacer": applied.replacer,
        "scope": match.scope if match else "",
        "matched": len(match.nodes) if match else 0,
        "removed": len(applied.removed),
        "added": len(applied.added),
        "inputs": [_shown(each[0]) for each in match.inputs] if match else [],
        "outputs": [_shown(each) for each in match.outputs] if match else [],
    }


def _shown(place: Port | None) -> str:
    return f"{place[0].name}, port {place[1]}" if place else "not in the graph: nobody reads it"


def _emit(options: Options, plan: Plan) -> dict[str, Any]:
    # Only here, because matching and --dry_run need no openvino.
    from ckssd.graph import emission

    settings = plan.context.settings
    shape = settings["input_shape"].value if "input_shape" in settings else None
    native = settings["native_size"].value if "native_size" in settings else None
    model = emission.convert_graph(
        plan.graph,
        emission.Emission(
            plan.outputs,
            plan.context.tensors,
            native_size=native,
            size=None if shape is None else tuple(shape[1:3]),
            reverse_channels=options.reverse_input_channels,
        ),
    )
    digest = sha256_of(options.input_model)
    emission.set_meta(model, meta(options, plan, emission.classes_of(model), digest))
    with staged(options.output_dir, options.name) as path:
        emission.save(model, path, half=options.data_type == "FP16")
    written = options.output_dir / f"{options.name}.xml"
    return {
        "xml": str(written),
        "bin": str(written.with_suffix(".bin")),
        "data_type": options.data_type,
        "source_sha256": digest,
        "model": emission.described(model),
    }


def meta(options: Options, plan: Plan, classes: int | None, digest: str) -> dict[str, str]:
    """What the IR says about itself in ``rt_info/ckssd``: how to feed it and read it, where it is from."""
    settings = {name: each.value for name, each in plan.context.settings.items()}
    texts = {
        "layout": "NHWC",
        "channel_order": "BGR" if options.reverse_input_channels else "RGB",
        "input_range": str(settings.get("input_range", "0,255")),
        "configuration": plan.configuration.name,
        "source": options.input_model.name,
        "source_sha256": digest,
        "ckssd_version": ckssd.__version__,
    }
    if classes is not None:
        texts.update(
            {
                "num_classes": str(classes),
                "background_label": "0",
                "class_map": "label = class id of the label map, 0 is the background",
                "activation": str(settings["activation"]),
                "score_threshold": str(settings["confidence_threshold"]),
                "iou_threshold": str(settings["nms_threshold"]),
                "top_k": str(settings["top_k"]),
                "keep_top_k": str(settings["keep_top_k"]),
                "clip_after_nms": str(settings["clip_after_nms"]).lower(),
                "variances": str(settings["variances"]),
            }
        )
    return texts


@contextlib.contextmanager
def staged(folder: Path, name: str) -> Iterator[Path]:
    """Give a path to write ``name.xml`` and ``name.bin`` to; both become real at the end, or neither does.

    Raises
    ------
    EnvironmentSetupError
        If the folder cannot be written to, or the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder))
    except OSError as error:
        raise _cannot_write(folder, error) from error
    try:
        yield staging / f"{name}.xml"
        xml = folder / f"{name}.xml"
        # The .xml is what readers open: it is never there without the .bin that belongs to it.
        xml.unlink(missing_ok=True)
        (staging / f"{name}.bin").replace(xml.with_suffix(".bin"))
        (staging / f"{name}.xml").replace(xml)
    except (OSError, RuntimeError) as error:
        raise _cannot_write(folder, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _cannot_write(folder: Path, error: Exception) -> EnvironmentSetupError:
    return EnvironmentSetupError("The model cannot be written", where=folder, got=str(error).splitlines()[-1])


def _dump(folder: Path, plan: Plan) -> list[Path]:
    """Write the edited graph and the drawings of what was replaced."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        graph = folder / "edited.pb"
        write_graph(plan.graph, graph)
        written = [graph]
        for name, svg in plan.drawings.items():
            path = folder / f"{name}.svg"
            path.write_text(svg, encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return written


def _lines(data: dict[str, Any]) -> Iterator[str]:
    """The account for people."""
    yield f"Configuration: {data['configuration']} ({data['configuration_reason']})"
    for each in data["replacements"]:
        scope = f" in {each['scope']}" if each["scope"] else ""
        counts = ", ".join(f"{each[name]} {name}" for name in ("matched", "removed", "added"))
        yield f"{each['replacer']}{scope}: {counts}"
        for kind in ("inputs", "outputs"):
            yield from (f"    {kind[:-1]} {index}: {place}" for index, place in enumerate(each[kind]))
    for name, setting in data["settings"].items():
        yield f"{name}: {setting['value']} ({setting['origin']})"
    yield from (f"Note: {note}" for note in data["notes"])
    for path in data.get("dumped", []):
        yield f"Dumped: {path}"
    if "xml" in data:
        model = data["model"]
        for name, shape in (*model["inputs"].items(), *model["outputs"].items()):
            yield f"{name}: {shape}"
        yield f"Written: {data['xml']}, {data['bin']} ({data['data_type']}, {model['operations']} operations)"

"""The whole conversion: a frozen TensorFlow graph in, OpenVINO's IR out, and an account of every decision.

Nothing is printed here; what there is to say is in the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ckssd.graph.account import explained, lines, meta
from ckssd.graph.graphdef import sha256_of
from ckssd.graph.options import Options
from ckssd.graph.plan import Plan, make_plan
from ckssd.graph.settings import NMS, NONE, Setting
from ckssd.graph.ssd.limits import DROPPED
from ckssd.graph.writing import dump, staged

if TYPE_CHECKING:
    from ckssd.graph.emission import Limits


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
    data = explained(options, plan)
    if options.dump is not None:
        data["dumped"] = [str(path) for path in dump(options.dump, plan.graph, plan.drawings)]
    if not options.dry_run:
        data.update(_emit(options, plan))
    return Converted(data, tuple(lines(data)))


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
    classes = emission.classes_of(model)
    kind = settings["postprocessing"].value if "postprocessing" in settings else None
    if kind == NONE:
        model = emission.without_detection_output(model, plan.graph.source)
    elif kind == NMS:
        model = emission.with_nms(model, _limits(settings), plan.graph.source)
    emission.set_meta(model, meta(options, plan, classes, digest))
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


def _limits(settings: Mapping[str, Setting]) -> Limits:
    from ckssd.graph.emission import Limits

    return Limits(
        score_threshold=float(settings["confidence_threshold"].value),
        iou_threshold=float(settings["nms_threshold"].value),
        per_class=int(settings["detections_per_class"].value),
        total=int(settings["keep_top_k"].value),
        soft_sigma=float(settings["soft_nms_sigma"].value),
        class_agnostic=bool(settings["class_agnostic"].value),
        drops_empty=settings["boxes_without_area"].value == DROPPED,
    )

"""What a conversion decided and did: as plain data, as lines for people, and as the IR's own meta data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ckssd
from ckssd.graph.applying import Applied
from ckssd.graph.match import Port
from ckssd.graph.options import Options
from ckssd.graph.plan import Plan
from ckssd.graph.settings import NMS, NONE


def explained(options: Options, plan: Plan) -> dict[str, Any]:
    """Return what was decided, as plain data."""
    return {
        "input_model": str(options.source),
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


def meta(options: Options, plan: Plan, classes: int | None, digest: str) -> dict[str, str]:
    """Return what the IR says about itself in ``rt_info/ckssd``: how to feed and read it, and its origin."""
    settings = {name: each.value for name, each in plan.context.settings.items()}
    texts = {
        "layout": "NHWC",
        "channel_order": "BGR" if options.reverse_input_channels else "RGB",
        "input_range": str(settings.get("input_range", "0,255")),
        "configuration": plan.configuration.name,
        "source": options.source.name,
        "source_sha256": digest,
        "ckssd_version": ckssd.__version__,
    }
    if "resizer" in settings:
        texts["resizer"] = str(settings["resizer"])
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
    if classes is not None and settings.get("postprocessing") in (NMS, NONE):
        texts["postprocessing"] = settings["postprocessing"]
        texts["detections_per_class"] = str(settings["detections_per_class"])
    if classes is not None and settings.get("postprocessing") == NMS:
        texts["soft_nms_sigma"] = str(settings["soft_nms_sigma"])
        texts["class_agnostic"] = str(settings["class_agnostic"]).lower()
    return texts


def lines(data: dict[str, Any]) -> Iterator[str]:
    """Give the account line by line."""
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

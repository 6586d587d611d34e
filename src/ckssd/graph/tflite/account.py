"""What the swap decided and did: as plain data, and as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ckssd.graph.tflite.plan import TFLiteGraph


def explained(made: TFLiteGraph) -> dict[str, Any]:
    """Return what was decided, as plain data."""
    context = made.context
    return {
        "configuration": made.selected.configuration.name,
        "configuration_reason": made.selected.reason,
        "nms": context.wanted.nms,
        "settings": {
            name: {"value": each.value, "origin": each.origin} for name, each in context.settings.items()
        },
        "notes": list(context.notes),
        "anchors": len(made.anchors),
        "nodes": len(made.graph),
        "outputs": list(made.outputs),
    }


def lines(data: dict[str, Any]) -> Iterator[str]:
    """Give the account line by line."""
    yield f"Configuration: {data['configuration']} (chosen: {data['configuration_reason']})"
    yield f"nms: {data['nms']}"
    for name, setting in data["settings"].items():
        yield f"{name}: {setting['value']} ({setting['origin']})"
    yield f"anchors: {data['anchors']} (graph, folded to a constant)"
    yield from (f"Note: {note}" for note in data["notes"])

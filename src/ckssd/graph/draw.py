"""Draws a matched part as SVG: its inputs above, its nodes by scope and operation, its outputs below."""

from __future__ import annotations

from collections import Counter
from xml.sax.saxutils import escape

from ckssd.graph.graph import Graph
from ckssd.graph.match import SubgraphMatch

WIDTH, BOX_WIDTH, BOX_HEIGHT, GAP = 1100, 340, 40, 20
LINE = 16
STYLE = (
    "text{font:12px sans-serif}.tensor{fill:#e8f0fe;stroke:#4a6fa5}.part{fill:#fdf6e3;stroke:#b58900}"
    ".point{fill:#e6f4ea;stroke:#2e7d32}.arrow{stroke:#666;marker-end:url(#tip)}"
)
TIP = (
    '<marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#666"/></marker>'
)
MOST_ROWS = 24


def drawing(graph: Graph, match: SubgraphMatch) -> dict[str, str]:
    """Return a file name (without ending) for the part, and its drawing."""
    name = match.custom_replacement_desc.id + (
        "-" + match.scope.strip("/").replace("/", "-") if match.scope else ""
    )
    return {name: draw(graph, match)}


def draw(graph: Graph, match: SubgraphMatch) -> str:
    """Return an SVG: input tensors, the nodes that read them, what is in between, and the output nodes."""
    columns = max(len(match.inputs), len(match.outputs), 1)
    step = BOX_WIDTH + GAP
    width = max(WIDTH, columns * step + GAP)
    rows = _summary(match)
    parts, top = [], GAP + LINE
    parts.append(_text(GAP, LINE, f"{match.custom_replacement_desc.id}: {len(match.nodes)} nodes"))
    part_top = top + 2 * (BOX_HEIGHT + 2 * GAP)
    part_height = LINE * (len(rows) + 1)
    bottom = part_top + part_height + 2 * GAP
    for index, readers in enumerate(match.inputs):
        left = GAP + index * step
        node, port = readers[0]
        tensor = node.inputs[port]
        parts.append(_box("tensor", left, top, f"input {index}", str(tensor)))
        names = node.name + (f" and {len(readers) - 1} more" if len(readers) > 1 else "")
        parts.append(_box("point", left, top + BOX_HEIGHT + 2 * GAP, f"{node.op}, port {port}", names))
        parts.append(_arrow(left, top + BOX_HEIGHT, 2 * GAP))
        parts.append(_arrow(left, top + 2 * BOX_HEIGHT + 2 * GAP, 2 * GAP))
    parts.append(
        f'<rect class="part" x="{GAP}" y="{part_top}" width="{width - 2 * GAP}" height="{part_height}"/>'
    )
    parts += [_text(2 * GAP, part_top + LINE * (index + 1), row) for index, row in enumerate(rows)]
    for index, place in enumerate(match.outputs):
        left = GAP + index * step
        parts.append(_arrow(left, part_top + part_height, 2 * GAP))
        label = place[0].name if place else "not in the graph: nobody reads it"
        parts.append(_box("point", left, bottom, f"output {index}", label))
    height = bottom + BOX_HEIGHT + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f"<style>{STYLE}</style><defs>{TIP}</defs>{''.join(parts)}</svg>\n"
    )


def _summary(match: SubgraphMatch) -> list[str]:
    """One line for each scope: how many nodes of which operations."""
    scopes: dict[str, Counter[str]] = {}
    for node in match.nodes.values():
        scopes.setdefault("/".join(node.name.split("/")[:-1][:3]), Counter())[node.op] += 1
    rows = []
    for scope, operations in scopes.items():
        most = ", ".join(f"{count} {op}" for op, count in operations.most_common(6))
        more = f", … ({sum(operations.values())} nodes)" if len(operations) > 6 else ""
        rows.append(f"{scope or '(no scope)'}: {most}{more}")
    if len(rows) > MOST_ROWS:
        rows = [*rows[:MOST_ROWS], f"… and {len(rows) - MOST_ROWS} more scopes"]
    return rows


def _box(kind: str, left: int, top: int, title: str, text: str) -> str:
    shown = text if len(text) <= 52 else f"{text[:24]}…{text[-27:]}"
    rect = f'<rect class="{kind}" x="{left}" y="{top}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="4"/>'
    return rect + _text(left + 8, top + LINE, title) + _text(left + 8, top + 2 * LINE, shown, full=text)


def _text(left: int, top: int, text: str, full: str = "") -> str:
    title = f"<title>{escape(full)}</title>" if full else ""
    return f'<text x="{left}" y="{top}">{title}{escape(text)}</text>'


def _arrow(left: int, top: int, length: int) -> str:
    middle = left + BOX_WIDTH // 2
    return f'<path class="arrow" d="M{middle} {top}v{length}"/>'

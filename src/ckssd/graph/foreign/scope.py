"""Takes off the scope that a whole model stands in, so that its nodes have the names that they were given.

TensorFlow 2 puts what a SavedModel computes below ``StatefulPartitionedCall/``, ``tf.import_graph_def`` what
it reads below ``import/``.
"""

from __future__ import annotations

import re

from ckssd.graph.graph import Graph

_POSTPROCESSOR = re.compile(r"(?P<scope>(?:[^/]+/)*?)Postprocessor/")


def scope_of(graph: Graph) -> str | None:
    """Return the scope that the Postprocessor stands in, empty for none; None without a Postprocessor."""
    found = (_POSTPROCESSOR.match(node.name) for node in graph)
    return min({match["scope"] for match in found if match}, key=len, default=None)


def take_off_scope(graph: Graph, scope: str) -> None:
    """Rename the nodes of a scope; one whose shorter name is taken gets a number at its end."""
    graph.rename_all(
        {node.name: node.name.removeprefix(scope) for node in graph if node.name.startswith(scope)}
    )
    graph.scope = scope

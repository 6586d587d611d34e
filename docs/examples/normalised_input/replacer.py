"""A replacer of one's own: the IR takes pixels that are normalised already, -1 to 1, as TFLite models do."""

from __future__ import annotations

from collections.abc import Mapping

from ckssd.graph.graph import Graph
from ckssd.graph.match import SubgraphMatch
from ckssd.graph.replacement import Place, SubGraph
from ckssd.graph.settings import Setting
from ckssd.graph.ssd.preprocessor import PreprocessorReplacement


class NormalisedInput(PreprocessorReplacement):
    """Takes the whole Preprocessor block out, its arithmetic included."""

    replacement_id = "NormalisedInput"
    replacement_aliases = ()

    def generate_sub_graph(self, graph: Graph, match: SubgraphMatch) -> SubGraph:
        """Fix the input's type and size as the base class does; the only new node passes images on."""
        super().generate_sub_graph(graph, match)
        self.context.settings["input_range"] = Setting("-1,1", "NormalisedInput")
        return {"images": graph.add("Identity", "normalised_images", [None])}

    def input_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        """The new node reads what the block's first node read: the image tensor."""
        node, port = match.input_nodes(0)[0]
        return {(node.id, port): "images"}

    def output_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        """Who read the block's output reads the new node."""
        node, port = match.output_node(0)
        return {(node.id, port): "images"}

    def nodes_to_remove(self, graph: Graph, match: SubgraphMatch) -> list[str]:
        """All of the block."""
        return match.matched_nodes_names()

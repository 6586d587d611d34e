"""Configurations as OpenVINO shipped them for TensorFlow 2, read as this project's own for the same graphs.

They name nodes below ``StatefulPartitionedCall/`` and of a loop that Model Optimizer turned into something
else first. Here the graph is brought into another form, in which a shipped configuration fits; what counts of
the file are the attributes of its Postprocessor.
"""

from __future__ import annotations

import dataclasses

from ckssd.graph.configuration import SHIPPED, Configuration, PointsReplacement
from ckssd.graph.graph import Graph
from ckssd.graph.select import select_configuration

PREPROCESSOR = "ObjectDetectionAPIPreprocessor2Replacement"
OURS = ("ssd_support_api_v2.0.json", "ssd_support_api_v2.4.json")
# Of Model Optimizer's own way to make anchors; here they are the graph's.
WITHOUT_EFFECT = ("disable_prior_boxes_layers_generator",)


def is_public_form(configuration: Configuration) -> bool:
    """Whether a configuration is one of OpenVINO 2021 and 2022 for TensorFlow 2."""
    return any(each.id == PREPROCESSOR for each in configuration.replacements)


def as_ours(configuration: Configuration, graph: Graph) -> tuple[Configuration, str]:
    """Return the shipped configuration that fits the graph, with the file's attributes; and its name."""
    ours = select_configuration(graph, [SHIPPED / name for name in OURS]).configuration
    stated = {
        name: value
        for each in configuration.points
        for name, value in each.custom_attributes.items()
        if name not in WITHOUT_EFFECT
    }
    replacements = tuple(
        dataclasses.replace(each, custom_attributes={**each.custom_attributes, **stated})
        if isinstance(each, PointsReplacement)
        else each
        for each in ours.replacements
    )
    return Configuration(configuration.path, replacements), ours.name

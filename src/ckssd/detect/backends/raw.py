"""What backends of graphs without postprocessing share: NMS is this project's own, whatever runs the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ckssd.detect.backends import Detector, PostProcessing
from ckssd.detect.network_input import NetworkInput, keeping_aspect
from ckssd.detect.own_nms import (
    BY,
    NetworkFile,
    OwnPostprocessing,
    check_outputs,
    files_of,
    own_postprocessing,
)
from ckssd.detect.scores import scores_of
from ckssd.model.description import Model


@dataclass(frozen=True)
class RawGraph:
    """A graph that ends in box encodings [1, A, 4] and class predictions [1, A, C], as its runtime reads it.

    ``activation``: what the predictions went through in the graph, None if nothing. ``libraries``: see
    Backend. ``detector``: loads it once more, with the postprocessing and threads for the network.
    """

    outputs: NetworkFile
    input: NetworkInput
    activation: str | None
    precision: str
    libraries: tuple[str, ...]
    detector: Callable[[OwnPostprocessing, int], Detector]


class RawBackend:
    """See Backend and Sweepable.

    Raises
    ------
    InputError
        The graph's outputs do not fit the anchors or the number of classes.
    UsageError
        Nothing says how its outputs become scores.
    """

    def __init__(self, model: Model, graph: RawGraph, own: OwnPostprocessing | None = None) -> None:
        self._model, self._graph = model, graph
        scores = scores_of(model, graph.activation)
        self._own = own or own_postprocessing(model, scores)
        options = self._own.options[0]
        check_outputs(graph.outputs, self._own.anchors, options)
        self.files = files_of(model)
        self.input = keeping_aspect(graph.input, model.file)
        self.notes = model.notes
        self.num_classes = options.num_classes
        self.precision = graph.precision
        self.libraries = graph.libraries
        self.postprocessing = PostProcessing.from_options(
            options, by=BY + scores.describe(), custom_settings=model.custom is not None
        )

    def new_detector(self, threads: int) -> Detector:
        """Load the network once more; anchors are shared."""
        return self._graph.detector(self._own, threads)

    def swept(self, score_threshold: float, nms_ious: Sequence[float]) -> RawBackend:
        """See Sweepable."""
        own = self._own.with_thresholds(score_threshold, tuple(nms_ious))
        return RawBackend(self._model, self._graph, own)

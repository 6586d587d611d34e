"""Postprocessing settings drawn at random: IR and TFLite find what TensorFlow finds, or refuse it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckssd.detect.backends import open_backend
from ckssd.detect.detections import Detections
from ckssd.errors import InputError
from ckssd.graph.graphdef import read_graph, write_graph
from ckssd.graph.mo import convert
from ckssd.graph.options import from_mapping, options_from
from ckssd.graph.settings import DETECTION_OUTPUT
from ckssd.model.description import Model
from ckssd.tflite.convert import Conversion
from ckssd.tflite.export import GRAPH
from ckssd.tflite.from_frozen import export_frozen
from ckssd.tflite.process import run_steps
from tests.e2e.test_equality import variables
from tests.e2e.test_postprocessing import classes_as_floats
from tests.support.agreement import compare
from tests.support.frozen_graphs import freeze, noise_images, run_frozen_graphs
from tests.support.sandbox import Sandbox
from tests.support.ssd_models import SHAPES

pytestmark = [pytest.mark.full, pytest.mark.usefixtures("object_detection_api")]

CASES, IMAGES, SIZE = 12, 4, 300
LEAST = 0.02  # scores below it are too many and too near to each other to be told apart


@dataclass(frozen=True)
class Settings:
    """What a pipeline.config says of its postprocessing."""

    converter: str
    logit_scale: float
    score: float
    iou: float
    per_class: int
    total: int
    static_shapes: bool
    sigma: float
    class_agnostic: bool

    def override(self) -> str:
        """The text that is merged into the configuration."""
        nms = (
            f"score_threshold: {self.score} iou_threshold: {self.iou} max_total_detections: {self.total}"
            f" max_detections_per_class: {self.per_class} soft_nms_sigma: {self.sigma}"
            f" use_static_shapes: {str(self.static_shapes).lower()}"
            f" use_class_agnostic_nms: {str(self.class_agnostic).lower()}"
        )
        scores = f"score_converter: {self.converter} logit_scale: {self.logit_scale}"
        return f"model {{ ssd {{ post_processing {{ {scores} batch_non_max_suppression {{ {nms} }} }} }} }}"


def drawn(draws: np.random.Generator) -> Settings:
    """Settings that the exporter takes: no soft NMS with static shapes, no more of a class than in all."""
    total = int(draws.choice([1, 10, 100, 300]))
    static = bool(draws.integers(0, 2))
    return Settings(
        converter=str(draws.choice(["SIGMOID", "SOFTMAX", "IDENTITY"])),
        logit_scale=float(draws.choice([1.0, 0.5, 2.0])),
        score=float(draws.choice([1e-8, 0.05, 0.3])),
        iou=float(draws.choice([0.05, 0.3, 0.6, 0.9, 1.0])),
        per_class=int(draws.choice([1, 5, 100, total]))
        if total == 100
        else min(total, int(draws.integers(1, 301))),
        total=total,
        static_shapes=static,
        sigma=0.0 if static else float(draws.choice([0.0, 0.0, 0.1, 0.7])),
        class_agnostic=bool(draws.integers(0, 3) == 0),
    )


@dataclass(frozen=True)
class Made:
    """Interpreter with TensorFlow; by the name of a case its graph, settings, TensorFlow's detections."""

    python: Path
    graphs: dict[str, Path]
    settings: dict[str, Settings]
    expected: dict[str, dict[str, Detections]]


@pytest.fixture(scope="module")
def made(installed: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("hostile")
    python = Path(variables(installed, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"])
    api = Path(variables(installed, "model,tensorflow,api")["CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"])
    draws = np.random.default_rng(2026)
    settings = {f"case {index}": drawn(draws) for index in range(CASES)}
    graphs = {name: folder / f"{name}.pb" for name in settings}
    freeze(python, api, {graphs[name]: (SHAPES, each.override()) for name, each in settings.items()})
    runnable = {}
    for name, path in graphs.items():
        graph = read_graph(path)
        classes_as_floats(graph)
        runnable[name] = folder / f"{name}, mended.pb"
        write_graph(graph, runnable[name])
    expected = run_frozen_graphs(python, runnable, noise_images(IMAGES, SIZE, 5), folder)
    return Made(python, graphs, settings, expected)


def check(name: str, made: Made, model: Model) -> int:
    """Compare on all images; how many detections were."""
    backend = open_backend(model)
    detector = backend.new_detector(1)
    settings = made.settings[name]
    pairs = [
        (image, detector.detect(backend.input.feed(pixels)), made.expected[name][image])
        for image, pixels in noise_images(IMAGES, SIZE, 5).items()
    ]
    agreement = compare(pairs, threshold=max(settings.score, LEAST), keep=settings.total)
    assert agreement.untied == [], f"{name}: {settings}"
    return agreement.compared


def test_an_ir_finds_what_tensorflow_finds(made: Made, tmp_path: Path) -> None:
    compared, kinds = 0, set()
    for name, graph in made.graphs.items():
        flags: dict[str, Any] = {"input_model": str(graph), "output_dir": str(tmp_path / name)}
        settings = made.settings[name]
        kind = convert(options_from(from_mapping({**flags, "dry_run": True}))).data["settings"][
            "postprocessing"
        ]
        if kind["value"] == DETECTION_OUTPUT:  # the configuration states others, as Model Optimizer did
            flags["confidence_threshold"] = str(settings.score)
            flags["nms_threshold"] = str(settings.iou)
            flags["keep_top_k"] = str(settings.total)
        done = convert(options_from(from_mapping(flags)))
        compared += check(name, made, Model("openvino", Path(done.data["xml"])))
        kinds.add(kind["value"])
    assert len(kinds) == 2
    assert compared > 5 * CASES


def test_tflite_finds_what_tensorflow_finds_or_refuses_it(made: Made, tmp_path: Path) -> None:
    steps, models = [], {}
    for name, graph in made.graphs.items():
        settings, output = made.settings[name], tmp_path / name
        nms = "fast" if settings.class_agnostic else "regular"
        if settings.sigma:
            with pytest.raises(InputError, match="soft NMS"):
                export_frozen(graph, output, nms=nms)
            continue
        export_frozen(graph, output, nms=nms)
        models[name] = Model("litert", output / "detect.tflite", nms=nms)
        steps.append(Conversion(models[name].file).as_step(output / GRAPH))
    run_steps(made.python, steps)
    assert len(models) > CASES / 2
    compared = 0
    for name, model in models.items():
        if made.settings[name].converter == "IDENTITY":  # class outputs of any size are no scores
            with pytest.raises(InputError, match="class outputs are no scores"):
                check(name, made, model)
        else:
            compared += check(name, made, model)
    assert compared > 5 * len(models)

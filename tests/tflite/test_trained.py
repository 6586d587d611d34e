"""What a conversion of a graph trained with quantisation is asked for, and which graphs are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino
import pytest

from ckssd.errors import EnvironmentSetupError, InputError, UsageError
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import write_graph
from ckssd.graph.node import Output
from ckssd.graph.pipeline import read_pipeline
from ckssd.tflite.from_frozen import export_frozen
from ckssd.tflite.trained import (
    Levels,
    check_rewriter,
    check_trained_quantised,
    is_trained_quantised,
    levels_from,
)
from tests.graph.test_mo import converted, pixels, run
from tests.graph.tiny_ssd import tiny_ssd

UINT8 = {"INFERENCE_TYPE": "QUANTIZED_UINT8"}
LIMITS = {"confidence_threshold": 0.0, "nms_threshold": 1.0, "keep_top_k": 100}


def quantised() -> Graph:
    """The tiny SSD with one node that quantises: class predictions are multiples of 4 / 255."""
    graph = tiny_ssd()
    ends = [
        graph.add_constant(name, np.array(value, np.float32)) for name, value in (("min", -2), ("max", 2))
    ]
    node = graph.add(
        "FakeQuantWithMinMaxVars", "act_quant", [None, *ends], {"num_bits": 8, "narrow_range": False}
    )
    graph.redirect(Output("concat_1"), Output(node.name))
    graph.connect(Output("concat_1"), node, 0)
    return graph


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        ({"INFERENCE_TYPE": "FLOAT", "MEAN_VALUES": ""}, None),
        (UINT8, Levels(128.0, 128.0)),
        ({**UINT8, "MEAN_VALUES": "127.5", "STD_DEV_VALUES": " 127.5"}, Levels(127.5, 127.5)),
    ],
)
def test_what_the_variables_ask_for(given: dict[str, str], expected: Levels | None) -> None:
    assert levels_from(given) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"INFERENCE_TYPE": "int4"},
            "Unknown inference type: INFERENCE_TYPE .*FLOAT or QUANTIZED_UINT8.*int4",
        ),
        ({"MEAN_VALUES": "128"}, "MEAN_VALUES goes with quantised inference"),
        ({**UINT8, "MEAN_VALUES": "128,128"}, "Bad number: MEAN_VALUES"),
        ({**UINT8, "MEAN_VALUES": "300"}, "Bad number: MEAN_VALUES"),
        ({**UINT8, "STD_DEV_VALUES": "0"}, "Bad number: STD_DEV_VALUES"),
        ({**UINT8, "STD_DEV_VALUES": "nan"}, "Bad number: STD_DEV_VALUES"),
    ],
)
def test_what_makes_no_sense_names_the_variable(given: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        levels_from(given)


def test_a_graph_keeps_what_its_training_says_on_the_way_to_tflite(tmp_path: Path) -> None:
    write_graph(quantised(), tmp_path / "frozen.pb")
    graph = export_frozen(tmp_path / "frozen.pb", tmp_path / "out").files[0]
    assert is_trained_quantised(graph)
    check_trained_quantised(graph)


def test_a_graph_trained_in_float_is_refused(tmp_path: Path) -> None:
    write_graph(tiny_ssd(), tmp_path / "float.pb")
    with pytest.raises(InputError, match=r"was not trained with quantisation.*--quantize int8"):
        check_trained_quantised(tmp_path / "float.pb")


def test_an_ir_quantises_as_the_graph_does(tmp_path: Path) -> None:
    done = converted(quantised(), tmp_path, overrides=LIMITS)
    types = [each.get_type_name() for each in openvino.Core().read_model(done.data["xml"]).get_ops()]
    assert types.count("FakeQuantize") == 1
    scores = run(done, pixels())[:, 2].astype(np.float64)
    steps = np.log(scores / (1 - scores)) * 255 / 4
    np.testing.assert_allclose(steps, steps.round(), atol=1e-3)


def write_config(folder: Path, more: str) -> Path:
    path = folder / "pipeline.config"
    path.write_text(f"model {{ ssd {{ num_classes: 1 }} }} {more}")
    return path


def test_a_checkpoint_trained_so_needs_a_tensorflow_that_rewrites_its_graph(tmp_path: Path) -> None:
    rewritten = read_pipeline(write_config(tmp_path, "graph_rewriter { quantization { delay: 0 } }"))
    python = tmp_path / "bin" / "python"
    packages = tmp_path / "lib" / "python3.7" / "site-packages" / "tensorflow_core"
    packages.mkdir(parents=True)
    with pytest.raises(EnvironmentSetupError, match=r"TensorFlow 1\.13 to 1\.15.*--frozen_graph"):
        check_rewriter(rewritten, python)
    (packages / "contrib").mkdir()
    check_rewriter(rewritten, python)
    (packages / "contrib").rmdir()
    check_rewriter(read_pipeline(write_config(tmp_path, "")), python)

"""What the Object Detection API of 2022 needs: imports when they are used, and the world chosen first."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ckssd.tflite import odapi, odapi_2022
from tests.support.inside import load_inside

TWO_NAMES = """if tf2:
  try:
    from official.legacy.efficientnet import efficientnet_model
  except ModuleNotFoundError:
    from official.vision.efficientnet import efficientnet_model
x = 1
"""


@pytest.mark.parametrize(
    ("text", "name", "asked"),
    [
        ("  import tensorflow_io as tfio  # pylint: x\n", "tfio", '"tensorflow_io")'),
        ("import scipy.io\n", "scipy", '"scipy")'),
        (
            "from scipy.optimize import linear_sum_assignment\n",
            "linear_sum_assignment",
            '"scipy.optimize").linear_sum_assignment',
        ),
        (
            "  from official.modeling.optimization import ema_optimizer\n",
            "ema_optimizer",
            '"official.modeling.optimization.ema_optimizer")',
        ),
        (
            "from object_detection.metrics import lvis_evaluation\n",
            "lvis_evaluation",
            '"object_detection.metrics.lvis_evaluation")',
        ),
    ],
)
def test_what_no_ssd_needs_is_imported_when_it_is_used(text: str, name: str, asked: str) -> None:
    indent = text[: len(text) - len(text.lstrip())]
    changed = odapi_2022.import_when_used(text)
    assert changed.splitlines() == [
        f"{indent}from object_detection import ckssd_optional",
        f"{indent}{name} = ckssd_optional.module({asked}",
    ]
    assert odapi_2022.import_when_used(changed) == changed


def test_an_import_under_two_names_asks_for_both() -> None:
    changed = odapi_2022.import_when_used(TWO_NAMES)
    ast.parse(changed)
    assert '("official.legacy.efficientnet.efficientnet_model", "official.vision' in changed
    assert "try:" not in changed


def test_other_imports_stay() -> None:
    text = (
        "import numpy as np\nimport tensorflow.compat.v1 as tf\nfrom object_detection.metrics import coco\n"
    )
    assert odapi_2022.import_when_used(text) == text


def test_a_missing_package_is_named_when_it_is_used_and_not_before() -> None:
    optional = load_inside("odapi_optional")
    absent = optional.module("no_such_package.part", "no_such_package_either")
    deeper = absent.Class.method
    with pytest.raises(ImportError, match=r"no_such_package\.part\.Class\.method is needed here"):
        deeper(1, key=2)
    assert optional.module("no_such_package", "json").dumps([1]) == "[1]"


def test_programs_begin_with_their_world() -> None:
    for line in ("import tensorflow.compat.v1 as tf", "import tensorflow as tf"):
        first = odapi_2022.begin_with_tensorflow_1(f"import os\n{line}\n")
        assert first == "import os\nfrom object_detection.ckssd_compat import tf\n"
    second = odapi_2022.begin_with_keras_2("import tensorflow.compat.v2 as tf\n")
    assert second.index("TF_USE_LEGACY_KERAS") < second.index("import tensorflow")
    assert odapi_2022.begin_with_keras_2(second) == second


def test_only_programs_are_given_a_world(tmp_path: Path) -> None:
    folder = tmp_path / "object_detection"
    folder.mkdir()
    for name in ("export_tflite_ssd_graph.py", "exporter.py"):
        (folder / name).write_bytes(b"import tensorflow.compat.v1 as tf\r\nx = 1\r\n")
    for name in ("export_tflite_graph_tf2.py", "export_tflite_graph_lib_tf2.py"):
        (folder / name).write_bytes(b"import tensorflow.compat.v2 as tf\r\n")
    changed = {patch.file for patch in odapi.prepare_object_detection_api(tmp_path) if patch.sha256_before}
    assert changed == {
        "object_detection/export_tflite_ssd_graph.py",
        "object_detection/export_tflite_graph_tf2.py",
    }
    assert (folder / "ckssd_optional.py").is_file()
    assert odapi.prepare_object_detection_api(tmp_path) == []


def test_a_source_of_tensorflow_1_alone_is_none_of_both_worlds(tmp_path: Path) -> None:
    (tmp_path / "object_detection").mkdir()
    for name in ("export_tflite_ssd_graph.py", "export_tflite_graph_tf2.py"):
        (tmp_path / "object_detection" / name).write_text("import tensorflow as tf\n")
    assert not odapi_2022.has_two_worlds(tmp_path)


class Tensor:
    """One output of an operation; equal to itself only."""

    def __init__(self, op: Any) -> None:
        self.op = op


class Operation:
    """An operation as far as patterns look at it."""

    def __init__(self, kind: str, *inputs: Operation) -> None:
        self.type = kind
        self.inputs = [each.outputs[0] for each in inputs]
        self.outputs = [Tensor(self)]


operation = Operation


class TestMatcher:
    """As ``tensorflow.contrib.quantize.python.graph_matcher`` where the exporters use it."""

    matcher = load_inside("odapi_matcher")

    def test_inputs_match_in_any_order_where_it_says_so(self) -> None:
        image, number = operation("Relu"), operation("Const")
        product = operation("Mul", number, image)
        inner = self.matcher.OpTypePattern("*")
        for ordered, found in ((True, False), (False, True)):
            pattern = self.matcher.OpTypePattern("Mul", inputs=[inner, "Const"], ordered_inputs=ordered)
            match = self.matcher.GraphMatcher(pattern).match_op(product)
            assert (match is not None) is found
        assert match.get_op(inner) is image
        assert match.get_tensor(inner) is image.outputs[0]
        assert match.get_op(pattern) is product

    def test_one_pattern_is_one_tensor(self) -> None:
        one, other = operation("Relu"), operation("Relu")
        inner = self.matcher.OpTypePattern("*")
        pattern = self.matcher.OpTypePattern("Pack", inputs=[inner, inner])
        matcher = self.matcher.GraphMatcher(pattern)
        assert matcher.match_op(operation("Pack", one, one)) is not None
        assert matcher.match_op(operation("Pack", one, other)) is None
        assert matcher.match_op(operation("Pack", one)) is None

    def test_the_first_of_several_that_matches(self) -> None:
        either = self.matcher.OneofPattern(
            [self.matcher.OpTypePattern("Sub"), self.matcher.OpTypePattern("Add|AddV2")]
        )
        pattern = self.matcher.OpTypePattern("Reshape", inputs=[either])
        ops = [operation("Reshape", operation(kind)) for kind in ("Add", "Mul", "Sub")]
        graph = SimpleNamespace(get_operations=lambda: ops)
        found = list(self.matcher.GraphMatcher(pattern).match_graph(graph))
        assert [match.get_op(pattern) for match in found] == [ops[0], ops[2]]

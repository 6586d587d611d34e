"""What the Object Detection API of 2022 needs to run on today's TensorFlow.

It has both worlds in one source and asks TensorFlow which of them it is in (``utils/tf_version.py``). So its
programs for TensorFlow 1 switch TensorFlow 2 to that behaviour first, those for TensorFlow 2 only choose
Keras 2; all other files stay, but for imports that only other architectures and metrics need.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

EXPORTER_V2 = "object_detection/export_tflite_graph_tf2.py"
_PACKAGE = "object_detection/"
_FOR_TENSORFLOW_1 = (
    "export_inference_graph.py",
    "export_tflite_ssd_graph.py",
    "model_main.py",
    "model_tpu_main.py",
)
_FOR_TENSORFLOW_2 = ("export_tflite_graph_tf2.py", "exporter_main_v2.py", "model_main_tf2.py")
_REASON_1 = "TensorFlow 2 is made to behave as TensorFlow 1 before anything is imported"
_REASON_2 = "Keras 2, whose classes the API's are, is chosen before TensorFlow is imported"
_REASON_OPTIONAL = "a package that no SSD needs is imported when it is used (object_detection.ckssd_optional)"

_TENSORFLOW = re.compile(r"^import tensorflow(?:\.compat\.v[12])? as tf[ \t]*(?:#.*)?$", re.MULTILINE)
_TENSORFLOW_1_ONLY = re.compile(r"^import tensorflow as tf[ \t]*$", re.MULTILINE)
# What is bound to which name, and the module that it is, in each form in which the source imports it.
_OPTIONAL = tuple(
    re.compile(rf"^(?P<indent>[ \t]*){form}[ \t]*(?:#.*)?$", re.MULTILINE)
    for form in (
        r"import (?P<module>tensorflow_io) as (?P<name>\w+)",
        r"from (?P<module>scipy\.optimize) import (?P<name>(?P<part>linear_sum_assignment))",
        r"from (?P<parent>official\.modeling\.optimization) import (?P<name>ema_optimizer)",
        r"from (?P<parent>object_detection\.metrics) import (?P<name>lvis_evaluation)",
        r"try:\n[ \t]+from (?P<parent>[\w.]+) import (?P<name>efficientnet_model)\n"
        r"[ \t]*except ModuleNotFoundError:\n[ \t]+from (?P<older>[\w.]+) import efficientnet_model",
        r"import (?P<module>(?P<name>scipy))\.io",
    )
)


def has_two_worlds(directory: Path) -> bool:
    """Tell whether a folder with an Object Detection API has one that knows TensorFlow 2, too."""
    return (directory / EXPORTER_V2).is_file() and not _TENSORFLOW_1_ONLY.search(
        (directory / "object_detection" / "export_tflite_ssd_graph.py").read_text(encoding="utf-8")
    )


def changes_of_2022(name: str) -> Iterator[tuple[str, Callable[[str], str]]]:
    """Why and how a file of it is changed; `name` is below the folder that has ``object_detection``."""
    if name in {_PACKAGE + each for each in _FOR_TENSORFLOW_1}:
        yield _REASON_1, begin_with_tensorflow_1
    if name in {_PACKAGE + each for each in _FOR_TENSORFLOW_2}:
        yield _REASON_2, begin_with_keras_2
    yield _REASON_OPTIONAL, import_when_used


def begin_with_tensorflow_1(text: str) -> str:
    """Let a program for TensorFlow 1 take it from the compatibility module."""
    return _TENSORFLOW.sub("from object_detection.ckssd_compat import tf", text)


def begin_with_keras_2(text: str) -> str:
    """Let a program for TensorFlow 2 choose Keras 2 before it imports TensorFlow."""
    chosen = 'import os\n\nos.environ.setdefault("TF_USE_LEGACY_KERAS", "1")\n'
    if chosen in text:
        return text
    return _TENSORFLOW.sub(lambda found: chosen + found.group(), text, count=1)


def import_when_used(text: str) -> str:
    """Import packages that no SSD needs only when something of them is used."""
    for pattern in _OPTIONAL:
        text = pattern.sub(_imported_when_used, text)
    return text


def _imported_when_used(found: re.Match[str]) -> str:
    """The two lines in place of an import that `_OPTIONAL` found."""
    got = found.groupdict()
    names = [got["module"]] if got.get("module") else [f"{got['parent']}.{got['name']}"]
    if got.get("older"):
        names.append(f"{got['older']}.{got['name']}")
    part = f".{got['part']}" if got.get("part") else ""
    name = got["name"]
    listed = ", ".join(f'"{each}"' for each in names)
    indent = got["indent"]
    return (
        f"{indent}from object_detection import ckssd_optional\n"
        f"{indent}{name} = ckssd_optional.module({listed}){part}"
    )

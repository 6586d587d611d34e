"""Prepares an unpacked TensorFlow Object Detection API so that it runs on TensorFlow 1.11 to 2.x.

The source is from 2019/2020: it names parts that TensorFlow 2 removed, message files that today's protobuf
refuses, and types that NumPy 1.24 and 2.0 removed. Each changed file is returned as a `Patch`, so that the
provenance can name it.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from ckssd.errors import InputError
from ckssd.tflite.odapi_2022 import changes_of_2022, has_two_worlds

EXPORTER = "object_detection/export_tflite_ssd_graph.py"
COMPAT_MODULE = "object_detection/ckssd_compat.py"
PROTOS_MODULE = "object_detection/ckssd_protos.py"
MATCHER_MODULE = "object_detection/ckssd_matcher.py"
OPTIONAL_MODULE = "object_detection/ckssd_optional.py"

_PACKAGES = ("object_detection", "nets", "slim/nets")
_ADDED = {
    COMPAT_MODULE: (
        "odapi_compat.py",
        "added: TensorFlow 1 as TensorFlow 2 still has it, with stand-ins for contrib and graph_transforms",
    ),
    PROTOS_MODULE: ("odapi_protos.py", "added: builds message classes from descriptors with any protobuf"),
    MATCHER_MODULE: ("odapi_matcher.py", "added: finds patterns in graphs, as contrib.quantize did"),
}
_ADDED_2022 = {
    OPTIONAL_MODULE: (
        "odapi_optional.py",
        "added: imports what only other architectures need when it is used, and says when it is missing",
    ),
}
_REASON_IMPORT = "TensorFlow is imported through object_detection.ckssd_compat, so that TensorFlow 2 fits too"
_REASON_PROTOS = (
    "message file regenerated from its own descriptor: protobuf 4 and later refuse the old output"
)
_REASON_KEYS = "keys of a dictionary are made a list before one is taken (Python 3)"
_REASON_NUMPY = "names that NumPy removed (np.float, np.NAN) are those that it meant"
_REASON_ARGUMENTS = (
    "fix: the exporter did not pass --detections_per_class on, so that (in releases of before 31 May 2019) "
    "the value of --use_regular_nms took its place"
)

_IMPORT = re.compile(r"^([ \t]*)import tensorflow(?:\.compat\.v1)? as tf[ \t]*$", re.MULTILINE)
_ARGUMENTS = re.compile(
    r"FLAGS\.max_classes_per_detection,(\s*)(?:use_regular_nms=)?FLAGS\.use_regular_nms\)"
)
# Up to NumPy 1.23 they were these types of Python; 2.0 removed NAN, and made np.bool another one.
_NUMPY_TYPES = re.compile(r"\bnp\.(float|int|bool|object|str)\b")
_KEYS = re.compile(r"\b([\w.]+)\.keys\(\)\[")
_NUMPY_NAN = re.compile(r"\bnp\.NAN\b")
# A FileDescriptorProto begins with its name: field 1, one byte of length (names of up to 127 bytes).
_NAME_FIELD = b"\x0a"
_PROTO_IMPORT = re.compile(r"^from object_detection\.protos import \w+ as \w+[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Patch:
    """One file of an installed source that differs from what was downloaded.

    Attributes
    ----------
    file
        Path below the installed directory, with ``/``.
    reason
        Why it was changed, for people.
    sha256_before, sha256_after
        Of the file's bytes; ``sha256_before`` is None for a file that was added.
    """

    file: str
    reason: str
    sha256_before: str | None
    sha256_after: str

    def as_dict(self) -> dict[str, str | None]:
        """The same as plain data, for ``provenance.json``."""
        return asdict(self)


def prepare_object_detection_api(directory: Path, *, apply_fixes: bool = True) -> list[Patch]:
    """Change an unpacked Object Detection API so that it runs on TensorFlow 1.11 to 2.x.

    The seed's own command (``python …/export_tflite_ssd_graph.py …`` with `directory` on PYTHONPATH)
    works afterwards. Running it a second time changes nothing and returns no patch.

    Parameters
    ----------
    directory
        Holds ``object_detection/`` (and ``nets/`` or ``slim/nets/``).
    apply_fixes
        Whether the exporter's argument bug is fixed too; the compatibility patches are always made.

    Returns
    -------
    list of Patch
        One for each changed or added file, sorted by name.

    Raises
    ------
    InputError
        If `directory` holds no Object Detection API, or one of its message files has no descriptor.
    """
    if not (directory / EXPORTER).is_file():
        raise InputError(
            "this is not the Object Detection API", where=directory, expected=f"a file {EXPORTER} in it"
        )
    two_worlds = has_two_worlds(directory)
    patches = []
    for path in _python_files(directory):
        patch = _patch_file(directory, path, apply_fixes, two_worlds)
        if patch:
            patches.append(patch)
    patches += _add_files(directory, {**_ADDED, **_ADDED_2022} if two_worlds else _ADDED)
    return sorted(patches, key=lambda patch: patch.file)


def lacks(site_packages: Path) -> str | None:
    """Name the package beside an environment's TensorFlow without which the API cannot be imported.

    TensorFlow 1 has it inside (``tf.contrib.slim``). ``None``: it is there, or there is no TensorFlow to
    judge by.
    """
    has_contrib = any(
        (site_packages / name / "contrib").is_dir() for name in ("tensorflow", "tensorflow_core")
    )
    if has_contrib or not (site_packages / "tensorflow").is_dir() or (site_packages / "tf_slim").is_dir():
        return None
    return "tf-slim"


def _python_files(directory: Path) -> Iterator[Path]:
    for package in _PACKAGES:
        for path in sorted((directory / package).rglob("*.py")):
            if path.relative_to(directory).as_posix() not in {**_ADDED, **_ADDED_2022}:
                yield path


def _patch_file(directory: Path, path: Path, apply_fixes: bool, two_worlds: bool) -> Patch | None:
    name = path.relative_to(directory).as_posix()
    before = path.read_bytes()
    text = before.decode("utf-8").replace("\r\n", "\n")  # the release of 2022 has both
    reasons = []
    for reason, change in _changes(name, apply_fixes, two_worlds):
        changed = change(text)
        if changed != text:
            text = changed
            reasons.append(reason)
    if not reasons:
        return None
    after = text.encode("utf-8")
    _replace(path, after)
    return Patch(name, "; ".join(reasons), _sha256(before), _sha256(after))


def _changes(name: str, apply_fixes: bool, two_worlds: bool) -> Iterator[tuple[str, Callable[[str], str]]]:
    if name.startswith("object_detection/protos/") and name.endswith("_pb2.py"):
        yield _REASON_PROTOS, lambda text: rewrite_pb2(text, name)
        return
    if two_worlds:
        yield from changes_of_2022(name)
    else:
        yield _REASON_IMPORT, rewrite_tensorflow_import
        yield _REASON_KEYS, index_keys
    yield _REASON_NUMPY, rewrite_numpy_names
    if name == EXPORTER and apply_fixes:
        yield _REASON_ARGUMENTS, pass_detections_per_class


def _add_files(directory: Path, added: Mapping[str, tuple[str, str]]) -> Iterator[Patch]:
    inside = resources.files("ckssd.tflite") / "inside"
    for name, (source, reason) in added.items():
        content = (inside / source).read_bytes()
        path = directory / name
        before = path.read_bytes() if path.exists() else None
        if before != content:
            _replace(path, content)
            yield Patch(name, reason, None if before is None else _sha256(before), _sha256(content))


def _replace(path: Path, content: bytes) -> None:
    """Write a new file in place of `path`: uv's files are hard links to its cache, which must not change."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(content)
    temporary.replace(path)


def rewrite_tensorflow_import(text: str) -> str:
    """Let a module of the API take ``tf`` from the compatibility module."""
    return _IMPORT.sub(r"\1from object_detection.ckssd_compat import tf", text)


def rewrite_numpy_names(text: str) -> str:
    """Name Python's own types, for which NumPy had names too until 1.24, and ``nan`` as it is today."""
    return _NUMPY_NAN.sub("np.nan", _NUMPY_TYPES.sub(r"\1", text))


def index_keys(text: str) -> str:
    """Take an item of a dictionary's keys as Python 3 allows it."""
    return _KEYS.sub(r"list(\1.keys())[", text)


def pass_detections_per_class(text: str) -> str:
    """Let the exporter's ``main`` pass all its flags on (the seed's fix)."""
    return _ARGUMENTS.sub(
        r"FLAGS.max_classes_per_detection, FLAGS.detections_per_class,\1FLAGS.use_regular_nms)", text
    )


def rewrite_pb2(text: str, name: str) -> str:
    """Write a ``_pb2.py`` file anew from the serialized descriptor in it.

    Parameters
    ----------
    text
        Output of protoc: of before 3.20 (``serialized_pb=_b('…')`` or ``serialized_pb=b'…'``) or later
        (``AddSerializedFile(b'…')``).
    name
        The file's name, for the error.

    Raises
    ------
    InputError
        If there is no descriptor in it.
    """
    if "ckssd_protos" in text:
        return text
    source, serialized = _descriptor_in(text, name)
    lines = [
        f'"""Messages of {source}, built from its descriptor (rewritten by ck-ssd)."""',
        "",
        "from object_detection import ckssd_protos",
        *_PROTO_IMPORT.findall(text),
        "",
        "ckssd_protos.define(",
        "    __name__,",
        "    globals(),",
        *(f"    {chunk!r}" for chunk in _chunks(serialized)),
        f"    , {source!r})",
    ]
    return "\n".join(lines) + "\n"


def _chunks(data: bytes, size: int = 60) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _descriptor_in(text: str, name: str) -> tuple[str, bytes]:
    """Find the name and the bytes of the file descriptor in the call that defines it."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "FileDescriptor":
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            source, serialized = _constant(given.get("name")), _constant(given.get("serialized_pb"))
            if isinstance(source, str) and isinstance(serialized, (str, bytes)):
                data = serialized if isinstance(serialized, bytes) else serialized.encode("latin1")
                return source, data
        if isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "AddSerializedFile":
            content = _constant(node.args[0])
            if isinstance(content, bytes) and content[:1] == _NAME_FIELD:
                return content[2 : 2 + content[1]].decode("ascii"), content
    raise InputError(
        "no serialized descriptor in this message file",
        where=name,
        expected="FileDescriptor(name=…, serialized_pb=…) or AddSerializedFile(…)",
    )


def _constant(node: ast.expr | None) -> object:
    """The value of a literal, also inside protoc's ``_b(…)``."""
    if isinstance(node, ast.Call) and len(node.args) == 1:
        node = node.args[0]
    return node.value if isinstance(node, ast.Constant) else None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

"""Reads what a conversion needs from a pipeline.config: protobuf's text format, without its descriptors.

Format: https://protobuf.dev/reference/protobuf/textformat-spec/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.errors import InputError
from ckssd.graph.resizer import AspectResizer

_TOKEN = re.compile(
    r"""(?P<skip>[\s,;]+|\#[^\n]*)|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<mark>[{}<>:\[\]])|(?P<word>[^\s{}<>:\[\],;"'\#]+)"""
)
DEEPEST = 50
_NMS = ("model", "ssd", "post_processing", "batch_non_max_suppression")
# What else the Object Detection API's configurations describe.
OTHER_ARCHITECTURES = {
    "faster_rcnn": "Faster R-CNN",
    "center_net": "CenterNet",
    "experimental_model": "an experimental model",
    "context_rcnn": "Context R-CNN",
    "deepmac_mask_estimation": "DeepMAC",
}
_TRUE = ("true", "True", "t", "1")
Message = dict[str, list[Any]]


@dataclass(frozen=True)
class Pipeline:
    """A pipeline.config: message fields by name, each a list of values (text, or messages)."""

    path: Path
    content: Message

    def value(self, *names: str) -> str | None:
        """Return the last value at this path of field names; None if it is not there."""
        message: Any = self.content
        for name in names:
            values = message.get(name) if isinstance(message, dict) else None
            if not values:
                return None
            message = values[-1]
        return message if isinstance(message, str) else None

    def number(self, *names: str) -> float | None:
        """Return the number at this path, or None; InputError if it is none."""
        text = self.value(*names)
        if text is None:
            return None
        try:
            return float(text)
        except ValueError as error:
            raise InputError(
                "A value of the pipeline configuration is no number",
                where=f"{self.path}, {'.'.join(names)}",
                got=text,
            ) from error

    def image_size(self) -> tuple[int, int] | None:
        """Return height and width of a fixed-shape resizer."""
        resizer = ("model", "ssd", "image_resizer", "fixed_shape_resizer")
        height, width = self.number(*resizer, "height"), self.number(*resizer, "width")
        return None if height is None or width is None else (int(height), int(width))

    def aspect_resizer(self) -> AspectResizer | None:
        """Return the keep-aspect-ratio resizer; None for another one.

        Defaults: Object Detection API, protos/image_resizer.proto.
        """
        resizer = ("model", "ssd", "image_resizer", "keep_aspect_ratio_resizer")
        message: Any = self.content
        for name in resizer:
            values = message.get(name) if isinstance(message, dict) else None
            if not values:
                return None
            message = values[-1]
        least, most = (
            int(self.number(*resizer, name) or default)
            for name, default in (("min_dimension", 600), ("max_dimension", 1024))
        )
        padded = self.value(*resizer, "pad_to_max_dimension") in _TRUE
        listed = message.get("per_channel_pad_value") or ["0"] * 3
        try:
            pad = tuple(float(value) for value in listed)
        except (TypeError, ValueError):
            pad = ()
        if len(pad) != 3:
            raise InputError(
                "The resizer pads with other values than three numbers",
                where=f"{self.path}, {'.'.join(resizer)}.per_channel_pad_value",
                got=listed,
            )
        return AspectResizer(least, most, padded, (pad[0], pad[1], pad[2]))

    def nms(self, name: str) -> float | None:
        """Return a number of the non-maximum suppression."""
        return self.number(*_NMS, name)

    def is_tensorflow_2(self) -> bool:
        """Whether the network is one of Keras, which only the API's exporters for TensorFlow 2 know."""
        kind = self.value("model", "ssd", "feature_extractor", "type")
        return kind is not None and kind.endswith("_keras")

    def class_agnostic_nms(self) -> bool:
        """Whether boxes of all classes suppress each other."""
        return self.value(*_NMS, "use_class_agnostic_nms") in _TRUE


def read_pipeline(path: Path) -> Pipeline:
    """Read a pipeline.config of an SSD model.

    Raises
    ------
    InputError
        If the file cannot be read, is not in text format, or is about another kind of model.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("The pipeline configuration cannot be read", where=path, got=error) from error
    try:
        content = _parse(text)
    except ValueError as error:
        raise InputError(
            "The pipeline configuration is not in protobuf's text format", where=path, got=error
        ) from error
    pipeline = Pipeline(path, content)
    models = content.get("model", [])
    if not models or not isinstance(models[-1], dict) or "ssd" not in models[-1]:
        kind = next(iter(models[-1]), None) if models and isinstance(models[-1], dict) else None
        raise InputError(
            "The pipeline configuration is not that of an SSD",
            where=path,
            expected="model { ssd { … } }",
            got=OTHER_ARCHITECTURES.get(kind, kind) if kind else None,
        )
    return pipeline


def _parse(text: str) -> Message:
    """A text-format message as nested dictionaries."""
    root: Message = {}
    stack: list[tuple[Message, str]] = [(root, "")]
    tokens = _tokens(text)
    while tokens:
        name = tokens.pop()
        if name == stack[-1][1]:
            stack.pop()
            continue
        if not re.fullmatch(r"[A-Za-z_][\w./]*|\[", name):
            raise ValueError(f"{name!r} where a field's name should be")
        mark = _next(tokens)
        if mark == ":":
            mark = _next(tokens)
        if mark in "{<":
            message: Message = {}
            stack[-1][0].setdefault(name, []).append(message)
            stack.append((message, "}" if mark == "{" else ">"))
            if len(stack) > DEEPEST:
                raise ValueError("messages inside messages, too deep")
        else:
            stack[-1][0].setdefault(name, []).extend(_values(mark, tokens))
    if len(stack) > 1:
        raise ValueError(f"{stack[-1][1]!r} is missing at the end")
    return root


def _values(first: str, tokens: list[str]) -> list[str]:
    """One value, or those of a list in brackets."""
    if first != "[":
        if first in "}>]:":
            raise ValueError(f"{first!r} where a value should be")
        parts = [_plain(first)]
        while first[0] in "\"'" and tokens and tokens[-1][0] in "\"'":  # texts side by side are one
            parts.append(_plain(tokens.pop()))
        return ["".join(parts)]
    values = []
    while (token := _next(tokens)) != "]":
        values.append(_plain(token))
    return values


def _next(tokens: list[str]) -> str:
    if not tokens:
        raise ValueError("the text ends within a field")
    return tokens.pop()


def _plain(token: str) -> str:
    return token[1:-1] if token[0] in "\"'" else token


def _tokens(text: str) -> list[str]:
    """The tokens, the first one last."""
    found, position = [], 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise ValueError(f"cannot read {text[position : position + 20]!r}")
        if token.lastgroup != "skip":
            found.append(token.group())
        position = token.end()
    return found[::-1]

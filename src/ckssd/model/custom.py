"""Custom settings of the postprocessing operator, for graphs that were exported with others.

With them NMS runs class by class ("regular") whatever the graph was exported with: that is how the fast graph
gives the regular graph's accuracy. TFLite's own kernel does it, by options rewritten inside the model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ckssd.errors import UsageError
from ckssd.tflite.options import PostProcessOptions
from ckssd.values import Check, bad_value, real_number, switch, whole_number

SWITCHES = ("CUSTOM_MODEL_SETTINGS", "USE_CUSTOM_NMS_SETTINGS")

CHECKS: dict[str, tuple[str, Check]] = {
    "max_classes_per_detection": ("MAX_CLASSES_PER_DETECTION", whole_number(1)),
    "max_detections": ("MAX_DETECTIONS", whole_number(1)),
    "detections_per_class": ("DETECTIONS_PER_CLASS", whole_number(1)),
    "nms_score_threshold": ("NMS_SCORE_THRESHOLD", real_number(0)),
    "nms_iou_threshold": ("NMS_IOU_THRESHOLD", real_number(0, 1, above=True)),
    "h_scale": ("SCALE_H", real_number(0, above=True)),
    "w_scale": ("SCALE_W", real_number(0, above=True)),
    "x_scale": ("SCALE_X", real_number(0, above=True)),
    "y_scale": ("SCALE_Y", real_number(0, above=True)),
    "num_classes": ("NUM_CLASSES", whole_number(1)),
}


def refuse_without_switch(given: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Refuse settings on the command line (``given``) that nothing asks to be used.

    Raises
    ------
    UsageError
        One is given, and none of SWITCHES is on in ``environment``.
    """
    unused = [variable for variable, _ in CHECKS.values() if variable in given]
    if unused and not CustomOptions.asked_for(environment):
        raise UsageError(
            "Without a switch the model keeps its own settings",
            expected=f"{SWITCHES[0]}=yes",
            got=", ".join(f"{variable}={given[variable]}" for variable in unused),
            advice=f"add --env {SWITCHES[0]}=yes",
        )


@dataclass(frozen=True)
class CustomOptions:
    """Options to put in place of the graph's own; None leaves the graph's."""

    max_classes_per_detection: int | None = None
    max_detections: int | None = None
    detections_per_class: int | None = None
    nms_score_threshold: float | None = None
    nms_iou_threshold: float | None = None
    h_scale: float | None = None
    w_scale: float | None = None
    x_scale: float | None = None
    y_scale: float | None = None
    num_classes: int | None = None

    @staticmethod
    def asked_for(environment: Mapping[str, str]) -> bool:
        """Whether one of SWITCHES is on."""
        return any(switch(name, environment.get(name, "no")) for name in SWITCHES)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], nms: str) -> CustomOptions | None:
        """Custom settings if one of SWITCHES asks for them, else None."""
        if not cls.asked_for(environment):
            return None
        given = {
            name: check(variable, environment[variable])
            for name, (variable, check) in CHECKS.items()
            if environment.get(variable, "").strip()
        }
        return cls(**given)._checked(nms, "MAX_CLASSES_PER_DETECTION")

    @classmethod
    def from_mapping(cls, mapping: Any, nms: str) -> CustomOptions:
        """The same from a JSON object with this class's field names."""
        if not isinstance(mapping, Mapping) or set(mapping) - set(CHECKS):
            raise bad_value("custom", f"an object with keys among {', '.join(CHECKS)}", mapping)
        given = {
            name: CHECKS[name][1](f"custom.{name}", value)
            for name, value in mapping.items()
            if value is not None
        }
        return cls(**given)._checked(nms, "custom.max_classes_per_detection")

    def _checked(self, nms: str, name: str) -> CustomOptions:
        if nms == "fast" and (self.max_classes_per_detection or 1) > 1:
            raise bad_value(name, "1 together with fast NMS", self.max_classes_per_detection)
        return self

    def apply(self, options: PostProcessOptions) -> PostProcessOptions:
        """The graph's options with these put in, and regular NMS."""
        given = {key: value for key, value in dataclasses.asdict(self).items() if value is not None}
        if given.get("num_classes", options.num_classes) != options.num_classes:
            raise UsageError(
                "NUM_CLASSES does not fit the model", expected=options.num_classes, got=given["num_classes"]
            )
        return dataclasses.replace(options, use_regular_nms=True, **given)

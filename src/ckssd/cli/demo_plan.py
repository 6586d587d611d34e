"""What of the demo a machine can do: its packages, its runs, and which of them are missing and why.

All of it is known before the first install: entries say which machines and Pythons their packages are for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ckssd.ck.environments import environments
from ckssd.ck.installer import PackageEntry, the_package
from ckssd.errors import EnvironmentSetupError
from ckssd.recipes import Package
from ckssd.recipes.environments import python_for, refuse_another_machine
from ckssd.tflite.program import EXPORT_FROM, FROZEN

TFLITE, OPENVINO = "tflite", "openvino"
# Runtime and kind of NMS of each benchmark.
RUNS = ((TFLITE, "regular"), (TFLITE, "fast"), (OPENVINO, "regular"))


@dataclass(frozen=True)
class Part:
    """A package of the demo: its name, its tags, the runtimes that need it, options of its install."""

    name: str
    tags: str
    runtimes: tuple[str, ...] = (TFLITE, OPENVINO)
    options: tuple[str, ...] = ()


TENSORFLOW = Part("TensorFlow", "lib,tensorflow,vcpu,v2", (TFLITE,))
API = Part("the Object Detection API", "model,tensorflow,api", (TFLITE,))
MODEL = Part(
    "the TFLite model, converted from the checkpoint", "model,tflite,ssd-mobilenet,shapes", (TFLITE,)
)
MODEL_OF_FROZEN_GRAPH = Part(
    "the TFLite model, converted from the frozen graph",
    MODEL.tags,
    MODEL.runtimes,
    (f"--env.{EXPORT_FROM}={FROZEN}",),
)
PARTS = (
    Part("LiteRT", "lib,litert", (TFLITE,)),
    Part("COCO metric tools", "tool,coco"),
    TENSORFLOW,
    API,
    Part("the built-in data set", "dataset,object-detection,shapes,val"),
    Part("the built-in checkpoint", "model,tensorflow,tf,object-detection,ssd-mobilenet,shapes"),
    MODEL,
    Part("OpenVINO", "lib,openvino", (OPENVINO,)),
    Part("the OpenVINO model, by sub-graph replacement", "model,openvino,ssd-mobilenet,shapes", (OPENVINO,)),
)


@dataclass
class Plan:
    """What to install and to measure, what else is worth a line, and why something is missing.

    ``missing``: runtime to reason; ``no_photographs``: the reason, empty where they are not missing.
    """

    parts: list[Part]
    notes: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    no_photographs: str = ""

    @property
    def runs(self) -> list[tuple[str, str]]:
        """The runs whose runtime is there."""
        return [run for run in RUNS if run[0] not in self.missing]

    @property
    def lines(self) -> list[str]:
        """The notes, and a line for each run that is missing and for the photographs, with the reason."""
        lines = [f"Missing: {a}, {b} NMS: {self.missing[a]}" for a, b in RUNS if a in self.missing]
        if self.no_photographs:
            lines.append(f"Missing: the photographs: {self.no_photographs}")
        return [*self.notes, *lines]


def plan_demo() -> Plan:
    """Look at every package of the demo, in the CK home of this process; may have uv get a Python.

    Raises
    ------
    EnvironmentSetupError
        No run of the demo is possible; the text is the first reason.
    """
    plan = Plan(list(PARTS))
    for part in PARTS:
        try:
            _look_at(part, plan)
        except EnvironmentSetupError as error:
            plan.missing.update(dict.fromkeys(part.runtimes, str(error)))
            plan.no_photographs = "they are run by both runtimes or not at all"
            if not plan.runs:
                raise
    plan.parts = [part for part in plan.parts if not plan.missing.keys() >= {*part.runtimes}]
    return plan


def _look_at(part: Part, plan: Plan) -> None:
    entry = the_package(part.tags)
    try:
        _check(entry, install_missing="otherwise" not in entry.meta["ckssd"])
    except EnvironmentSetupError as error:
        _replace(part, _another(entry, error), plan, f"{error.what} for {entry.version}, {error.expected}")


def _check(entry: PackageEntry, *, install_missing: bool) -> None:
    """Raise if the package cannot be installed here; nothing has to be looked for where it is installed."""
    if any(environment.package_uid == entry.uid for environment in environments()):
        return
    package = Package(entry.alias, entry.uid, entry.version, entry.folder, entry.meta)
    refuse_another_machine(package)
    if "python" in package.section:
        python_for(package, install_missing=install_missing)


def _another(entry: PackageEntry, error: EnvironmentSetupError) -> PackageEntry | None:
    """The package that the entry names for machines without its Python; None if uv gets that Python."""
    if "otherwise" not in entry.meta["ckssd"]:
        raise error
    another = the_package(entry.meta["ckssd"]["otherwise"])
    if any(environment.package_uid == another.uid for environment in environments()):
        return another
    try:
        _check(entry, install_missing=True)
    except EnvironmentSetupError:
        _check(another, install_missing=False)
        return another
    return None


def _replace(part: Part, another: PackageEntry | None, plan: Plan, why: str) -> None:
    if another is None:
        return
    plan.notes.append(f"{part.name} here is {another.version}, a pre-release: {why}")
    plan.parts[plan.parts.index(part)] = replace(part, tags=",".join(another.tags))
    reason = another.meta["ckssd"].get("no_object_detection_api")
    if reason:
        plan.notes.append(f"The export is this project's own, from the frozen graph: {reason}")
        plan.no_photographs = "their model is made by the Object Detection API"
        plan.parts.remove(API)
        plan.parts[plan.parts.index(MODEL)] = MODEL_OF_FROZEN_GRAPH

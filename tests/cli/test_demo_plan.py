"""What the demo does on machines that lack something: another TensorFlow, or fewer lines, and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ckssd.cli import demo_plan
from ckssd.cli.demo_plan import PARTS, plan_demo
from ckssd.errors import EnvironmentSetupError
from ckssd.recipes import Package

CHECKOUT = Path(__file__).resolve().parents[2]
Lacks = Callable[[Package, bool], bool]


def entry(tags: str) -> Any:
    """The package with these tags."""
    for file in sorted(CHECKOUT.glob("package/*/.cm/meta.json")):
        meta = json.loads(file.read_text())
        has = {*meta.get("tags", []), *meta.get("variations", {})}
        if {*tags.split(",")} <= has:
            alias, version = file.parents[1].name, meta["customize"]["version"]
            return SimpleNamespace(
                alias=alias, uid=alias, version=version, tags=meta["tags"], folder=file.parents[1], meta=meta
            )
    raise AssertionError(tags)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what this machine lacks (by package, and whether uv may get a Python) and what is installed."""

    def set_up(
        no_python: Lacks = lambda *_: False, no_wheels: tuple[str, ...] = (), installed: tuple[str, ...] = ()
    ) -> None:
        def python_for(package: Package, *, install_missing: bool) -> None:
            if no_python(package, install_missing):
                raise EnvironmentSetupError("no fitting Python is on this machine", where=package.alias)

        def refuse(package: Package) -> None:
            if package.alias.startswith(no_wheels or ("-",)):
                raise EnvironmentSetupError("This package does not run here", where=package.alias)

        monkeypatch.setattr(demo_plan, "the_package", entry)
        monkeypatch.setattr(
            demo_plan, "environments", lambda: [SimpleNamespace(package_uid=uid) for uid in installed]
        )
        monkeypatch.setattr(demo_plan, "python_for", python_for)
        monkeypatch.setattr(demo_plan, "refuse_another_machine", refuse)

    return set_up


def test_where_nothing_is_missing_everything_is_done_as_ever(machine: Callable[..., None]) -> None:
    machine()
    plan = plan_demo()
    assert plan.parts == list(PARTS)
    assert plan.runs == [("tflite", "regular"), ("tflite", "fast"), ("openvino", "regular")]
    assert (plan.lines, plan.no_photographs) == ([], "")


def needs_old(package: Package, _: bool) -> bool:
    return package.alias == "lib-tensorflow-2.21.0-cpu"


def test_only_without_a_python_for_2_21_the_pre_release_converts_the_frozen_graph(
    machine: Callable[..., None],
) -> None:
    machine(needs_old)
    plan = plan_demo()
    tags = {part.name: part.tags for part in plan.parts}
    assert tags["TensorFlow"].split(",") == ["lib", "tensorflow", "pre-release", "v2.22", "v2.22.0rc0"]
    assert "the Object Detection API" not in tags
    (options,) = [part.options for part in plan.parts if part.tags.startswith("model,tflite")]
    assert options == ("--env.EXPORT_FROM=frozen-graph",)
    assert len(plan.runs) == 3
    assert "2.22.0rc0, a pre-release: no fitting Python is on this machine for 2.21.0" in plan.notes[0]
    assert plan.lines[2] == "Missing: the photographs: their model is made by the Object Detection API"
    assert "from the frozen graph: the Object Detection API needs tf-keras" in plan.notes[1]


def test_a_python_that_uv_gets_is_preferred_to_the_pre_release(machine: Callable[..., None]) -> None:
    machine(lambda package, install_missing: needs_old(package, False) and not install_missing)
    assert plan_demo().parts == list(PARTS)


def test_the_installed_one_of_the_two_is_kept(machine: Callable[..., None]) -> None:
    machine(lambda *_: True, installed=("lib-litert-2.3.0", "tool-coco", "lib-openvino-2026.4.1"))
    assert plan_demo().runs == [("openvino", "regular")]
    machine(needs_old, installed=("lib-tensorflow-2.21.0-cpu",))
    assert plan_demo().parts == list(PARTS)


def test_without_openvino_its_line_is_missing_and_the_reason_is_said(machine: Callable[..., None]) -> None:
    machine(no_wheels=("lib-openvino",))
    plan = plan_demo()
    assert plan.runs == [("tflite", "regular"), ("tflite", "fast")]
    assert not any("openvino" in part.tags for part in plan.parts)
    assert plan.lines == [
        "Missing: openvino, regular NMS: This package does not run here: lib-openvino-2026.4.1",
        "Missing: the photographs: they are run by both runtimes or not at all",
    ]


def test_without_the_metrics_nothing_is_left(machine: Callable[..., None]) -> None:
    machine(no_wheels=("tool-coco",))
    with pytest.raises(EnvironmentSetupError, match="tool-coco"):
        plan_demo()

"""Which exporter makes a TFLite package: asked for, the default, or what runs with the TensorFlow there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ckssd.errors import EnvironmentSetupError, NotInstalledError, UsageError
from ckssd.recipes import Dependency, Package, recipe_of
from ckssd.recipes.environments import python_for
from ckssd.recipes.kinds import exporter_of
from ckssd.recipes.openvino_model import frozen_graph_of


def tensorflow(site_packages: Path, *packages: str) -> Dependency:
    for name in packages:
        (site_packages / name).mkdir(parents=True, exist_ok=True)
    return Dependency("0" * 16, {"CK_ENV_LIB_TF_LIB": str(site_packages)})


def package(folder: Path = Path(), options: dict[str, str] | None = None, **section: object) -> Package:
    section = {"recipe": "tflite-model", **section}
    return Package("name", "0" * 16, "1.0", folder, {"ckssd": section}, options or {})


def model(tensorflow: Dependency, **options: str) -> Package:
    return replace(package(options=options), dependencies={"lib-tensorflow": tensorflow})


@pytest.mark.parametrize(
    "packages",
    [
        ("tensorflow", "tf_slim"),
        ("tensorflow/contrib",),
        ("tensorflow", "tensorflow_core/contrib"),
        (),
    ],
)
def test_the_api_exports_where_it_runs_and_where_that_cannot_be_told(
    tmp_path: Path, packages: tuple[str, ...]
) -> None:
    chosen, why = exporter_of(model(tensorflow(tmp_path, *packages)))
    assert (chosen, why) == ("checkpoint", "the default; EXPORT_FROM=frozen-graph takes the other")


def test_the_frozen_graph_is_exported_where_the_api_cannot_run_and_the_reason_is_said(tmp_path: Path) -> None:
    chosen, why = exporter_of(model(tensorflow(tmp_path, "tensorflow")))
    assert chosen == "frozen-graph"
    assert why == "the Object Detection API cannot run: the environment of TensorFlow has no tf-slim"


def test_what_is_asked_for_is_never_replaced(tmp_path: Path) -> None:
    without = tensorflow(tmp_path, "tensorflow")
    for asked in ("checkpoint", "frozen-graph"):
        assert exporter_of(model(without, EXPORT_FROM=asked))[0] == asked
    with pytest.raises(UsageError, match=r"EXPORT_FROM \(expected checkpoint or frozen-graph, got both"):
        exporter_of(model(without, EXPORT_FROM="both"))


def test_without_its_python_a_package_names_the_one_for_such_machines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CKSSD_OFFLINE", "1")
    with pytest.raises(EnvironmentSetupError, match="--tags=lib,tensorflow,pre-release"):
        python_for(package(python="==3.5.*", otherwise="lib,tensorflow,pre-release"))


def test_a_package_without_wheels_for_this_machine_is_refused_before_anything_is_fetched(
    tmp_path: Path,
) -> None:
    missing = package(
        tmp_path, recipe="python-environment", python=">=3.8", requirements="no.lock", machines=["vax-780"]
    )
    with pytest.raises(
        EnvironmentSetupError, match=r"does not run here: name .*it has wheels only for vax-780"
    ):
        recipe_of(missing)(missing, tmp_path / "staging")
    assert not (tmp_path / "staging").exists()


def test_a_model_of_tensorflow_2_is_exported_from_its_frozen_graph(tmp_path: Path) -> None:
    (tmp_path / "model" / "checkpoint").mkdir(parents=True)
    (tmp_path / "model" / "checkpoint" / "ckpt-0.index").touch()
    source = Dependency("1" * 16, {"CK_ENV_TENSORFLOW_MODEL_ROOT": str(tmp_path / "model")})
    chosen = model(tensorflow(tmp_path / "site", "tensorflow", "tf_slim"))
    chosen = replace(chosen, dependencies={**chosen.dependencies, "model-source": source})
    assert exporter_of(chosen) == (
        "frozen-graph",
        "the model is one of TensorFlow 2: its SavedModel was frozen",
    )


def test_what_was_trained_quantised_is_exported_from_its_frozen_graph_alone() -> None:
    quantised = package(levels=[127.5, 127.5])
    assert exporter_of(quantised) == ("frozen-graph", "it says what the training with quantisation learned")
    with pytest.raises(UsageError, match=r"EXPORT_FROM \(expected frozen-graph, got checkpoint"):
        exporter_of(replace(quantised, options={"EXPORT_FROM": "checkpoint"}))


def test_a_frozen_graph_may_have_the_name_of_mlperfs() -> None:
    names = {f"CK_ENV_TENSORFLOW_MODEL_{name}": f"/m/{name}" for name in ("FROZEN_GRAPH", "GRAPH_PB")}
    assert frozen_graph_of(Dependency("1" * 16, names)) == Path("/m/FROZEN_GRAPH")
    del names["CK_ENV_TENSORFLOW_MODEL_FROZEN_GRAPH"]
    assert frozen_graph_of(Dependency("1" * 16, names)) == Path("/m/GRAPH_PB")
    with pytest.raises(NotInstalledError, match="has no frozen graph"):
        frozen_graph_of(Dependency("1" * 16, {}))

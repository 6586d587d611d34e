"""What a recipe may read of an install's variables, and which of them tell installations apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ckssd.errors import UsageError
from ckssd.graph.options import from_mapping
from ckssd.install import Provenance, read_provenance
from ckssd.recipes import Dependency, Package, install
from ckssd.recipes.kinds import RECIPES
from ckssd.recipes.openvino_model import openvino_model
from ckssd.recipes.package import Used
from ckssd.recipes.recipe import Recipe, recipe


def package(**options: str) -> Package:
    return Package("a-model", "0" * 16, "1.0", Path("entry"), {"ckssd": {}}, options, variations=("fast",))


def refuse_red(package: Package, there: Provenance) -> None:
    if package.options.get("COLOUR") == "red":
        raise UsageError("It is not red", got=there.entry.describe())


@recipe(content={"SIZE": "10", "NAME": ""}, means=["COLOUR"], check=refuse_red)
def writes_options(package: Package, staging: Path) -> Used:
    (staging / "options").write_text(repr(sorted(package.options.items())))
    return Used()


def test_a_recipe_sees_no_variable_that_it_has_not_declared(tmp_path: Path) -> None:
    writes_options(package(SIZE="20", COLOUR="red", OTHER="x", CK_REINSTALL="no"), tmp_path)
    assert (tmp_path / "options").read_text() == "[('COLOUR', 'red'), ('SIZE', '20')]"


@pytest.mark.parametrize("name", ["PACKAGE_URL", "PACKAGE_SHA256", "PACKAGE_COMMIT"])
def test_another_source_is_refused_where_nothing_is_downloaded(name: str) -> None:
    asked = package(**{name: "http://elsewhere/"})
    with pytest.raises(UsageError, match=rf"nothing that {name} could replace: a-model \(got {name}=http"):
        writes_options.refuse_other_sources(asked)
    writes_options.refuse_other_sources(package(**{name: " "}))
    for listens in ({"content": {name: ""}}, {"means": [name]}):
        recipe(**listens)(writes_options.fill).refuse_other_sources(asked)


def test_what_a_tflite_model_is_exported_from_has_to_be_known(tmp_path: Path) -> None:
    source = Dependency("0" * 16, {"CK_ENV_TENSORFLOW_MODEL_ROOT": str(tmp_path)})
    wrong = replace(package(EXPORT_FROM="frozen"), dependencies={"model-source": source})
    with pytest.raises(UsageError, match=r"EXPORT_FROM.*checkpoint or frozen-graph, got frozen"):
        RECIPES["tflite-model"](wrong, tmp_path)


def test_every_recipe_has_declared_what_it_reads() -> None:
    assert all(isinstance(each, Recipe) for each in RECIPES.values())
    assert not any({*each.content} & {*each.means} for each in RECIPES.values())


@pytest.mark.parametrize(
    ("options", "own"),
    [
        ({}, {}),
        ({"SIZE": "10", "NAME": "", "COLOUR": "red", "OTHER": "x"}, {}),
        ({"SIZE": " 10 ", "NAME": " "}, {}),
        ({"SIZE": "20"}, {"SIZE": "20"}),
        ({"SIZE": "10", "NAME": "é"}, {"NAME": "é"}),
    ],
)
def test_only_what_makes_the_content_another_is_part_of_the_identity(
    options: dict[str, str], own: dict[str, str]
) -> None:
    identity = writes_options.identity(package(**options))
    assert identity.options == own
    assert (identity.alias, identity.version, identity.variation) == ("a-model", "1.0", "fast")


def test_the_same_options_are_found_whole_and_others_are_not(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "a target"
    assert install(package(SIZE="20"), target, writes_options).fresh
    assert not install(package(SIZE="20", COLOUR="blue"), target, writes_options).fresh
    assert "Already installed and whole" in capfd.readouterr().err
    provenance = read_provenance(target)
    assert provenance is not None
    assert provenance.entry.options == {"SIZE": "20"}
    assert install(package(SIZE="30"), target, writes_options).fresh
    assert (
        "has a-model 1.0 [fast] SIZE=20; a-model 1.0 [fast] SIZE=30 takes its place" in capfd.readouterr().err
    )


def test_another_dependency_than_it_was_made_with_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first, other = ({"lib": Dependency(uid, {}), "tool": Dependency("3", {})} for uid in "12")
    install(replace(package(), dependencies=first), tmp_path / "target", writes_options)
    install(replace(package(), dependencies=first), tmp_path / "target", writes_options)
    assert "made with another" not in capfd.readouterr().err
    install(replace(package(), dependencies=other), tmp_path / "target", writes_options)
    assert "made with another lib than is chosen now" in capfd.readouterr().err


def of_revision(number: int, **options: str) -> Package:
    return replace(package(**options), meta={"ckssd": {"revision": number}})


def test_what_was_made_before_its_recipe_was_mended_is_made_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "target"
    assert install(package(), target, writes_options).fresh
    assert not install(of_revision(1), target, writes_options).fresh
    assert "mended" not in capfd.readouterr().err
    assert install(of_revision(2), target, writes_options).fresh
    assert "was made before its recipe was mended: it is made again" in capfd.readouterr().err
    assert not install(of_revision(2), target, writes_options).fresh
    # An older checkout leaves what a newer one made.
    assert not install(of_revision(1), target, writes_options).fresh


def test_what_is_there_is_refused_where_it_is_not_what_was_asked_for(tmp_path: Path) -> None:
    target = tmp_path / "a target"
    install(package(), target, writes_options)
    with pytest.raises(UsageError, match=r"not red \(got a-model 1\.0"):
        install(package(COLOUR="red"), target, writes_options)
    assert install(package(COLOUR="red", CK_REINSTALL="yes"), target, writes_options).fresh


def test_the_default_data_type_of_an_openvino_model_is_that_of_the_converter() -> None:
    assert openvino_model.content["DATA_TYPE"] == from_mapping({}).data_type

"""The audit itself: it finds each fault in a broken copy of a real entry, and takes any meta data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import CkssdError
from ckssd.recipes import Package, stated_sources
from ckssd.recipes.download import sources_of
from tests.support.audit import KINDS, faults_of
from tests.support.sandbox import CHECKOUT

Meta = dict[str, Any]
DOWNLOAD, ENVIRONMENT, API = "model-tf-mlperf-ssd-mobilenet", "lib-litert-2.3.0", "tensorflowmodel-api"
EXAMPLES = {
    "env": "preset-offline",
    "module": "ssd",
    "os": "linux-64",
    "package": DOWNLOAD,
    "program": "object-detection-tflite",
    "soft": "lib.litert",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str, str], Path]:
    """Copy one entry, with what it refers to, to a root of its own."""

    def make(kind: str, alias: str) -> Path:
        for name in (".cm", "soft/.cm", f"{kind}/.cm", f"{kind}/{alias}"):
            shutil.copytree(CHECKOUT / name, tmp_path / name, dirs_exist_ok=True)
        assert faults_of(tmp_path, kind, alias) == []
        return tmp_path

    return make


def change_meta(root: Path, kind: str, alias: str, change: Callable[[Meta], object]) -> None:
    file = root / kind / alias / ".cm" / "meta.json"
    meta = json.loads(file.read_text())
    change(meta)
    file.write_text(json.dumps(meta))


def first_source(meta: Meta) -> Meta:
    source: Meta = meta["ckssd"]["sources"][0]
    return source


BROKEN: dict[str, tuple[str, Callable[[Meta], object], str]] = {
    "source without hash": (
        DOWNLOAD,
        lambda m: first_source(m).pop("sha256"),
        "source: a source has no hash",
    ),
    "source without size": (DOWNLOAD, lambda m: first_source(m).pop("size"), "size: missing"),
    "source without licence": (DOWNLOAD, lambda m: first_source(m).pop("licence"), "licence: missing for"),
    "source with half a hash": (DOWNLOAD, lambda m: first_source(m).update(sha256="ab"), "source: a digest"),
    "source of a variation without size": (
        DOWNLOAD,
        lambda m: m["ckssd"].update(variations={"x": {"sources": [{**first_source(m), "size": None}]}}),
        "size: missing",
    ),
    "no source at all": (DOWNLOAD, lambda m: m["ckssd"].pop("sources"), "hash: neither"),
    "no version": (DOWNLOAD, lambda m: m["customize"].pop("version"), "version: missing"),
    "no version_split": (DOWNLOAD, lambda m: m["customize"].pop("version_split"), "version_split: None"),
    "another version_split": (
        ENVIRONMENT,
        lambda m: m["customize"].update(version_split=[2, 3]),
        "version_split:",
    ),
    "variation without version_split": (
        API,
        lambda m: m["variations"]["v2019.05"]["extra_customize"].pop("version_split"),
        "version_split: None",
    ),
    "no licence": (DOWNLOAD, lambda m: m.pop("licence"), "licence: missing"),
    "branch instead of a commit": (
        API,
        lambda m: m["ckssd"]["variants"]["upstream-9bbf8015"]["git"].update(commit="master"),
        "commit:",
    ),
    "lock that is not there": (
        ENVIRONMENT,
        lambda m: m["ckssd"].update(requirements="x.lock"),
        "lock: x.lock",
    ),
    "unknown recipe": (DOWNLOAD, lambda m: m["ckssd"].update(recipe="x"), "recipe: 'x'"),
    "no tags": (DOWNLOAD, lambda m: m.update(tags=[]), "tags: missing"),
    "soft that is not there": (DOWNLOAD, lambda m: m.update(soft_uoa="x"), "soft_uoa:"),
}


@pytest.mark.parametrize(("alias", "change", "fault"), BROKEN.values(), ids=BROKEN)
def test_each_fault_of_a_package_is_found(
    copy: Callable[[str, str], Path], alias: str, change: Callable[[Meta], object], fault: str
) -> None:
    root = copy("package", alias)
    change_meta(root, "package", alias, change)
    (found,) = faults_of(root, "package", alias)
    assert found.startswith(fault)


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_of_any_kind_needs_a_licence(copy: Callable[[str, str], Path], kind: str) -> None:
    root, alias = copy(kind, EXAMPLES[kind]), EXAMPLES[kind]
    key = "license" if kind == "module" else "licence"
    change_meta(root, kind, alias, lambda meta: meta.pop(key))
    assert faults_of(root, kind, alias) == [f"{key}: missing"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("record", ["alias-a", "alias-u", "info"])
def test_an_entry_of_any_kind_needs_one_uid(copy: Callable[[str, str], Path], kind: str, record: str) -> None:
    root, alias = copy(kind, EXAMPLES[kind]), EXAMPLES[kind]
    names = root / kind / ".cm"
    if record == "alias-a":
        (names / f"alias-a-{alias}").unlink()
    elif record == "alias-u":
        (names / f"alias-u-{(names / f'alias-a-{alias}').read_text().strip()}").write_text("another\n")
    else:
        file = root / kind / alias / ".cm" / "info.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "backup_data_uid": "0" * 16}))
    (found,) = faults_of(root, kind, alias)
    assert found.startswith("uid:")


def test_a_lock_needs_a_hash_in_every_line(copy: Callable[[str, str], Path]) -> None:
    root = copy("package", ENVIRONMENT)
    with (root / "package" / ENVIRONMENT / "requirements.lock").open("a") as lock:
        lock.write("six==1.17.0\n")
    assert faults_of(root, "package", ENVIRONMENT) == ["hash: requirements.lock has a line without one"]


def paths_in(value: object) -> Iterator[tuple[Any, ...]]:
    """The place of every value inside, at any depth."""
    for key, item in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield (key,)
        yield from ((key, *inner) for inner in paths_in(item))


META: Meta = json.loads((CHECKOUT / "package" / DOWNLOAD / ".cm" / "meta.json").read_text())


def with_wild_value(path: tuple[Any, ...], value: object) -> Meta:
    """The meta data of a real entry with another value at one place."""
    meta: Any = json.loads(json.dumps(META))
    inner = meta
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return dict(meta)


def test_no_value_breaks_the_audit(copy: Callable[[str, str], Path]) -> None:
    root = copy("package", DOWNLOAD)
    file = root / "package" / DOWNLOAD / ".cm" / "meta.json"

    @given(st.sampled_from(list(paths_in(META))), JSON)
    def check(path: tuple[Any, ...], value: object) -> None:
        file.write_text(json.dumps(with_wild_value(path, value)))
        assert all(isinstance(fault, str) for fault in faults_of(root, "package", DOWNLOAD))

    check()


@given(st.sampled_from(list(paths_in(META["ckssd"]["sources"]))), JSON)
def test_no_value_breaks_the_reader_of_sources(path: tuple[Any, ...], value: object) -> None:
    section = with_wild_value(("ckssd", "sources", *path), value)["ckssd"]
    assert_read_or_error_of_ours({"ckssd": section})


@given(JSON, JSON)
def test_any_section_is_read_or_an_error_of_ours(sources: object, variations: object) -> None:
    assert_read_or_error_of_ours({"ckssd": {"sources": sources, "variations": variations}})


def assert_read_or_error_of_ours(meta: Meta) -> None:
    package = Package("x", "0" * 16, "1.0", CHECKOUT, meta)
    for read in (lambda: stated_sources(meta["ckssd"], "x"), lambda: sources_of(package)):
        error = None
        try:
            read()
        except CkssdError as caught:
            error = caught
        assert error is None or "x: ckssd.sources" in str(error)

"""provenance.json: written, read, refused when malformed; and what it says of changed files."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import InputError
from ckssd.fetch import Fetched, Source
from ckssd.install import Change, Identity, Provenance, SourceRecord, changes, manifest, read_provenance
from ckssd.install.provenance import FILE_NAME, now_utc, write_provenance

FULL = Provenance(
    Identity("model-x", "0123456789abcdef", "1.0", "fast", {"DATA_TYPE": "FP16"}),
    sources=(SourceRecord("a.zip", "ab" * 32, 12, "http://example.org/a.zip", "MIT"),),
    tools={"uv": "0.13.8"},
    patches=("fix.patch",),
    environment=("numpy==2.0",),
    files={"a b/é.txt": "cd" * 32},
    extra={"anything": [1, None, {"x": True}]},
)


def test_what_is_written_is_read(folder):
    write_provenance(folder, FULL)
    assert read_provenance(folder) == FULL
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]


def test_folder_without_provenance_has_none(folder):
    assert read_provenance(folder) is None
    assert read_provenance(folder / "missing") is None


@pytest.mark.parametrize(
    ("variation", "extra", "options"),
    [
        ("fast", {}, {}),
        ("fast,commit=abc", {"overridden": {"PACKAGE_COMMIT": "abc"}}, {"PACKAGE_COMMIT": "abc"}),
    ],
)
def test_one_from_before_options_were_part_of_an_identity_has_those_it_wrote(variation, extra, options):
    data = {**json.loads(FULL.to_json()), "extra": extra}
    del data["entry"]["options"]
    data["entry"]["variation"] = variation
    entry = Provenance.from_json(json.dumps(data), "here").entry
    assert (entry.variation, entry.options) == ("fast", options)


def test_time_is_utc():
    assert now_utc().endswith("Z")
    assert len(now_utc()) == 20


def test_record_of_a_fetched_source(folder):
    source = Source("a.zip", ("http://example.org/a.zip",), 12, "ab" * 32, licence="MIT")
    fetched = Fetched(source, folder / "a", 12, "ab" * 32, "http://mirror.org/a.zip", from_cache=False)
    assert SourceRecord.of(fetched) == SourceRecord("a.zip", "ab" * 32, 12, "http://mirror.org/a.zip", "MIT")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"format": 2}', "[" * 100_000, FULL.to_json()[:-20]]
)
def test_malformed_provenance_is_an_input_error(folder, text):
    (folder / FILE_NAME).write_text(text)
    with pytest.raises(InputError, match="provenance"):
        read_provenance(folder)


@pytest.mark.parametrize("key", list(json.loads(FULL.to_json())))
@pytest.mark.parametrize("value", [None, 3, "x", [3], {"x": 3}])
def test_no_value_breaks_the_reader(key, value):
    data = {**json.loads(FULL.to_json()), key: value}
    try:
        Provenance.from_json(json.dumps(data), "here")
    except InputError as error:
        caught = error
    else:
        caught = None
    assert caught is None or "here" in str(caught)


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_refused_properly(text):
    with pytest.raises(InputError):
        Provenance.from_json(text, "here")


def test_changed_missing_and_added_files_are_named(folder):
    for name in ("same", "changed", "missing"):
        (folder / name).write_text(name)
    (folder / "sub").mkdir()
    (folder / "sub/link").symlink_to("../same")
    provenance = Provenance(FULL.entry, files=manifest(folder))
    write_provenance(folder, provenance)
    (folder / "ck-install.json").write_text("{}")  # CK's own, written after the installation
    assert changes(folder, provenance) == ()
    (folder / "changed").write_text("CHANGED")
    (folder / "missing").unlink()
    (folder / "sub/added").write_text("")
    (folder / "sub/link").unlink()
    (folder / "sub/link").symlink_to("/etc/passwd")
    assert changes(folder, provenance) == (
        Change("changed", "changed"),
        Change("missing", "missing"),
        Change("sub/added", "added"),
        Change("sub/link", "changed"),
    )

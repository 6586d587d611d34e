"""Package URLs: read strictly, because a client gets the name and the version as arguments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import UsageError, VerificationError
from ckssd.fetch import Purl, Source

NPM = {"file_name": "a-b-1.0.tgz", "purl": "pkg:npm/%40a/b@1.0", "sha256": "ab" * 32, "size": 3}
PYPI = {**NPM, "file_name": "a-1-py3-none-any.whl", "purl": "pkg:pypi/a@1"}


@pytest.mark.parametrize(
    ("text", "purl"),
    [
        ("pkg:pypi/scikit-image@0.24.0", Purl("pypi", "scikit-image", "0.24.0")),
        ("pkg:pypi/a@1!2.0+local", Purl("pypi", "a", "1!2.0+local")),
        ("pkg:npm/left-pad@1.3.0", Purl("npm", "left-pad", "1.3.0")),
        ("pkg:npm/%40scope/name@2.0.0-rc.1", Purl("npm", "@scope/name", "2.0.0-rc.1")),
    ],
)
def test_a_package_is_named_by_registry_name_and_version(text, purl):
    assert Purl.parse(text, "x") == purl
    assert str(purl) == text


@pytest.mark.parametrize(
    "text",
    [
        "left-pad@1.3.0",
        "pkg:gem/rails@5.0",
        "pkg:npm/left-pad",
        "pkg:npm/--registry=http://example.org@1",
        "pkg:npm/-g@1",
        "pkg:npm/../a@1",
        "pkg:npm/a/b@1",
        "pkg:npm/git+ssh:x@1",
        "pkg:npm/a@latest ; rm",
        "pkg:npm/a@1 --global",
        "pkg:pypi/a @1",
        "pkg:pypi/a@-1",
        "pkg:pypi/a@1\n",
        None,
        ["pkg:pypi/a@1"],
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(UsageError, match="no package URL"):
        Purl.parse(text, "package:x: purl")


@given(st.from_regex(r"pkg:(npm|pypi)/[ -~]{0,12}@[ -~]{0,6}", fullmatch=True))
def test_no_name_or_version_that_is_read_looks_like_an_option_or_a_path(text):
    try:
        purl = Purl.parse(text, "x")
    except UsageError:
        return
    for word in (purl.name, purl.version):
        assert not word.startswith(("-", ".", "/"))
        assert not set(word) & set(" \"'\\:;&|$`<>*?#")
    assert str(purl) == text


def test_a_source_needs_no_address_beside_its_package():
    source = Source.from_meta(NPM, "x")
    assert source.urls == ()
    assert source.origin == "pkg:npm/%40a/b@1.0"
    both = Source.from_meta({**NPM, "urls": ["http://example.org/b"]}, "x")
    assert both.origin == "http://example.org/b"


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({**NPM, "file_name": "b-1.0.tgz"}, "x: file_name"),
        ({**NPM, "file_name": "a-b-1.1.tgz"}, "x: file_name"),
        ({**PYPI, "file_name": "a-1.exe"}, "x: file_name"),
        ({**NPM, "sha256": None, "md5": "ab" * 16}, "x: sha256"),
        ({**NPM, "purl": None}, "x: purl"),
    ],
)
def test_a_source_that_its_package_cannot_give_is_named_by_its_key(meta, message):
    with pytest.raises(UsageError, match=message):
        Source.from_meta(meta, "x")


def test_a_package_does_not_stand_in_for_a_hash():
    with pytest.raises((UsageError, VerificationError)):
        Source.from_meta({key: NPM[key] for key in ("file_name", "purl")}, "x", accept={"a-b-1.0.tgz"})

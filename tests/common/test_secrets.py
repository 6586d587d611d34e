"""Addresses lose what is secret in them, and nothing else."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from ckssd.errors import NetworkError
from ckssd.secrets import addresses, given, hide, hide_addresses, hide_in, public, public_value

SIGNED = (
    "https://b.example/x.zip?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F1&X-Amz-Date=2026"
    "&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=s3cr3t-w0rd"
)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://user:s3cr3t-w0rd@h.example:8080/a/x.zip", "https://h.example:8080/a/x.zip"),
        ("https://s3cr3t-w0rd@h.example/x.git", "https://h.example/x.git"),
        ("HTTP://u:s3cr3t-w0rd@[::1]:80/x", "HTTP://[::1]:80/x"),
        ("ssh://git:s3cr3t-w0rd@h.example/x.git", "ssh://git@h.example/x.git"),
        ("http://u:s3cr3t/w0rd@h.example/@scope/x", "http://scope/x"),
        ("http://u:s3cr3t@w0rd@h.example/x", "http://h.example/x"),
        ("http://user:s3cr3t-w0rd/x", "http://***/x"),
        (SIGNED, "https://b.example/x.zip"),
        ("https://b.example/x?X-Goog-Signature=s3cr3t-w0rd&id=7", "https://b.example/x?id=7"),
        ("https://b.example/x?sv=2026&se=2027&sr=b&sig=s3cr3t-w0rd", "https://b.example/x"),
        ("https://b.example/x?raw=true&anything=s3cr3t-w0rd#top", "https://b.example/x?raw=true#top"),
        ("https://b.example/x#access_token=s3cr3t-w0rd", "https://b.example/x"),
    ],
)
def test_only_the_secret_goes(address: str, shown: str) -> None:
    assert public(address) == shown
    assert public(shown) == shown
    assert given(shown) == address, "this process can still ask for it"


@pytest.mark.parametrize(
    "text",
    [
        *("http://h.example:8080/a b/x.zip", "https://h.example/@scope/x?id=7&ref=main#top", "ssh://git@h/x"),
        *("git@h.example:a/x.git", "/a/path?x=1", "file:///a/path?token=1", "CPU", ""),
    ],
)
def test_what_has_no_secret_is_not_touched(text: str) -> None:
    assert public(text) == text
    assert hide(text) == text


def test_a_list_of_addresses_keeps_its_order_and_commas() -> None:
    value = "http://u:s3cr3t,w0rd@h.example/a,b.zip, https://h.example/c.zip?sig=s3cr3t-w0rd"
    assert addresses(value)[0] == "http://u:s3cr3t,w0rd@h.example/a,b.zip"
    assert public_value(value) == "http://h.example/a,b.zip,https://h.example/c.zip"


def test_a_file_below_a_mirror_is_asked_with_the_mirrors_secret() -> None:
    public("https://u:s3cr3t-w0rd@m.example/base")
    assert given("https://m.example/base/x.zip") == "https://u:s3cr3t-w0rd@m.example/base/x.zip"
    assert given("https://m.example/baseless/x.zip") == "https://m.example/baseless/x.zip"
    public("https://c.example/box?sv=1&sig=s3cr3t-w0rd")
    assert given("https://c.example/box/x.zip") == "https://c.example/box/x.zip?sv=1&sig=s3cr3t-w0rd"


def test_text_that_others_wrote_is_cleaned() -> None:
    public("https://u:my%20s3cr3t-w0rd@h.example/x")
    text = (
        "fatal: 'https://u:my s3cr3t-w0rd@h.example/x': no (http://h.example:80: /x?sig=1, my%20s3cr3t-w0rd)"
    )
    assert hide(text) == "fatal: 'https://h.example/x': no (http://h.example:80: /x?sig=1, ***)"
    error = NetworkError("no", where=SIGNED, got=f"asked {SIGNED}.", advice=SIGNED, expected=SIGNED)
    assert "s3cr3t" not in f"{error}{error.as_dict()}{error.args}"
    as_a_path = f"[Errno 2]: '/a/{SIGNED.replace('://', ':/')}', C:/a@b, https:/h.example/x"
    assert hide_addresses(as_a_path) == "[Errno 2]: '/a/https:/b.example/x.zip', C:/a@b, https:/h.example/x"
    assert hide_in({"a": [SIGNED, 1, None]}) == {"a": ["https://b.example/x.zip", 1, None]}


WORD = "s3cr3t-w0rd"
NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
AROUND = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@over(
    user=NAMES,
    before=AROUND,
    behind=AROUND,
    host=NAMES,
    pairs=st.lists(st.tuples(NAMES, NAMES), max_size=3),
    key=st.sampled_from(
        ["X-Amz-Signature", "X-Goog-Signature", "sig", "token", "access_token", "k", "Signature"]
    ),
    place=st.sampled_from(["password", "quoted", "query", "both"]),
)
def test_no_secret_is_left_whatever_is_around_it(
    user: str, before: str, behind: str, host: str, pairs: list[tuple[str, str]], key: str, place: str
) -> None:
    secret = f"{before}{WORD}{behind}"
    password = secret if place == "password" else quote(secret, safe="")
    login = "" if place == "query" else f"{user}:{password}@"
    asked = [*pairs, *([(key, quote(secret, safe=""))] if place in {"query", "both"} else [])]
    address = f"https://{login}{host}.example/x.zip" + ("?" if asked else "")
    address += "&".join(f"{name}={value}" for name, value in asked)
    shown = public(address)
    assert WORD not in shown
    assert given(shown) == address.strip()
    for text in (f"cannot reach {address}: refused", f"'{address}'", repr(address)):
        assert WORD not in hide(text)
        assert place == "password" or WORD not in hide_addresses(text), "without having seen it before"

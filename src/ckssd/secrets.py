"""Addresses without their secrets: passwords, tokens and signatures never leave the process they came into.

An address is split where it comes in. Everything that shows, compares or stores has its public form; only
what opens a connection asks for the form that was given. :func:`hide` cleans text that others wrote.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*://"
OF_AN_ADDRESS = r"[^\s'\"<>`|]"
ADDRESS = re.compile(rf"{SCHEME}{OF_AN_ADDRESS}*[^\s'\"<>`|.,:;!)]")
HIDDEN = "***"
# What pathlib makes of an address that was given where a file is wanted: one of its slashes is gone.
AS_A_PATH = re.compile(
    r"(?<![A-Za-z0-9+.-])((?:git\+)?https?|ftps?|ssh|git|s3|gs):/(?=[^/\s])", re.IGNORECASE
)
MARK = "\0"  # in no message: stands for the lost slash

# What a query may say in public: which file is meant. All else may be, or belong to, a signature.
HARMLESS = frozenset(
    {
        *("alt", "branch", "commit", "confirm", "dl", "download", "export", "file", "filename", "format"),
        *("id", "inline", "name", "path", "raw", "ref", "release", "rev", "revision", "tag", "version"),
    }
)
TELLING = re.compile(r"auth|code|cred|jwt|key|pass|policy|pwd|secret|session|sig|token", re.IGNORECASE)
# Shorter words may well be in other text, which would be spoilt by hiding them.
SHORTEST_PASSWORD, SHORTEST_TOKEN = 6, 12
# A record has no secrets; these variables can give them again, by naming the same address with them.
GIVING = ("PACKAGE_URL", "CKSSD_MIRROR")
# Other libraries put what these say into their messages.
TELLING_VARIABLE = re.compile(r"(_PROXY|_URL|_INDEX|_MIRROR|_REGISTRY)$", re.IGNORECASE)

_given: dict[str, str] = {}
_words: set[str] = set()


def public(address: str) -> str:
    """Return an address without user, password, signature and token; this process remembers them.

    What has none, or is no address of a server (a path, any other text), comes back as it is.
    """
    shown, words = _without_secrets(address)
    if shown != address:
        _given[shown] = address.strip()
        _words.update(words)
    return shown


def given(address: str) -> str:
    """Return the form that this process was given of a public address, or of one below it.

    An address below one is what a mirror makes of its own: the file's name stands behind the path.
    """
    _read_environment()
    if address in _given:
        return _given[address]
    for known in sorted(_given, key=len, reverse=True):
        below = address.removeprefix(known)
        if below != address and below.startswith("/"):
            parts = urlsplit(_given[known])
            return parts._replace(path=parts.path + below).geturl()
    return address


def addresses(text: str) -> list[str]:
    """Split a list of addresses at its commas; a comma within an address stays."""
    return [part.strip(" ,") for part in re.split(rf",(?=\s*{SCHEME})", text) if part.strip(" ,")]


def public_value(text: str) -> str:
    """Return the value of a variable with the addresses in it, one or several, made public."""
    return ",".join(public(part) for part in addresses(text)) if "://" in text else text


def hide(text: str) -> str:
    """Return text, whoever wrote it, without the secrets of the addresses in it and those known here."""
    _read_environment()
    for word in sorted(_words, key=len, reverse=True):  # one may be a part of another
        text = text.replace(word, HIDDEN)
    return hide_addresses(text)


def hide_addresses(text: str) -> str:
    """Return text without the secrets of the addresses in it; other text stays, whatever it says."""
    if ":/" not in text:
        return text
    whole = AS_A_PATH.sub(rf"{MARK}\1://", text)
    shown = re.sub(rf"{MARK}?{ADDRESS.pattern}", lambda match: _shown(match[0]), whole)
    return shown.replace(MARK, "")


def _shown(address: str) -> str:
    """The public form of an address in a text, with as many slashes as it had there."""
    public_form = _without_secrets(address.removeprefix(MARK))[0]
    return public_form.replace("://", ":/", 1) if address.startswith(MARK) else public_form


def hide_in(data: Any) -> Any:
    """Return JSON values with :func:`hide_addresses` done to every text in them."""
    if isinstance(data, str):
        return hide_addresses(data)
    if isinstance(data, dict):
        return {key: hide_in(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [hide_in(value) for value in data]
    return data


def _without_secrets(address: str) -> tuple[str, set[str]]:
    """The public form, and the words that were left out and mean something by themselves."""
    match = re.fullmatch(rf"\s*({SCHEME})(.*?)\s*", address, re.DOTALL)
    if not match or match[1].lower() == "file://":
        return address, set()
    scheme, rest = match[1], match[2]
    user, rest = _split_user(rest)
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    pairs = [pair for pair in query.split("&") if pair]
    kept = [pair for pair in pairs if pair.partition("=")[0].lower() in HARMLESS]
    shown = scheme + _public_user(scheme, user) + rest + ("?" + "&".join(kept) if kept else "")
    if fragment and "=" not in fragment:
        shown += f"#{fragment}"
    if shown == address.strip():
        return address, set()
    return shown, {form for word in _words_of(user, pairs) for form in (word, unquote(word))}


def _split_user(rest: str) -> tuple[str, str]:
    """User and password, and what is behind them."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, at, _ = authority.rpartition("@")
    if at:
        return user, rest[len(user) + 1 :]
    port = authority.rpartition("]")[2].partition(":")[2]
    if port and not port.isdigit():
        # A password with a slash in it, not escaped: what stands where a port would be is none.
        user, at, behind = rest.rpartition("@")
        return (user, behind) if at else (authority, HIDDEN + rest[len(authority) :])
    return "", rest


def _public_user(scheme: str, user: str) -> str:
    """A name that is no secret: ssh finds the key that belongs to it elsewhere."""
    name = user.partition(":")[0]
    return f"{name}@" if name and "ssh" in scheme.lower() else ""


def _words_of(user: str, pairs: list[str]) -> Iterator[str]:
    name, _, password = user.partition(":")
    if len(password) >= SHORTEST_PASSWORD:
        yield password
    elif not password and len(name) >= SHORTEST_TOKEN:
        yield name
    for pair in pairs:
        key, _, value = pair.partition("=")
        if key.lower() not in HARMLESS and TELLING.search(key) and len(value) >= SHORTEST_PASSWORD:
            yield value


@functools.lru_cache(maxsize=1)
def _read_environment() -> None:
    for name, value in os.environ.items():
        if TELLING_VARIABLE.search(name) and ("@" in value or "?" in value):
            for part in addresses(value if "://" in value else f"http://{value}"):
                shown, words = _without_secrets(part)
                _words.update(words)
                if name in GIVING and shown != part:
                    _given.setdefault(shown, part)

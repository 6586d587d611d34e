"""A source: one file that has to be downloaded, as the meta data of an entry state it.

Sources are data; this module only reads them strictly, so that a fault in an entry is named by its key
before a byte is fetched. A source without any hash is refused unless the user accepts it by name.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ckssd.errors import UsageError, VerificationError
from ckssd.fetch.purl import Purl
from ckssd.secrets import public

KNOWN_KEYS = frozenset(
    {"file_name", "urls", "purl", "size", "sha256", "md5", "licence", "unpacked_size", "note"}
)
# File names, with commas, that a person accepts without any hash.
ACCEPT_UNVERIFIED = "CKSSD_ACCEPT_UNVERIFIED"
HASH_DIGITS = {"sha256": 64, "md5": 32}


@dataclass(frozen=True)
class Source:
    """One file to download.

    Parameters
    ----------
    file_name
        The name it is stored under: a plain name, no folder.
    urls
        Where it is published, best first (``http`` or ``https``), in their public form; may be empty with
        a ``purl``.
    size
        Bytes; ``None`` when nobody published it. Never ``None`` for a source with only an md5.
    sha256, md5
        Lower-case hexadecimal digests; the sha256 decides where both are given.
    licence
        SPDX expression or the publisher's own words.
    unpacked_size
        The most bytes the archive may unpack to.
    purl
        The package of a registry that the file is; always with a sha256.
    """

    file_name: str
    urls: tuple[str, ...]
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None
    licence: str | None = None
    unpacked_size: int | None = None
    purl: Purl | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "urls", tuple(public(url) for url in self.urls))

    @property
    def origin(self) -> str | None:
        """Where it is from, for people: its first URL, else its package."""
        return self.urls[0] if self.urls else str(self.purl) if self.purl else None

    @property
    def digest(self) -> tuple[str, str] | None:
        """``(algorithm, hexadecimal digest)`` that names the content, the strongest known; or ``None``."""
        if self.sha256 is not None:
            return "sha256", self.sha256
        if self.md5 is not None:
            return "md5", self.md5
        return None

    @classmethod
    def from_meta(cls, meta: object, where: str, accept: Collection[str] = ()) -> Source:
        """Read one source from an entry's meta data.

        Parameters
        ----------
        meta
            A dict with ``file_name``, ``urls`` (a list) or ``purl`` or both, and any of ``size``,
            ``sha256``, ``md5``, ``licence``, ``unpacked_size``, ``note``.
        where
            The entry and the place in it, for errors.
        accept
            File names that the user accepts without any hash.

        Raises
        ------
        UsageError
            A key is missing, unknown, of the wrong type or malformed; the message names the key.
        VerificationError
            There is no hash, and ``file_name`` is not in ``accept``.
        """
        if not isinstance(meta, Mapping):
            raise UsageError("a source is no table of keys", where=where, got=type(meta).__name__)
        unknown = sorted(str(key) for key in meta if key not in KNOWN_KEYS)
        if unknown:
            raise UsageError(
                "a source has an unknown key",
                where=f"{where}: {unknown[0]}",
                expected=", ".join(sorted(KNOWN_KEYS)),
            )
        source = cls(
            file_name=_file_name(meta, where),
            urls=_urls(meta, where),
            size=_size(meta, "size", where),
            sha256=_digest(meta, "sha256", where),
            md5=_digest(meta, "md5", where),
            licence=_text(meta, "licence", where),
            unpacked_size=_size(meta, "unpacked_size", where),
            purl=_purl(meta, where),
        )
        _check_verifiable(source, where, accept)
        return source


def how_to_accept(file_name: str) -> str:
    """The advice that names the variable by which a person takes a file without a hash."""
    return (
        f"to install it unverified: export {ACCEPT_UNVERIFIED}={shlex.quote(file_name)}, then install again"
    )


def _check_verifiable(source: Source, where: str, accept: Collection[str]) -> None:
    if source.digest is None and source.file_name not in accept:
        raise VerificationError(
            "a source has no hash, so nothing could tell a wrong file from the right one",
            where=f"{where}: {source.file_name}",
            expected="sha256 (or md5 and size)",
            advice=how_to_accept(source.file_name),
        )
    if source.sha256 is None and source.md5 is not None and source.size is None:
        raise UsageError(
            "an md5 is only accepted together with a size", where=f"{where}: size", got="no size"
        )


def _file_name(meta: Mapping[Any, Any], where: str) -> str:
    name = _text(meta, "file_name", where)
    if not name:
        raise UsageError("a source lacks its file name", where=f"{where}: file_name")
    if "/" in name or name in {".", ".."} or any(ord(char) < 32 or ord(char) == 127 for char in name):
        raise UsageError(
            "a file name must be plain, without a folder", where=f"{where}: file_name", got=repr(name)
        )
    try:
        length = len(name.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise UsageError(
            "a file name is no valid text", where=f"{where}: file_name", got=repr(name)
        ) from error
    if length > 200:
        raise UsageError("a file name is too long", where=f"{where}: file_name", expected="at most 200 bytes")
    return name


def _purl(meta: Mapping[Any, Any], where: str) -> Purl | None:
    if "purl" not in meta:
        return None
    purl = Purl.parse(meta["purl"], f"{where}: purl")
    name = _file_name(meta, where)
    if not purl.may_give(name):
        raise UsageError("a package has no file of that name", where=f"{where}: file_name", got=name)
    if meta.get("sha256") is None:
        raise UsageError("a file of a package is only accepted with its sha256", where=f"{where}: sha256")
    return purl


def _urls(meta: Mapping[Any, Any], where: str) -> tuple[str, ...]:
    urls = meta.get("urls", [] if "purl" in meta else None)
    if urls == [] and "purl" in meta:
        return ()
    if not isinstance(urls, (list, tuple)) or not urls:
        raise UsageError("a source needs a list of URLs", where=f"{where}: urls", got=repr(urls))
    for url in urls:
        if not isinstance(url, str) or not is_web_url(url):
            raise UsageError(
                "this is no URL of a file",
                where=f"{where}: urls",
                expected="http:// or https://",
                got=repr(public(url) if isinstance(url, str) else url),
            )
    if len(set(urls)) != len(urls):
        raise UsageError("a URL is given twice", where=f"{where}: urls")
    return tuple(urls)


def is_web_url(text: str) -> bool:
    """Whether ``text`` is an absolute http or https URL without spaces or control characters."""
    if re.search(r"[\x00-\x20\x7f]", text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _size(meta: Mapping[Any, Any], key: str, where: str) -> int | None:
    value = meta.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UsageError("a size is a whole number of bytes", where=f"{where}: {key}", got=repr(value))
    return value


def _digest(meta: Mapping[Any, Any], algorithm: str, where: str) -> str | None:
    value = meta.get(algorithm)
    if value is None:
        return None
    digits = HASH_DIGITS[algorithm]
    if not isinstance(value, str) or not re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", value):
        raise UsageError(
            "a digest is malformed",
            where=f"{where}: {algorithm}",
            expected=f"{digits} hexadecimal digits",
            got=repr(value),
        )
    return value.lower()


def _text(meta: Mapping[Any, Any], key: str, where: str) -> str | None:
    value = meta.get(key)
    if value is not None and not isinstance(value, str):
        raise UsageError("a text was expected", where=f"{where}: {key}", got=type(value).__name__)
    return value

"""Verified, resumable downloads into a content-addressed cache, and safe unpacking.

The way of a file: :class:`Source` (what is promised) → :func:`fetch` (cache, mirror, URLs,
package registry; hashed before it is used) → :func:`unpack` or :func:`link_or_copy` into a staging folder.
"""

from ckssd.fetch.cache import CacheEntry, SourceCache, State, link_or_copy
from ckssd.fetch.download import fetch
from ckssd.fetch.outcome import Fetched
from ckssd.fetch.purl import Purl
from ckssd.fetch.settings import Settings
from ckssd.fetch.source import Source
from ckssd.fetch.unpack import Unpacked, unpack

__all__ = [
    "CacheEntry",
    "Fetched",
    "Purl",
    "Settings",
    "Source",
    "SourceCache",
    "State",
    "Unpacked",
    "fetch",
    "link_or_copy",
    "unpack",
]

"""XML files, read element by element by expat; one with a document type is refused.

Entities, which can blow up or read other files, need a document type, and no annotation tool writes one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from ckssd.errors import InputError, UsageError, short

CHUNK = 1 << 16
NO_XML = re.compile("[^\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _RefusedError(Exception):
    """The file has a document type."""


class _Elements:
    """Builds the elements of some names out of expat's events; those above them are passed over."""

    def __init__(self, wanted: Collection[str]) -> None:
        self.root = ""
        self.done: list[Element] = []
        self._wanted = wanted
        self._builder: TreeBuilder | None = None
        self._depth = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data

    def _refuse(self, *_: object) -> None:
        raise _RefusedError

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.root = self.root or name
        if self._builder is None and name in self._wanted:
            self._builder, self._depth = TreeBuilder(), 0
        if self._builder is not None:
            self._builder.start(name, attributes)
            self._depth += 1

    def _end(self, name: str) -> None:
        if self._builder is not None:
            self._builder.end(name)
            self._depth -= 1
            if not self._depth:
                self.done.append(self._builder.close())
                self._builder = None

    def _data(self, text: str) -> None:
        if self._builder is not None:
            self._builder.data(text)


def elements(path: Path, root: str, wanted: Collection[str]) -> Iterator[Element]:
    """The outermost elements of these names, one by one; ``root`` is what the file's own has to be called.

    Raises
    ------
    InputError
        The file cannot be read, is no XML, has a document type, or another root.
    """
    found = _Elements(wanted)
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                found.parser.Parse(chunk, False)
                if found.root not in ("", root):
                    break
                yield from found.done
                found.done.clear()
            else:
                found.parser.Parse(b"", True)
    except _RefusedError:
        raise InputError("XML with a document type is not read", where=path, got="<!DOCTYPE …>") from None
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise InputError("The annotations are no XML", where=path, got=error) from error
    except OSError as error:
        raise InputError("The annotations cannot be read", where=path, got=error.strerror) from error
    if found.root != root:
        raise InputError(
            "The annotations break their format", where=path, expected=f"<{root}>", got=f"<{found.root}>"
        )
    yield from found.done


def text_of(element: Element, name: str) -> str | None:
    """The text of a child, without spaces around it; None if there is none."""
    text = element.findtext(name)
    return None if text is None else text.strip()


def tag(name: str, text: object) -> str:
    """An element with a text; raises UsageError."""
    return f"<{name}>{escape(_writable(str(text)))}</{name}>"


def attributes(**values: object) -> str:
    """Attributes, each with a space before it; raises UsageError."""
    return "".join(f" {name}={quoteattr(_writable(str(value)))}" for name, value in values.items())


def _writable(text: str) -> str:
    """XML 1.0 has no way to write control characters."""
    if NO_XML.search(text) or text != text.strip():
        raise UsageError(
            "A name cannot be in XML",
            expected="no control characters, no spaces around it",
            got=repr(short(text)),
        )
    return text

"""XML as it may come in: elements, attributes and text, and nothing that can do harm.

Refused before any of it is built: document type declarations and so every entity, external references,
processing instructions, CDATA, comments, encodings other than UTF-8, more than 32 levels, more elements
than any such document needs. Names lose their namespace; a root in somebody else's namespace is
refused, as S3 does.
"""

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from onread.errors import MalformedXML

DEEPEST = 32
MOST_ELEMENTS = 12_001
"""Twice what the 1,000 objects of DeleteObjects have with all that is known of them."""
_TEXT_PIECE_BYTES = 256 * 1024  # a long text comes in few pieces, so that joining them stays cheap


class Element:
    """One element: its local name, its attributes (name and value in turn), its children, its text.

    The text of an element with children is the space around them.
    """

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: Sequence[str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] | tuple[()] = ()
        self.text = ""

    def add(self, child: "Element") -> None:
        """Take one more child; most elements have none, and then no list."""
        if isinstance(self.children, tuple):
            self.children = [child]
        else:
            self.children.append(child)


def read_xml(content: bytes, most_elements: int = MOST_ELEMENTS) -> Element:
    """The root of a document.

    Raises:
        MalformedXML: it is not well-formed UTF-8, or holds something that is refused here.
    """
    if b"\0" in content:  # UTF-16 and UTF-32, which expat would recognise whatever it was told
        raise MalformedXML("The XML you provided must be encoded in UTF-8.")
    # Before the first is built: every "<" that ends nothing begins one, but for the declaration's.
    if content.count(b"<") - content.count(b"</") - content.startswith(b"<?xml") > most_elements:
        raise _too_large()
    builder = _Builder()
    try:
        parser = DefusedXMLParser(target=builder, encoding="utf-8", forbid_dtd=True)
        builder.listen_to(parser.parser)
        parser.feed(content)
        parser.close()
    except (ParseError, DefusedXmlException, UnicodeError) as error:
        raise MalformedXML from error
    return builder.root()


class _Builder:
    """Takes the parser's events and keeps the tree within its bounds."""

    def __init__(self) -> None:
        self._open: list[Element] = []
        self._root: Element | None = None

    def listen_to(self, expat: Any) -> None:
        # Straight from expat: the layer between costs half of a listing's 40,000 elements.
        expat.buffer_size = _TEXT_PIECE_BYTES
        expat.StartElementHandler = self._start
        expat.EndElementHandler = self._end
        expat.CharacterDataHandler = self._data
        expat.CommentHandler = _refuse_comment
        expat.ProcessingInstructionHandler = _refuse_instruction
        expat.StartCdataSectionHandler = _refuse_cdata
        expat.XmlDeclHandler = _check_declaration

    def _start(self, tag: str, attributes: Sequence[str]) -> None:
        namespace, _, name = tag.rpartition("}")
        element = Element(name, attributes)
        if len(self._open) >= DEEPEST:
            raise _too_large()
        if not self._open:
            _check_namespace(namespace)
            self._root = element
        else:
            self._open[-1].add(element)
        self._open.append(element)

    def _end(self, tag: str) -> None:
        self._open.pop()

    def _data(self, text: str) -> None:
        self._open[-1].text += text

    def close(self) -> None:
        """The parser asks for its result here; `root` gives it."""

    def root(self) -> Element:
        assert self._root is not None  # expat refuses a document without one
        return self._root


def _too_large() -> MalformedXML:
    return MalformedXML("The XML you provided is nested too deep or has too many elements.")


def _check_namespace(namespace: str) -> None:
    # Clients write several of Amazon's namespaces, with and without `doc.`; or none at all.
    if namespace and "amazonaws.com/" not in namespace:
        raise MalformedXML("The XML you provided is in a namespace that is not Amazon S3's.")


def _check_declaration(version: str, encoding: str | None, standalone: int) -> None:
    if encoding is not None and encoding.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise MalformedXML("The XML you provided must be encoded in UTF-8.")


def _refuse_comment(*_: Any) -> None:
    # A comment within a value splits it for some readers and not for others.
    raise MalformedXML("The XML you provided holds a comment. Leave comments out.")


def _refuse_instruction(*_: Any) -> None:
    raise MalformedXML("The XML you provided holds a processing instruction.")


def _refuse_cdata(*_: Any) -> None:
    raise MalformedXML("The XML you provided holds a CDATA section. Escape the text instead.")

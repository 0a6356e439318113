"""Reads an XML file record by record, with the line each element stands on.

The parser is Python's own expat. A document type declaration is refused: entities, and every attack that needs them, come with one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

_CHUNK = 1 << 20
_SEPARATOR = " "
_NAMESPACE = "urn:StandardAuditFile-Taxation-Financial:NO"
_ROOT = "AuditFile"
_RECORDS = frozenset(
    {"Header", "Account", "Customer", "Supplier", "TaxCodeDetails", "AnalysisTypeTableEntry", "Transaction"}
)


class SaftError(ValueError):
    """A file that cannot be served, with the line that says why."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")


@dataclass
class Element:
    """An element with its children; ``text`` is what stands directly in it."""

    tag: str
    line: int
    parent: Element | None
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def find(self, path: str) -> Element | None:
        """The first descendant at a path like ``DebitAmount/Amount``."""
        here: Element | None = self
        for tag in path.split("/"):
            here = next((child for child in here.children if child.tag == tag), None) if here else None
        return here

    def all(self, tag: str) -> list[Element]:
        """The children with a tag."""
        return [child for child in self.children if child.tag == tag]

    def get(self, path: str) -> str | None:
        """The text at a path, without surrounding blanks; None where there is none."""
        found = self.find(path)
        return (found.text.strip() or None) if found else None

    def need(self, path: str) -> str:
        """The text at a path.

        Raises:
            SaftError: there is none.
        """
        value = self.get(path)
        if value is None:
            raise SaftError(self.line, f"{self.tag} has no {path}")
        return value


def records(path: Path) -> Iterator[Element]:
    """Header, accounts, customers, suppliers, tax codes, analyses and transactions, in the order of the file.

    Raises:
        SaftError: not well-formed, or not a Norwegian SAF-T Financial file.
    """
    reader = _Reader()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield from reader.feed(chunk)
    yield from reader.feed(b"", last=True)


class _Reader:
    def __init__(self) -> None:
        self._open: list[Element] = []
        self._done: list[Element] = []
        self._parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, chunk: bytes, *, last: bool = False) -> list[Element]:
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as error:
            raise SaftError(error.lineno, f"not well-formed XML: {expat.errors.messages[error.code]}") from None
        done, self._done = self._done, []
        return done

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        namespace, _, tag = name.rpartition(_SEPARATOR)
        parent = self._open[-1] if self._open else None
        line = self._parser.CurrentLineNumber
        if parent is None and (tag != _ROOT or namespace != _NAMESPACE):
            raise SaftError(line, f"not a Norwegian SAF-T Financial file: it begins with {tag} of '{namespace}'")
        element = Element(tag, line, parent)
        if parent is not None:
            parent.children.append(element)
        self._open.append(element)

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        inside_record = any(outer.tag in _RECORDS for outer in self._open)
        if element.tag in _RECORDS and not inside_record:
            self._done.append(element)
            if element.parent is not None:
                element.parent.children.remove(element)

    def _characters(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text

    def _doctype(self, *_declaration: object) -> NoReturn:
        raise SaftError(self._parser.CurrentLineNumber, "a document type declaration is not allowed")

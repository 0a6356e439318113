"""Looks for payroll of the sandbox's truth in everything a run leaves behind: files as they are, and opened."""

from __future__ import annotations

import gzip
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import ahocorasick_rs
import duckdb
import pyarrow as pa

_AMOUNT = re.compile(r"(?<![\d.])-?\d+\.\d+(?![\d.])", re.ASCII)
# As written for people, with something between the thousands.
_SEPARATORS = ",'\u00a0\u2009\u202f"
_SEPARATOR = re.compile(f"[{_SEPARATORS}]")
_GROUP = 3
_GROUPED = re.compile(rf"(?<!\d)\d{{1,3}}(?:[{_SEPARATORS}]\d{{3}})+\.\d+(?![\d.])", re.ASCII)
_OF_A_NUMBER = frozenset(f"0123456789.-{_SEPARATORS}")


@dataclass(frozen=True)
class Canaries:
    """What must never be seen: words (texts, names, account numbers, national ids) and amounts."""

    words: frozenset[str]
    amounts: frozenset[Decimal]

    @classmethod
    def of(cls, truth: Path, *, hashed_on_arrival: bool = False) -> Canaries:
        """The canaries of a truth. What is hashed or dropped on arrival may be on the wire, in no file."""
        with duckdb.connect(str(truth), read_only=True) as connection:
            rows = connection.execute("select kind, value from truth.canary").fetchall()
        arrives = {"supplier_bank_account", "supplier_national_id"} if hashed_on_arrival else set()
        return cls(
            frozenset(value for kind, value in rows if kind != "amount" and kind not in arrives),
            frozenset(abs(Decimal(value)) for kind, value in rows if kind == "amount"),
        )

    def words_in(self, text: str) -> set[str]:
        """The words that a text holds, whatever its amounts."""
        return set(self._search.find_matches_as_strings(text, overlapping=True))

    @cached_property
    def _search(self) -> ahocorasick_rs.AhoCorasick:
        """Finds all words in one pass, however many they are."""
        return ahocorasick_rs.AhoCorasick(self.words)

    def but_for(self, amounts: set[Decimal]) -> Canaries:
        """The canaries without these amounts."""
        return Canaries(self.words, self.amounts - amounts)

    def found_in(self, text: str) -> set[str]:
        """The canaries that a text holds; amounts as numbers, whatever their sign and however many zeros they end in."""
        if not self.amounts:
            return self.words_in(text)
        seen = {abs(Decimal(number)) for token in self._tokens_in(text) for number in _numbers_in(token)}
        return self.words_in(text) | {str(amount) for amount in self.amounts if amount in seen}

    def _tokens_in(self, text: str) -> set[str]:
        """What stands, unbroken, around an amount's last digits: to read all numbers of a file takes ten times as long."""
        hits = self._amount_search.find_matches_as_indexes(text, overlapping=True)
        return {_token_around(text, start, end) for _, start, end in hits}

    @cached_property
    def _amount_search(self) -> ahocorasick_rs.AhoCorasick:
        return ahocorasick_rs.AhoCorasick({ending for amount in self.amounts for ending in _endings(amount)})


def _endings(amount: Decimal) -> Iterator[str]:
    """With which of these any way of writing the amount ends, but for zeros."""
    units, _, decimals = f"{amount:f}".partition(".")
    decimals = decimals.rstrip("0") or "0"
    yield f"{units}.{decimals}"
    if len(units) > _GROUP:
        yield from (f"{separator}{units[-_GROUP:]}.{decimals}" for separator in _SEPARATORS)


def _token_around(text: str, start: int, end: int) -> str:
    while start and text[start - 1] in _OF_A_NUMBER:
        start -= 1
    while end < len(text) and text[end] in _OF_A_NUMBER:
        end += 1
    return text[start:end]


def _numbers_in(text: str) -> Iterator[str]:
    yield from _AMOUNT.findall(text)
    for number in _GROUPED.findall(text):
        yield _SEPARATOR.sub("", number)


def everything_below(
    folder: Path, wanted: Callable[[Path], bool] = Path.is_file, *, is_killed: bool = False
) -> Iterator[tuple[str, str]]:
    """Each file as text, and what it holds when opened: DuckDB and Parquet tables row by row, gzip and Excel unpacked.

    What a killed run has written in part (``is_killed``) may not open; then there are its bytes alone.
    """
    for path in sorted(folder.rglob("*")):
        if not (path.is_file() and wanted(path)):
            continue
        content = path.read_bytes()
        yield str(path), content.decode("utf-8", errors="replace")
        try:
            yield from _opened(path, content)
        except (duckdb.Error, pa.ArrowInvalid):
            if not is_killed:
                raise


def _opened(path: Path, content: bytes) -> Iterator[tuple[str, str]]:
    if path.suffix == ".duckdb":
        yield from _tables(path)
    elif path.suffix == ".parquet":
        yield f"{path} opened", _as_text(duckdb.connect(), f"from read_parquet('{path}')")
    elif path.suffix == ".arrow":
        yield f"{path} opened", str(pa.ipc.open_file(path).read_all().to_pylist())
    elif path.suffix == ".gz":
        yield f"{path} opened", gzip.decompress(content).decode("utf-8", errors="replace")
    elif path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            for name in book.namelist():
                yield f"{path} {name}", book.read(name).decode("utf-8", errors="replace")


def _tables(path: Path) -> Iterator[tuple[str, str]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        for schema, table in tables:
            yield f"{path} {schema}.{table}", _as_text(connection, f'from "{schema}"."{table}"')


def _as_text(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    rows = connection.execute(query).fetchall()
    return "\n".join("\t".join("" if value is None else str(value) for value in row) for row in rows)

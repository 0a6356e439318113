"""Every field that is asked for lands in a column, and every raw column reaches what is published, or says why not.

Columns are followed through the compiled models, stars included: one that a model merely passes on counts as used only where
something behind that model reads it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import pytest
from sqlglot import exp, parse_one
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope

from pipelines.xledger import entities, prequeries
from pipelines.xledger.documents import document
from pipelines.xledger.landing import Rows
from pipelines.xledger.parsing import CONNECTION
from pipelines.xledger.payroll import AP_TRANSACTIONS, TRANSACTIONS
from pipelines.xledger.tables import TABLES
from tests.dbt.conftest import Build
from tests.xledger.responses import capabilities

_ROWS: Mapping[str, Rows] = {
    "accounts": entities.ACCOUNT_ROWS,
    "ap_transactions": entities.AP_TRANSACTION_ROWS,
    "companies": entities.COMPANY_ROWS,
    "contacts": entities.CONTACT_ROWS,
    "countries": entities.COUNTRY_ROWS,
    "currencies": entities.CURRENCY_ROWS,
    "document_types": prequeries.VOUCHERS,
    "entities": entities.ENTITY_ROWS,
    "highest_ap_transaction": prequeries.HIGHEST[AP_TRANSACTIONS],
    "highest_transaction": prequeries.HIGHEST[TRANSACTIONS],
    "object_values": entities.OBJECT_VALUE_ROWS,
    "payroll_ap_transactions": prequeries.ITEMS,
    "payroll_transactions": prequeries.LINES,
    "recent_transactions": entities.RECENT_ROWS,
    "setup": entities.OBJECT_ROWS,
    "subledgers": entities.SUBLEDGER_ROWS,
    "supplier_ids": prequeries.SUPPLIERS,
    "suppliers": entities.SUPPLIER_ROWS,
    "transaction_deltas": entities.DELTA_ROWS,
    "transactions": entities.TRANSACTION_ROWS,
}
# Of this feed nothing lands: the program only looks whether it names a row that was read.
_ONLY_LOOKED_AT = {"ap_transaction_deltas"}
_QUERIES = sorted(
    path.name.removesuffix(".graphql")
    for path in resources.files("pipelines.xledger").joinpath("queries").iterdir()
    if path.name.endswith(".graphql")
)

_KEYS = {"owner_db_id", "db_id"}
# Entities that stand in the warehouse because the program promises all seventeen.
_PROMISED = {"contact", "gl_dimension", "recent_transaction", "subledger", "system_value"}
_NOT_PUBLISHED: Mapping[str, Mapping[str, set[str]]] = {
    "says when the row changed last": {
        "account": {"modified_at"},
        "ap_transaction": {"header_modified_at"},
        "company": {"modified_at"},
        "object_value": {"modified_at"},
        "transaction_header": {"modified_at"},
    },
    "leads to a promised entity": {
        "account": {"account_group_db_id", "ledger_type_db_id"},
        "address": {"country_db_id"},
        "ap_transaction": {
            "account_db_id",
            "company_db_id",
            "header_transaction_source_db_id",
            "ledger_type_db_id",
            "payment_status_db_id",
            "sl_transaction_type_db_id",
        },
        "supplier": {
            "contact_db_id",
            "currency_db_id",
            "ledger_type_db_id",
            "pay_terms_db_id",
            "subledger_group_db_id",
        },
        "transaction": {"match_id", "tax_rule_db_id"},
        "transaction_header": {"transaction_source_db_id"},
    },
    "names what an id stands for": {
        "account": {"account_group_code", "chart_of_account_code", "ledger_type_code"},
        "ap_transaction": {"ledger_type_name", "payment_status_name"},
        "company": {"code", "description"},
        "currency": {"description"},
        "object": {"field_code", "field_name"},
        "supplier": {"ledger_type_name", "subledger_group_code"},
    },
    "says whether a register's row is in use": {"account": {"posting"}, "supplier": {"from_date", "to_date"}},
    "has a purpose in docs/personal-data.md": {"supplier": {"email", "ext_identifier", "phone"}},
}


def _landed(rows: Rows) -> set[str]:
    """Leaves that land in a column, or that one is made of."""
    columns = ((split, column) for split in rows.splits for column in split.table.columns)
    made = " ".join(sql for split in rows.splits for sql in (*dict(split.made).values(), split.where))
    return {".".join((*split.prefix, *column.path)) for split, column in columns} | set(re.findall(r'"([\w.]+)"', made))


@pytest.mark.parametrize("query", _QUERIES)
def test_every_field_that_is_asked_for_lands(query: str) -> None:
    if query in _ONLY_LOOKED_AT:
        return
    rows = _ROWS[query]
    depth = len(rows.node_path)
    leaves = capabilities().fit(document(query)).leaves
    asked = {".".join(leaf[depth:]) for leaf in leaves if leaf[:depth] == rows.node_path}
    # A row of a connection without its id is taken for a broken answer.
    known_by = {"dbId"} if rows.node_path == CONNECTION else set()
    assert asked - known_by <= _landed(rows)


class Lineage:
    """Which columns of which relation something published is made of."""

    def __init__(self, build: Build) -> None:
        manifest = build.manifest
        self._nodes: dict[str, Any] = {
            name: node
            for name, node in (manifest["nodes"] | manifest["sources"]).items()
            if node["resource_type"] in ("model", "snapshot", "seed", "source")
        }
        self._children: Mapping[str, list[str]] = manifest["child_map"]
        self._names = {self._relation(node): name for name, node in self._nodes.items()}
        self._schema: dict[str, Any] = {}
        self._columns: dict[str, list[str]] = defaultdict(list)
        for *relation, column, kind in build.query_all(
            "select database_name, schema_name, table_name, column_name, data_type from duckdb_columns() where not internal"
        ):
            database, schema, table = relation
            tables = self._schema.setdefault(database, {}).setdefault(schema, {})
            tables.setdefault(table, {})[column] = kind
            if name := self._names.get((database, schema, table)):
                self._columns[name].append(column)

    @staticmethod
    def _relation(node: Mapping[str, Any]) -> tuple[str, str, str]:
        return node["database"], node["schema"], node.get("identifier") or node.get("alias") or node["name"]

    def used_raw_columns(self) -> Mapping[str, set[str]]:
        """By raw table; what is published is used as a whole."""
        used: dict[str, set[str]] = defaultdict(set)
        for name in self._children_first():
            node = self._nodes[name]
            if node["resource_type"] == "snapshot" or node["fqn"][1] in ("marts", "audit", "findings"):
                used[name] |= set(self._columns[name])
            # A snapshot's own columns stand in no SQL.
            columns = {column for column in used[name] if not column.startswith("dbt_")}
            if columns and node.get("compiled_code"):
                for relation, column in self._read(node["compiled_code"], columns):
                    used[self._names[relation]].add(column)
        return {node["name"]: used[name] for name, node in self._nodes.items() if node["resource_type"] == "source"}

    def _children_first(self) -> Iterator[str]:
        seen: set[str] = set()

        def visit(name: str) -> Iterator[str]:
            if name in self._nodes and name not in seen:
                seen.add(name)
                for child in self._children[name]:
                    yield from visit(child)
                yield name

        for name in self._nodes:
            yield from visit(name)

    def _read(self, sql: str, columns: set[str]) -> Iterator[tuple[tuple[str, str, str], str]]:
        """The columns of other relations that these columns of a model are made of."""
        everything = parse_one(sql, dialect="duckdb").subquery("model")
        wanted = exp.select(*(exp.column(column, table="model") for column in sorted(columns))).from_(everything)
        qualified = qualify(
            wanted, schema=self._schema, dialect="duckdb", quote_identifiers=False, validate_qualify_columns=False
        )
        for scope in traverse_scope(pushdown_projections(qualified)):
            for column in scope.columns:
                source = scope.sources.get(column.table)
                if isinstance(source, exp.Table):
                    yield (source.catalog, source.db, source.name), column.name


@pytest.fixture(scope="module")
def used(small: Build) -> Mapping[str, set[str]]:
    return Lineage(small).used_raw_columns()


@pytest.mark.parametrize("table", sorted(TABLES))
def test_every_raw_column_is_published_or_says_why_not(used: Mapping[str, set[str]], table: str) -> None:
    unused = {column.name for column in TABLES[table].columns} - used[table] - _KEYS
    if table in _PROMISED:
        assert not used[table], f"{table} is used, so its columns have to be looked at one by one"
    else:
        assert unused == set().union(*(tables.get(table, set()) for tables in _NOT_PUBLISHED.values()))


def test_lineage_tells_used_columns_from_unused_ones(used: Mapping[str, set[str]]) -> None:
    assert {"amount", "text", "gl_object5_db_id"} <= used["transaction"]
    assert "match_id" in used["ap_transaction"]

"""The ledger as DuckDB tables: one per GraphQL type, columns named and typed by the schema itself.

A reference to another object is stored as the column ``<reference>DbId``. What the API does not show but filters or orders by
is added in `_HIDDEN`.
"""

from __future__ import annotations

from functools import cache

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    get_nullable_type,
)

from pipelines.sandbox.schema import full_schema

SQL_TYPES = {
    "Int": "INTEGER",
    "Int64String": "BIGINT",
    "MoneyString": "DECIMAL(18,2)",
    "DateString": "DATE",
    "DateTimeString": "TIMESTAMP",
    "Boolean": "BOOLEAN",
    "Float": "DOUBLE",
    "String": "VARCHAR",
    "ID": "BIGINT",
    "DeltaMutationType": "VARCHAR",
}
TABLES = (
    "Transaction", "TransactionHeader", "APTransaction", "ARTransaction", "Subledger", "Account", "Company", "Contact",
    "Address", "ObjectValue", "ObjectKind", "Object", "Owner", "Entity", "GLSetupEntry", "Country", "Currency", "SystemValue",
    "TransactionSource", "TaxRule", "Period", "File", "XglDimension", "Timesheet",
)  # fmt: skip
DELTA_TABLES = ("TransactionDelta", "APTransactionDelta", "SupplierDelta")
# Objects of which nothing but the id is known; they have no table of their own.
ID_ONLY = ("IdRef", "User")
# Built from the columns of the row that carries it.
EMBEDDED = ("GLDimension",)

_REFERENCE_COLUMNS = {("Transaction", "period"): "periodId", ("RecentTransaction", "period"): "periodId"}
_HIDDEN = {
    "Transaction": {"headerTransactionSourceDbId": "INTEGER", "glDimensionDbId": "BIGINT"},
    "APTransaction": {f"glObject{number}DbId": "INTEGER" for number in range(1, 6)} | {"glDimensionDbId": "BIGINT"},
    "ARTransaction": {f"glObject{number}DbId": "INTEGER" for number in range(1, 6)} | {"glDimensionDbId": "BIGINT"},
    "Subledger": {"isSupplier": "BOOLEAN", "isOpen": "BOOLEAN"},
    "Account": {"createdAt": "TIMESTAMP", "isOpen": "BOOLEAN"},
    "Company": {"createdAt": "TIMESTAMP", "isOpen": "BOOLEAN"},
    "GLSetupEntry": {"entityDbId": "INTEGER"},
}
# Deltas show a row's own columns, or none of them when it is gone: only the change itself is stored.
_DELTA_COLUMNS = {
    "position": "BIGINT",
    "dbId": "BIGINT",
    "ownerDbId": "INTEGER",
    "mutationType": "VARCHAR",
    "mutatedAt": "TIMESTAMP",
}


def reference_column(type_name: str, field_name: str) -> str:
    """The column that holds the dbId of the object a field refers to."""
    return _REFERENCE_COLUMNS.get((type_name, field_name), f"{field_name}DbId")


@cache
def columns(type_name: str) -> dict[str, str]:
    """Column names and DuckDB types of a type's table; for a supplier those of the subledger's table it is part of."""
    if type_name in DELTA_TABLES:
        return dict(_DELTA_COLUMNS)
    found: dict[str, str] = {}
    for source in ("Subledger", "Supplier") if type_name == "Subledger" else (type_name,):
        graphql_type = full_schema().type_map[source]
        assert isinstance(graphql_type, GraphQLObjectType)  # noqa: S101
        for name, field in graphql_type.fields.items():
            named = get_named_type(field.type)
            if isinstance(named, (GraphQLScalarType, GraphQLEnumType)):
                found[name] = SQL_TYPES[named.name]
        for name, field in graphql_type.fields.items():
            named = get_named_type(field.type)
            if isinstance(get_nullable_type(field.type), GraphQLList) or named.name in EMBEDDED:
                continue
            if isinstance(named, GraphQLObjectType):
                found.setdefault(reference_column(type_name, name), "BIGINT")
    return found | _HIDDEN.get(type_name, {})


def create_tables_sql() -> str:
    """Statements that make the empty ledger."""
    statements = [
        f'create table "{name}" ({", ".join(f"{column!s} {kind}" for column, kind in _quoted(name))});'
        for name in (*TABLES, *DELTA_TABLES)
    ]
    return "\n".join([*statements, _VIEWS])


def _quoted(type_name: str) -> list[tuple[str, str]]:
    return [(f'"{name}"', kind) for name, kind in columns(type_name).items()]


_VIEWS = """
create table "Clock" ("now" TIMESTAMP);
create view "Supplier" as select * from "Subledger" where "isSupplier";
create view "RecentTransaction" as
    select line.* from "Transaction" as line
    where line."headerDbId" in (
        select header."dbId" from "TransactionHeader" as header, "Clock" as clock
        where header."modifiedAt" > clock."now" - interval 3 days
    );
"""

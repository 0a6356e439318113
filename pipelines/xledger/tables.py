"""The seventeen raw tables: every column with its type and the place in the response it comes from.

A column exists even when it is null in every row. Names are snake_case of the API's names, nested references end in
``_db_id``. Keys are (owner_db_id, db_id); registers that all owners share (countries, currencies, system values) carry
owner_db_id 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import pyarrow as pa

SHARED_OWNER = 0


class Kind(Enum):
    """Declared type of a column; the value is DuckDB's name of it."""

    ID = "BIGINT"
    INTEGER = "INTEGER"
    MONEY = "DECIMAL(19,4)"
    DATE = "DATE"
    TIME = "TIMESTAMP"
    FLAG = "BOOLEAN"
    TEXT = "VARCHAR"

    @property
    def arrow(self) -> pa.DataType:
        return _ARROW[self]


_ARROW: Mapping[Kind, pa.DataType] = {
    Kind.ID: pa.int64(),
    Kind.INTEGER: pa.int32(),
    Kind.MONEY: pa.decimal128(19, 4),
    Kind.DATE: pa.date32(),
    Kind.TIME: pa.timestamp("us"),
    Kind.FLAG: pa.bool_(),
    Kind.TEXT: pa.string(),
}


@dataclass(frozen=True)
class Column:
    """One raw column. ``path`` is where the value stands in the response node; empty for columns made while landing."""

    name: str
    kind: Kind
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One raw table: the API's entity and its columns, keys first."""

    name: str
    entity: str
    columns: tuple[Column, ...]

    @property
    def arrow_schema(self) -> pa.Schema:
        return pa.schema([pa.field(column.name, column.kind.arrow) for column in self.columns])


def snake_case(name: str) -> str:
    """``glObject1DbId`` -> ``gl_object1_db_id``."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _columns(kind: Kind, *paths: str) -> tuple[Column, ...]:
    return tuple(
        Column("_".join(snake_case(step) for step in path.split(".")), kind, tuple(path.split("."))) for path in paths
    )


def _made(kind: Kind, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name in names)


_KEYS = _columns(Kind.ID, "ownerDbId", "dbId")
_SHARED_KEYS = (*_made(Kind.ID, "owner_db_id"), *_columns(Kind.ID, "dbId"))
_GL_OBJECTS = tuple(f"glObject{number}DbId" for number in range(1, 6))

TRANSACTION = Table(
    "transaction",
    "Transaction",
    (
        *_KEYS,
        *_columns(Kind.ID, "header.dbId", "accountDbId", "companyDbId", "currency.dbId", "taxRule.dbId"),
        *_columns(Kind.ID, *_GL_OBJECTS, "matchId", "periodId"),
        *_columns(Kind.INTEGER, "periodNumber"),
        *_columns(Kind.TEXT, "text"),
        *_columns(Kind.MONEY, "amount", "invoiceAmount", "taxAmount"),
    ),
)
TRANSACTION_HEADER = Table(
    "transaction_header",
    "TransactionHeader",
    (
        Column("owner_db_id", Kind.ID, ("ownerDbId",)),
        Column("db_id", Kind.ID, ("header", "dbId")),
        Column("transaction_number", Kind.ID, ("header", "transactionNumber")),
        Column("transaction_source_db_id", Kind.ID, ("header", "transactionSource", "dbId")),
        Column("transaction_source_code", Kind.TEXT, ("header", "transactionSource", "code")),
        Column("transaction_source_description", Kind.TEXT, ("header", "transactionSource", "description")),
        Column("fiscal_year", Kind.INTEGER, ("header", "fiscalYear")),
        Column("posted_date", Kind.DATE, ("header", "postedDate")),
        Column("modified_at", Kind.TIME, ("header", "modifiedAt")),
    ),
)
GL_DIMENSION = Table(
    "gl_dimension",
    "GLDimension",
    (
        Column("owner_db_id", Kind.ID, ("ownerDbId",)),
        *_made(Kind.ID, "db_id"),
        *_columns(Kind.ID, *_GL_OBJECTS),
    ),
)
RECENT_TRANSACTION = Table(
    "recent_transaction",
    "RecentTransaction",
    (*_KEYS, *_columns(Kind.TEXT, "mutationType"), *_made(Kind.TEXT, "feed")),
)
ACCOUNT = Table(
    "account",
    "Account",
    (
        *_KEYS,
        *_columns(Kind.ID, "chartOfAccountDbId", "accountGroupDbId", "ledgerType.dbId"),
        *_columns(
            Kind.TEXT,
            "code",
            "description",
            "accountGroup.code",
            "accountGroup.description",
            "chartOfAccount.code",
            "chartOfAccount.name",
            "ledgerType.code",
        ),
        *_columns(
            Kind.FLAG,
            "balanceSheet",
            "asset",
            "liabilities",
            "equity",
            "revenue",
            "cost",
            "costOfGoodsSold",
            "costWagesSalaries",
            "costDepreciation",
            "costSalesAndMarketing",
            "costOtherOperating",
            "finance",
            "vat",
            "posting",
        ),
        *_columns(Kind.TIME, "modifiedAt"),
    ),
)
AP_TRANSACTION = Table(
    "ap_transaction",
    "APTransaction",
    (
        *_KEYS,
        *_columns(
            Kind.ID,
            "transactionHeader.dbId",
            "subledgerDbId",
            "matchId",
            "headerTransactionSourceDbId",
            "account.dbId",
            "company.dbId",
            "currency.dbId",
            "ledgerType.dbId",
            "slTransactionType.dbId",
            "paymentStatus.dbId",
        ),
        *_columns(
            Kind.TEXT,
            "transactionHeader.transactionSource.code",
            "ledgerType.name",
            "slTransactionType.name",
            "paymentStatus.name",
            "invoiceNumber",
            "extIdentifier",
            "paymentReference",
        ),
        *_columns(Kind.MONEY, "amount", "invoiceAmount", "invoiceRemaining"),
        *_columns(Kind.DATE, "invoiceDate", "dueDate", "lastPaymentDate"),
        *_columns(Kind.TIME, "headerModifiedAt"),
    ),
)
SUPPLIER = Table(
    "supplier",
    "Supplier",
    (
        *_KEYS,
        *_columns(
            Kind.ID, "companyDbId", "contact.dbId", "currency.dbId", "payTerms.dbId", "subledgerGroup.dbId",
            "ledgerType.dbId", "address.dbId",
        ),
        *_columns(
            Kind.TEXT,
            "code",
            "description",
            "email",
            "phone",
            "extIdentifier",
            "taxNo",
            "payTerms.code",
            "payTerms.description",
            "subledgerGroup.code",
            "subledgerGroup.description",
            "ledgerType.name",
        ),
        *_made(Kind.TEXT, "bank_account_hash"),
        *_columns(Kind.DATE, "fromDate", "toDate"),
        *_columns(Kind.TIME, "modifiedAt"),
    ),
)  # fmt: skip
SUBLEDGER = Table(
    "subledger",
    "Subledger",
    (*_KEYS, *_columns(Kind.ID, "subledgerGroupDbId", "ledgerType.dbId"), *_columns(Kind.TEXT, "ledgerType.name")),
)
ADDRESS = Table(
    "address",
    "Address",
    (
        Column("owner_db_id", Kind.ID, ("ownerDbId",)),
        Column("db_id", Kind.ID, ("address", "dbId")),
        Column("street_address", Kind.TEXT, ("address", "streetAddress")),
        Column("zip_code", Kind.TEXT, ("address", "zipCode")),
        Column("place", Kind.TEXT, ("address", "place")),
        Column("country_db_id", Kind.ID, ("address", "country", "dbId")),
        Column("country_code", Kind.TEXT, ("address", "country", "code")),
    ),
)
COMPANY = Table(
    "company",
    "Company",
    (
        *_KEYS,
        *_columns(Kind.TEXT, "code", "description", "companyNumber", "taxNumber", "country"),
        *_columns(Kind.TIME, "modifiedAt"),
    ),
)
CONTACT = Table(
    "contact",
    "Contact",
    (*_KEYS, *_columns(Kind.TEXT, "companyName", "jobTitle", "email", "phone"), *_columns(Kind.TIME, "modifiedAt")),
)
COUNTRY = Table("country", "Country", (*_SHARED_KEYS, *_columns(Kind.TEXT, "code", "description")))
CURRENCY = Table("currency", "Currency", (*_SHARED_KEYS, *_columns(Kind.TEXT, "code", "description")))
OBJECT = Table(
    "object",
    "Object",
    (
        Column("owner_db_id", Kind.ID, ("fieldObject", "ownerDbId")),
        Column("db_id", Kind.ID, ("fieldObject", "dbId")),
        Column("object_kind_db_id", Kind.ID, ("fieldObject", "objectKind", "dbId")),
        Column("object_kind_name", Kind.TEXT, ("fieldObject", "objectKind", "name")),
        Column("code", Kind.TEXT, ("fieldObject", "code")),
        Column("description", Kind.TEXT, ("fieldObject", "description")),
        Column("field_code", Kind.TEXT, ("field", "code")),
        Column("field_name", Kind.TEXT, ("field", "name")),
    ),
)
OBJECT_VALUE = Table(
    "object_value",
    "ObjectValue",
    (
        *_KEYS,
        *_columns(Kind.ID, "objectKindDbId"),
        *_columns(Kind.TEXT, "code", "description"),
        *_columns(Kind.DATE, "dateFrom", "dateTo"),
        *_columns(Kind.TIME, "modifiedAt"),
    ),
)
OWNER = Table(
    "owner",
    "Owner",
    (
        *_made(Kind.ID, "owner_db_id"),
        Column("db_id", Kind.ID, ("owner", "dbId")),
        Column("company_db_id", Kind.ID, ("company", "dbId")),
        Column("code", Kind.TEXT, ("owner", "code")),
        Column("description", Kind.TEXT, ("owner", "description")),
        Column("company_number", Kind.TEXT, ("company", "companyNumber")),
        Column("currency_code", Kind.TEXT, ("currency", "code")),
    ),
)
SYSTEM_VALUE = Table("system_value", "SystemValue", (*_SHARED_KEYS, *_columns(Kind.TEXT, "code", "name")))

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            TRANSACTION,
            TRANSACTION_HEADER,
            RECENT_TRANSACTION,
            ACCOUNT,
            AP_TRANSACTION,
            ADDRESS,
            COMPANY,
            CONTACT,
            COUNTRY,
            CURRENCY,
            GL_DIMENSION,
            OBJECT,
            OBJECT_VALUE,
            OWNER,
            SUBLEDGER,
            SUPPLIER,
            SYSTEM_VALUE,
        )
    }
)  # fmt: skip

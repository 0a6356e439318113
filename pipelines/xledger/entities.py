"""Which raw tables each document's rows carry. Entities without a root of their own are split out of the rows that have them."""

from __future__ import annotations

from pipelines.xledger.landing import Rows, Split
from pipelines.xledger.tables import (
    ACCOUNT,
    ADDRESS,
    AP_TRANSACTION,
    COMPANY,
    CONTACT,
    COUNTRY,
    CURRENCY,
    GL_DIMENSION,
    OBJECT,
    OBJECT_VALUE,
    OWNER,
    RECENT_TRANSACTION,
    SHARED_OWNER,
    SUBLEDGER,
    SUPPLIER,
    SYSTEM_VALUE,
    TRANSACTION,
    TRANSACTION_HEADER,
    Table,
)

_SHARED = (("owner_db_id", f"{SHARED_OWNER}::bigint"),)
_GL_OBJECT_IDS = ", ".join(f'"glObject{number}DbId"' for number in range(1, 6))


def _shared(table: Table, *prefix: str) -> Split:
    return Split(table, prefix, _SHARED)


# The API names no id for a combination of dimension values: it is a hash of the five ids, stable from run to run.
_GL_DIMENSION = Split(
    GL_DIMENSION,
    made=(
        (
            "db_id",
            f"case when coalesce({_GL_OBJECT_IDS}) is not null then "
            f"(md5_number(concat_ws('/', {', '.join(f'coalesce({value}, 0)' for value in _GL_OBJECT_IDS.split(', '))})) "
            "% 4611686018427387904)::bigint end",
        ),
    ),
    distinct_on=("ownerDbId", *(f"glObject{number}DbId" for number in range(1, 6))),
)

_OWNER = Split(OWNER, made=(("owner_db_id", '"owner.dbId"'),))
_BANK_ACCOUNT = "upper(regexp_replace(\"bankAccount\", '[^0-9A-Za-z]', '', 'g'))"
_BANK_ACCOUNT_HASH = (
    "bank_account_hash",
    f"case when {_BANK_ACCOUNT} <> '' then sha256(getvariable('salt') || {_BANK_ACCOUNT}) end",
)

TRANSACTION_ROWS = Rows((Split(TRANSACTION), Split(TRANSACTION_HEADER), _GL_DIMENSION))
AP_TRANSACTION_ROWS = Rows(
    (
        Split(AP_TRANSACTION),
        _shared(SYSTEM_VALUE, "ledgerType"),
        _shared(SYSTEM_VALUE, "slTransactionType"),
        _shared(SYSTEM_VALUE, "paymentStatus"),
    )
)
ACCOUNT_ROWS = Rows(
    (Split(ACCOUNT), _OWNER, _shared(SYSTEM_VALUE, "chartOfAccount"), _shared(SYSTEM_VALUE, "ledgerType"))
)
SUPPLIER_ROWS = Rows(
    (
        Split(SUPPLIER, made=(_BANK_ACCOUNT_HASH,)),
        Split(ADDRESS),
        _OWNER,
        _shared(SYSTEM_VALUE, "ledgerType"),
    )
)
SUBLEDGER_ROWS = Rows((Split(SUBLEDGER), _shared(SYSTEM_VALUE, "ledgerType")))
COMPANY_ROWS = Rows((Split(COMPANY),))
CONTACT_ROWS = Rows((Split(CONTACT),))
COUNTRY_ROWS = Rows((_shared(COUNTRY),))
CURRENCY_ROWS = Rows((_shared(CURRENCY),))
OBJECT_VALUE_ROWS = Rows((Split(OBJECT_VALUE),))
OBJECT_ROWS = Rows((Split(OBJECT),), node_path=("entity", "glSetupEntries"))
ENTITY_ROWS = Rows((_OWNER,))

# The feeds name payroll lines as well: only lines that were received are kept.
_RECEIVED_LINE = '"dbId" in (select db_id from landed.transaction)'
DELTA_ROWS = Rows((Split(RECENT_TRANSACTION, made=(("feed", "'transaction_deltas'"),), where=_RECEIVED_LINE),))
RECENT_ROWS = Rows(
    (
        Split(
            RECENT_TRANSACTION,
            made=(("feed", "'recentTransactions'"), ("mutation_type", "'RECENT'")),
            where=_RECEIVED_LINE,
        ),
    )
)

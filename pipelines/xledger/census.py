"""The pre-queries of the payroll fence: ids, document types and accounts of all rows up to the fence, and nothing else."""

from __future__ import annotations

from pipelines.xledger.landing import Rows, Split
from pipelines.xledger.payroll import AP_TRANSACTIONS, TRANSACTIONS
from pipelines.xledger.tables import Column, Kind, Table

_KEYS = (Column("owner_db_id", Kind.ID, ("ownerDbId",)), Column("db_id", Kind.ID, ("dbId",)))

CENSUS_DOCUMENTS = {TRANSACTIONS: "payroll_transactions", AP_TRANSACTIONS: "payroll_ap_transactions"}
HIGHEST_DOCUMENTS = {TRANSACTIONS: "highest_transaction", AP_TRANSACTIONS: "highest_ap_transaction"}
CENSUS_NAMES = {TRANSACTIONS: "gl", AP_TRANSACTIONS: "ap"}

CENSUS_ROWS = {
    TRANSACTIONS: Rows(
        (
            Split(
                Table(
                    "census_gl",
                    "",
                    (
                        *_KEYS,
                        Column("header_db_id", Kind.ID, ("header", "dbId")),
                        Column("account_db_id", Kind.ID, ("accountDbId",)),
                        Column("match_id", Kind.ID, ("matchId",)),
                        Column("document_type_db_id", Kind.ID, ("header", "transactionSource", "dbId")),
                        Column("document_type", Kind.TEXT, ("header", "transactionSource", "code")),
                    ),
                )
            ),
        )
    ),
    AP_TRANSACTIONS: Rows(
        (
            Split(
                Table(
                    "census_ap",
                    "",
                    (
                        *_KEYS,
                        Column("header_db_id", Kind.ID, ("transactionHeader", "dbId")),
                        Column("subledger_db_id", Kind.ID, ("subledgerDbId",)),
                        Column("match_id", Kind.ID, ("matchId",)),
                        Column("document_type_db_id", Kind.ID, ("transactionHeader", "transactionSource", "dbId")),
                        Column("document_type", Kind.TEXT, ("transactionHeader", "transactionSource", "code")),
                        Column("ledger_type_code", Kind.TEXT, ("ledgerType", "code")),
                        Column("ledger_type_name", Kind.TEXT, ("ledgerType", "name")),
                    ),
                )
            ),
        )
    ),
}

SUPPLIER_ID_ROWS = Rows((Split(Table("census_supplier", "", _KEYS)),))
HIGHEST_ROWS = Rows((Split(Table("census_highest", "", _KEYS)),))

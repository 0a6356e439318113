"""A ledger of a few lines, put before the payroll fence as the pre-queries would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
from responses import Bench

from pipelines.xledger.charts import DEFAULT_PAY_RANGES
from pipelines.xledger.payroll import AP_TRANSACTIONS, TRANSACTIONS, PayrollFence
from pipelines.xledger.prequeries import ITEMS, LINES
from pipelines.xledger.settings import LARGEST_PAGE, Settings
from pipelines.xledger.tables import ACCOUNT

NS4102, BAS, OTHER_CHART = 2, 3, 8
OWNER = 7

SETTINGS = Settings(
    api_url="http://127.0.0.1/graphql",
    tokens=(),
    page_size=LARGEST_PAGE,
    payroll_document_types=("PR",),
    payroll_account_ranges=DEFAULT_PAY_RANGES,
    no_payroll_expected=False,
    max_ids_per_query=LARGEST_PAGE,
    requests_per_5_seconds=18,
)

_TYPES = {"PR": 1, "AP": 2, "BA": 3, "ER": 4, "GL": 5, "MA": 6, "OS": 7}


def type_id(code: str | None) -> int | None:
    return None if code is None else _TYPES.get(code.strip().upper(), 99)


@dataclass(frozen=True)
class Line:
    """A ledger line; ``account`` is its account's code, None an account that the token does not show."""

    db_id: int
    header: int | None
    document_type: str | None
    account: str | None
    match: int = 0
    owner: int = OWNER


@dataclass(frozen=True)
class Item:
    """A supplier-ledger item; suppliers have the subledgers 1 to 9, staff 11 to 19."""

    db_id: int
    header: int | None
    document_type: str | None
    subledger: int | None = 1
    match: int = 0
    owner: int = OWNER
    ledger_code: str | None = None
    ledger_name: str | None = None


@dataclass
class FencedLedger:
    """Lines and items in one chart of accounts; ``flags`` are of accounts by code."""

    lines: Sequence[Line] = ()
    items: Sequence[Item] = ()
    chart: int | None = NS4102
    flags: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    subledger_names: Mapping[int, str | None] = field(default_factory=dict)
    settings: Settings = SETTINGS
    bench: Bench = field(default_factory=Bench)

    def __post_init__(self) -> None:
        self.fence = PayrollFence(self.bench.workbench, self.settings)
        self.account_ids = {code: 4000 + number for number, code in enumerate(sorted(self._codes()))}

    def _codes(self) -> set[str]:
        return {line.account for line in self.lines if line.account is not None} | set(self.flags)

    def fill(self) -> PayrollFence:
        """The fence with everything taken, not yet judged."""
        self.fence.take_accounts(self._accounts())
        self.fence.take("supplier", _table(db_id=list(range(1, 10)), owner_db_id=[OWNER] * 9))
        names = self.subledger_names
        self.fence.take("subledger", _table(db_id=list(names), ledger_type_name=pa.array(names.values(), pa.string())))
        self.fence.take("gl", self._lines())
        self.fence.take("ap", self._items())
        return self.fence

    def judge(self) -> PayrollFence:
        self.fill().judge(is_whole_ledger=True)
        return self.fence

    def excluded(self, root: str) -> dict[int, str]:
        """The rule by id, after `judge`."""
        self.judge()
        table = {TRANSACTIONS: "fence.gl_excluded", AP_TRANSACTIONS: "fence.ap_excluded"}[root]
        rows = self.bench.workbench.execute(f"select db_id, rule from {table}").fetchall()
        assert len(rows) == len(dict(rows)), "an id was left out twice"
        return dict(rows)

    def excluded_lines(self) -> dict[int, str]:
        return self.excluded(TRANSACTIONS)

    def excluded_items(self) -> dict[int, str]:
        return self.excluded(AP_TRANSACTIONS)

    def expecting_no_payroll(self) -> FencedLedger:
        return replace(self, settings=replace(self.settings, no_payroll_expected=True))

    def _accounts(self) -> pa.Table:
        rows = []
        for code, db_id in self.account_ids.items():
            row: dict[str, Any] = dict.fromkeys(ACCOUNT.arrow_schema.names)
            row |= {"owner_db_id": OWNER, "db_id": db_id, "code": code, "chart_of_account_db_id": self.chart}
            rows.append(row | dict(self.flags.get(code, {})))
        return pa.Table.from_pylist(rows, ACCOUNT.arrow_schema)

    def _lines(self) -> pa.Table:
        rows = [
            {
                "owner_db_id": line.owner,
                "db_id": line.db_id,
                "header_db_id": line.header,
                "account_db_id": 1 if line.account is None else self.account_ids[line.account],
                "match_id": line.match,
                "document_type_db_id": type_id(line.document_type),
                "document_type": line.document_type,
            }
            for line in self.lines
        ]
        return pa.Table.from_pylist(rows, LINES.splits[0].table.arrow_schema)

    def _items(self) -> pa.Table:
        rows = [
            {
                "owner_db_id": item.owner,
                "db_id": item.db_id,
                "header_db_id": item.header,
                "subledger_db_id": item.subledger,
                "match_id": item.match,
                "document_type_db_id": type_id(item.document_type),
                "document_type": item.document_type,
                "ledger_type_code": item.ledger_code,
                "ledger_type_name": item.ledger_name,
            }
            for item in self.items
        ]
        return pa.Table.from_pylist(rows, ITEMS.splits[0].table.arrow_schema)


def _table(**columns: Any) -> pa.Table:
    return pa.table(
        {
            name: values if isinstance(values, pa.Array) else pa.array(values, pa.int64())
            for name, values in columns.items()
        }
    )

"""The supplier page: who it is, what is bought from it, on which terms, and the source records it stands for."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
from markupsafe import Markup

from pipelines.explore import charts, overview
from pipelines.explore.figures import Figure
from pipelines.explore.numbers import money, whole
from pipelines.explore.selection import Selection
from pipelines.explore.tables import Link, Table, supplier_link, table, why_link

_SUPPLIERS_FOUND = 50
_INVOICES_SHOWN = 100


@dataclass(frozen=True)
class SupplierPart:
    """What the page shows of one supplier."""

    figures: list[Figure]
    charts: list[Markup]
    tables: list[Table]


def find_suppliers(connection: duckdb.DuckDBPyConnection, words: str) -> list[tuple[str, Link]]:
    """Id and link of the largest suppliers whose name, organisation number, code or id holds the words."""
    found = connection.execute(
        "select supplier_id, coalesce(supplier_name, supplier_id) || coalesce(' (' || supplier_org_number || ')', '') "
        "from marts.dim_supplier "
        "where contains(lower(concat_ws(' ', supplier_name, supplier_org_number, supplier_codes, supplier_id)), lower($words)) "
        f"order by spend_amount desc nulls last, supplier_id limit {_SUPPLIERS_FOUND}",
        {"words": words.strip()},
    ).fetchall()
    return [(supplier_id, supplier_link(label, supplier_id)) for supplier_id, label in found]


def supplier_part(connection: duckdb.DuckDBPyConnection, supplier_id: str) -> SupplierPart:
    """Figures, spend by month in each currency, and tables: facts, payment, accounts, sources, invoices."""
    chosen: dict[str, object] = {"supplier_id": supplier_id}
    currencies = connection.execute(
        "select company_currency, sum(amount_net), count(distinct invoice_number) from marts.fct_spend "
        "where supplier_id = $supplier_id group by all order by 1",
        chosen,
    ).fetchall()
    drawn = [
        charts.embedded(
            charts.months_chart(overview.by_month(connection, Selection(currency, supplier_id=supplier_id)), currency),
            f"supplier-{number}",
        )
        for number, (currency, *_) in enumerate(currencies)
    ]
    figures = [
        Figure("Spend", money(spend, currency), f"{currency}, without VAT; {whole(invoices)} invoice numbers")
        for currency, spend, invoices in currencies
    ]
    return SupplierPart(figures + _payment_figures(connection, chosen), drawn, _tables(connection, chosen))


def _payment_figures(connection: duckdb.DuckDBPyConnection, chosen: dict[str, object]) -> list[Figure]:
    row = connection.execute(
        "select count(*), round(avg(agreed_days), 1), round(avg(days_to_pay), 1), "
        "100.0 * count(*) filter (where days_late > 0) / nullif(count(*), 0) "
        "from marts.fct_ap_invoice where supplier_id = $supplier_id and is_settled and not is_credit_note",
        chosen,
    ).fetchone()
    settled, agreed, taken, late = row or (0, None, None, None)
    if not settled:
        return [Figure("Days to pay", "–", "no settled invoice")]
    return [
        Figure("Terms", _days(agreed), "from invoice to due date, on average"),
        Figure("Days to pay", _days(taken), f"on average of {whole(settled)} settled invoices"),
        Figure("Paid late", f"{late:.0f} %", "of the settled invoices"),
    ]


def _days(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} days"


def _tables(connection: duckdb.DuckDBPyConnection, chosen: dict[str, object]) -> list[Table]:
    return [
        table(connection, "Supplier", "from marts.dim_supplier where supplier_id = $supplier_id", chosen),
        table(
            connection,
            "Source records it stands for",
            """
            with sources as (
                select unnest(string_split(source_supplier_ids, ', ')) as source_supplier_id
                from marts.dim_supplier where supplier_id = $supplier_id
            ),
            history as (select owner_db_id || '-' || supplier_db_id as source_supplier_id, * from audit.supplier_history),
            invoices as (
                select owner_db_id || '-' || supplier_db_id as source_supplier_id, count(*) as invoices
                from marts.fct_ap_invoice where supplier_id = $supplier_id group by all
            )
            select sources.source_supplier_id, owners.owner_name, history.supplier_name, history.supplier_org_number,
                history.pay_terms, coalesce(invoices.invoices, 0) as invoices
            from sources
            left join history on sources.source_supplier_id = history.source_supplier_id and history.valid_to is null
            left join marts.dim_owner as owners on history.owner_db_id = owners.owner_db_id
            left join invoices on sources.source_supplier_id = invoices.source_supplier_id
            order by sources.source_supplier_id
            """,
            chosen,
        ),
        table(
            connection,
            "Payment by company (settled invoices)",
            "select owner_name, count(*) as invoices, round(avg(agreed_days), 1) as agreed_days, "
            "round(avg(days_to_pay), 1) as days_to_pay, count(*) filter (where days_late > 0) as paid_late "
            "from marts.fct_ap_invoice where supplier_id = $supplier_id and is_settled and not is_credit_note "
            "group by all order by all",
            chosen,
        ),
        table(
            connection,
            "Spend by account",
            "select owner_name, account_code, account_name, sum(amount_net) as spend, company_currency "
            "from marts.fct_spend where supplier_id = $supplier_id group by all order by spend desc, owner_name, account_code",
            chosen,
        ),
        _invoices(connection, chosen),
    ]


def _invoices(connection: duckdb.DuckDBPyConnection, chosen: dict[str, object]) -> Table:
    """The latest invoices, each leading to the lines of its voucher."""
    found = table(
        connection,
        f"Latest {_INVOICES_SHOWN} invoices (with VAT)",
        "select invoice_number, owner_name, voucher_number, invoice_date, due_date, paid_date, days_to_pay, days_late, "
        "amount_gross, open_amount, company_currency, ap_invoice_id from marts.fct_ap_invoice "
        "where supplier_id = $supplier_id order by invoice_date desc nulls last, ap_invoice_id "
        f"limit {_INVOICES_SHOWN}",
        chosen,
    )
    rows: list[tuple[object, ...]] = [
        (why_link(number if number is not None else "–", invoice_id), *rest) for number, *rest, invoice_id in found.rows
    ]
    return Table(found.title, found.columns[:-1], rows)

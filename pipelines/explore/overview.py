"""The numbers of the overview, as the app and the report show them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from pipelines.explore.selection import Selection, months_before

TOP_SUPPLIERS = 20
_LONGEST_YEARS = 20


@dataclass(frozen=True)
class Totals:
    """Sums in company currency without VAT, and counts; ``year_before`` is of the same months a year earlier."""

    spend: Decimal
    year_before: Decimal
    lines: int
    suppliers: int
    invoices: int
    without_supplier: Decimal


@dataclass(frozen=True)
class Month:
    """Spend of a month and of the same month a year before."""

    month: date
    spend: Decimal
    year_before: Decimal


@dataclass(frozen=True)
class SupplierRank:
    """A supplier's spend, and the share in percent of all suppliers' spend that it and the larger ones have."""

    supplier_id: str
    name: str
    spend: Decimal
    invoices: int
    running_share: float | None


@dataclass(frozen=True)
class Category:
    """Spend of a category of the third level."""

    level_1: str
    level_2: str
    level_3: str
    spend: Decimal


def totals(connection: duckdb.DuckDBPyConnection, selection: Selection) -> Totals:
    # Hashes of 64 bits: counting distinct pairs themselves takes twice as long.
    row = connection.execute(
        f"""
        select
            coalesce(sum(amount_net), 0),
            count(*),
            count(distinct supplier_id),
            count(distinct hash(supplier_id, invoice_number)) filter (where invoice_number is not null),
            coalesce(sum(amount_net) filter (where supplier_id is null), 0)
        from marts.fct_spend
        where {selection.condition}
        """,
        selection.parameters(),
    ).fetchone()
    before = connection.execute(
        f"select coalesce(sum(amount_net), 0) from marts.fct_spend where {selection.condition}",
        selection.parameters(years_back=1),
    ).fetchone()
    spend, lines, suppliers, invoices, without_supplier = row or (Decimal(0), 0, 0, 0, Decimal(0))
    return Totals(spend, before[0] if before else Decimal(0), lines, suppliers, invoices, without_supplier)


def by_month(connection: duckdb.DuckDBPyConnection, selection: Selection) -> list[Month]:
    """Every month from the first to the last with spend, and those of a chosen period that had some the year before."""
    spend, before = (
        dict(
            connection.execute(
                f"""
                select (date_trunc('month', spend_date) + interval {years_back} year)::date, sum(amount_net)
                from marts.fct_spend
                where {selection.condition} and spend_date is not null
                group by all
                """,
                selection.parameters(years_back=years_back),
            ).fetchall()
        )
        for years_back in (0, 1)
    )
    found = spend.keys() | before.keys()
    if selection.last_month is None and spend:
        # The year after the last spend has only a year before; a whole year at least is drawn.
        found = {month for month in found if month <= max(spend)} | {months_before(max(spend), 11)}
    return [Month(month, spend.get(month, Decimal(0)), before.get(month, Decimal(0))) for month in _without_gaps(found)]


def _without_gaps(found: Collection[date]) -> list[date]:
    """The months in their order, with those between them; not where a mistyped year would draw centuries."""
    if not found or max(found).year - min(found).year > _LONGEST_YEARS:
        return sorted(found)
    count = 12 * (max(found).year - min(found).year) + max(found).month - min(found).month
    return [months_before(max(found), back) for back in range(count, -1, -1)]


def top_suppliers(connection: duckdb.DuckDBPyConnection, selection: Selection) -> list[SupplierRank]:
    """The largest suppliers, largest first."""
    # Names and invoices are looked up for those alone that are shown.
    rows = connection.execute(
        f"""
        with suppliers as (
            select supplier_id, sum(amount_net) as spend
            from marts.fct_spend
            where {selection.condition} and supplier_id is not null
            group by supplier_id
        ),
        largest as (from suppliers order by spend desc, supplier_id limit {TOP_SUPPLIERS}),
        described as (
            select supplier_id, any_value(supplier_name) as name, count(distinct invoice_number) as invoices
            from marts.fct_spend
            where {selection.condition} and supplier_id in (select supplier_id from largest)
            group by supplier_id
        )
        select
            supplier_id,
            coalesce(name, supplier_id),
            spend,
            invoices,
            cast(
                100 * sum(spend) over (order by spend desc, supplier_id)
                / nullif((select sum(spend) from suppliers), 0) as double
            )
        from largest inner join described using (supplier_id)
        order by spend desc, supplier_id
        """,
        selection.parameters(),
    ).fetchall()
    return [SupplierRank(*row) for row in rows]


def by_category(connection: duckdb.DuckDBPyConnection, selection: Selection) -> list[Category]:
    rows = connection.execute(
        f"""
        select
            coalesce(category_level_1, 'Uncategorised'),
            coalesce(category_level_2, 'Uncategorised'),
            coalesce(category_level_3, 'Uncategorised'),
            sum(amount_net)
        from marts.fct_spend
        where {selection.condition}
        group by all
        order by all
        """,
        selection.parameters(),
    ).fetchall()
    return [Category(*row) for row in rows]

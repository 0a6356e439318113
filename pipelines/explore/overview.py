"""The numbers of the overview, as the app and the report show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from pipelines.explore.selection import Selection

TOP_SUPPLIERS = 20


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
    row = connection.execute(
        f"""
        select
            coalesce(sum(amount_net), 0),
            count(*),
            count(distinct supplier_id),
            count(distinct (supplier_id, invoice_number)) filter (where invoice_number is not null),
            coalesce(sum(amount_net) filter (where supplier_id is null), 0)
        from marts.fct_spend
        where {selection.condition()}
        """,
        selection.parameters,
    ).fetchone()
    before = connection.execute(
        f"select coalesce(sum(amount_net), 0) from marts.fct_spend where {selection.condition(years_back=1)}",
        selection.parameters,
    ).fetchone()
    spend, lines, suppliers, invoices, without_supplier = row or (Decimal(0), 0, 0, 0, Decimal(0))
    return Totals(spend, before[0] if before else Decimal(0), lines, suppliers, invoices, without_supplier)


def by_month(connection: duckdb.DuckDBPyConnection, selection: Selection) -> list[Month]:
    """Every month that has spend in the selection or had some a year before."""
    rows = connection.execute(
        f"""
        with spend as (
            select date_trunc('month', spend_date)::date as month, sum(amount_net) as spend, 0 as year_before
            from marts.fct_spend
            where {selection.condition()} and spend_date is not null
            group by all
            union all
            select (date_trunc('month', spend_date) + interval 1 year)::date, 0, sum(amount_net)
            from marts.fct_spend
            where {selection.condition(years_back=1)} and spend_date is not null
            group by all
        )
        select month, sum(spend)::decimal(38, 4), sum(year_before)::decimal(38, 4) from spend group by all order by month
        """,
        selection.parameters,
    ).fetchall()
    return [Month(*row) for row in rows]


def top_suppliers(connection: duckdb.DuckDBPyConnection, selection: Selection) -> list[SupplierRank]:
    """The largest suppliers, largest first."""
    rows = connection.execute(
        f"""
        with suppliers as (
            select
                supplier_id,
                coalesce(any_value(supplier_name), supplier_id) as name,
                sum(amount_net) as spend,
                count(distinct invoice_number) as invoices
            from marts.fct_spend
            where {selection.condition()} and supplier_id is not null
            group by supplier_id
        )
        select
            supplier_id,
            name,
            spend,
            invoices,
            cast(100 * sum(spend) over (order by spend desc, supplier_id) / nullif(sum(spend) over (), 0) as double)
        from suppliers
        order by spend desc, supplier_id
        limit {TOP_SUPPLIERS}
        """,
        selection.parameters,
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
        where {selection.condition()}
        group by all
        order by all
        """,
        selection.parameters,
    ).fetchall()
    return [Category(*row) for row in rows]

"""Which spend is looked at: one currency, and what the reader chose of company, months, category and dimension."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import duckdb

_TWELVE_MONTHS = 12


@dataclass(frozen=True)
class Selection:
    """Spend lines of one company currency; ``None`` means all. Months are first days, both ends included."""

    currency: str | None
    owner_db_id: int | None = None
    first_month: date | None = None
    last_month: date | None = None
    category: str | None = None
    dimension: tuple[int, str] | None = None

    def condition(self, *, years_back: int = 0) -> str:
        """A condition on `marts.fct_spend`, with `parameters` to go with it."""
        dimension = f"dimension_{self.dimension[0]}_code" if self.dimension else "null"
        month = f"date_trunc('month', spend_date) + interval {years_back} year"
        return (
            "company_currency is not distinct from $currency "
            "and ($owner_db_id is null or owner_db_id = $owner_db_id) "
            f"and ($first_month is null or {month} >= $first_month) "
            f"and ($last_month is null or {month} <= $last_month) "
            "and ($category is null or category_level_1 = $category) "
            f"and ($dimension_code is null or {dimension} = $dimension_code)"
        )

    @property
    def parameters(self) -> dict[str, object]:
        return {
            "currency": self.currency,
            "owner_db_id": self.owner_db_id,
            "first_month": self.first_month,
            "last_month": self.last_month,
            "category": self.category,
            "dimension_code": self.dimension[1] if self.dimension else None,
        }

    @property
    def period(self) -> str:
        """The months as people write them."""
        if self.first_month is None or self.last_month is None:
            return "all months"
        return f"{self.first_month:%Y-%m} to {self.last_month:%Y-%m}"


def currencies(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Company currencies, the one with most spend lines first."""
    rows = connection.execute(
        "select company_currency from marts.fct_spend where company_currency is not null "
        "group by all order by count(*) desc, company_currency"
    ).fetchall()
    return [str(currency) for (currency,) in rows]


def months(connection: duckdb.DuckDBPyConnection, currency: str | None) -> list[date]:
    """Months with spend in a currency, oldest first."""
    rows = connection.execute(
        "select distinct date_trunc('month', spend_date)::date as month from marts.fct_spend "
        "where company_currency is not distinct from ? and spend_date is not null order by month",
        [currency],
    ).fetchall()
    return [month for (month,) in rows]


def companies(connection: duckdb.DuckDBPyConnection, currency: str | None) -> list[tuple[int, str]]:
    """Id and name of the companies that keep their books in a currency."""
    return connection.execute(
        "select owner_db_id, coalesce(owner_name, owner_db_id::varchar) from marts.dim_owner "
        "where company_currency is not distinct from ? order by 2, 1",
        [currency],
    ).fetchall()


def categories(connection: duckdb.DuckDBPyConnection, currency: str | None) -> list[str]:
    """Categories of the first level that have spend."""
    rows = connection.execute(
        "select distinct category_level_1 from marts.fct_spend "
        "where company_currency is not distinct from ? and category_level_1 is not null order by 1",
        [currency],
    ).fetchall()
    return [str(category) for (category,) in rows]


def dimension_values(connection: duckdb.DuckDBPyConnection, currency: str | None) -> list[tuple[int, str, str]]:
    """Dimension number, code and name of the 500 values with most lines."""
    each = " union all ".join(
        f"select {number} as dimension, dimension_{number}_code as code, any_value(dimension_{number}_name) as name, "
        f"count(*) as lines from marts.fct_spend where company_currency is not distinct from $currency "
        f"and dimension_{number}_code is not null group by all"
        for number in range(1, 6)
    )
    rows = connection.execute(
        f"from (select dimension, code, name from ({each}) order by lines desc, dimension, code limit 500) order by all",
        {"currency": currency},
    ).fetchall()
    return [(number, code, name or "") for number, code, name in rows]


def last_twelve_months(connection: duckdb.DuckDBPyConnection, currency: str | None) -> Selection:
    """What is shown first: the twelve months up to the last one with spend that is not in the future of the last run."""
    row = connection.execute(
        "select max(date_trunc('month', spend_date))::date from marts.fct_spend "
        "where company_currency is not distinct from ? and spend_date <= _loaded_at",
        [currency],
    ).fetchone()
    last = row[0] if row else None
    if last is None:
        return Selection(currency)
    return replace(Selection(currency), first_month=months_before(last, _TWELVE_MONTHS - 1), last_month=last)


def months_before(month: date, count: int) -> date:
    """The first day of the month so many months earlier."""
    index = month.year * 12 + month.month - 1 - count
    return date(index // 12, index % 12 + 1, 1)

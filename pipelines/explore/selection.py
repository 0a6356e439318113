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
    supplier_id: str | None = None

    @property
    def condition(self) -> str:
        """A condition on `marts.fct_spend`; `parameters` go with it."""
        conditions = ["company_currency is not distinct from $currency"]
        if self.owner_db_id is not None:
            conditions.append("owner_db_id = $owner_db_id")
        # Bare columns against constants: DuckDB then passes over row groups of other dates.
        if self.first_month is not None:
            conditions.append("spend_date >= $first_day")
        if self.last_month is not None:
            conditions.append("spend_date < $day_after")
        if self.category is not None:
            conditions.append("category_level_1 = $category")
        if self.supplier_id is not None:
            conditions.append("supplier_id = $supplier_id")
        if self.dimension is not None:
            conditions.append(f"dimension_{self.dimension[0]}_code = $dimension_code")
        return " and ".join(conditions)

    def parameters(self, *, years_back: int = 0) -> dict[str, object]:
        """What `condition` needs, and nothing else; the months may lie some years earlier."""
        values: dict[str, object] = {
            "owner_db_id": self.owner_db_id,
            "first_day": self.first_month and months_before(self.first_month, _TWELVE_MONTHS * years_back),
            "day_after": self.last_month and months_before(self.last_month, _TWELVE_MONTHS * years_back - 1),
            "category": self.category,
            "supplier_id": self.supplier_id,
            "dimension_code": self.dimension and self.dimension[1],
        }
        return {"currency": self.currency} | {name: value for name, value in values.items() if value is not None}

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

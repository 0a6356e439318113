"""The overview of one selection, ready for a page: key figures, charts, suppliers."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
from markupsafe import Markup

from pipelines.explore import charts, overview
from pipelines.explore.figures import Figure, key_figures
from pipelines.explore.selection import Selection


@dataclass(frozen=True)
class OverviewPart:
    """What app and report show of a selection; ``charts`` are HTML that needs plotly's script on the page."""

    currency: str
    period: str
    figures: list[Figure]
    charts: list[Markup]
    suppliers: list[overview.SupplierRank]


def overview_part(connection: duckdb.DuckDBPyConnection, selection: Selection) -> OverviewPart:
    currency = selection.currency or "unknown currency"
    suppliers = overview.top_suppliers(connection, selection)
    drawn = {
        "months": charts.months_chart(overview.by_month(connection, selection), currency),
        "suppliers": charts.suppliers_chart(suppliers, currency),
        "categories": charts.categories_chart(overview.by_category(connection, selection), currency),
    }
    return OverviewPart(
        currency,
        selection.period,
        key_figures(overview.totals(connection, selection), currency),
        [charts.embedded(figure, f"{currency}-{name}") for name, figure in drawn.items()],
        suppliers,
    )

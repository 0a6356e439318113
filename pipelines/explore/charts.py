"""The charts of app and report."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from decimal import Decimal
from html import escape as escape_html

import plotly.graph_objects as go
from markupsafe import Markup

from pipelines.explore import design
from pipelines.explore.numbers import THOUSANDS, exact
from pipelines.explore.overview import Category, Month, SupplierRank

_LONGEST_LABEL = 30
# Among plotly's buttons is one that sends the chart's data to plotly's own server.
_CONFIG = {"displayModeBar": False}
_MOST_LABELS = 14


def months_chart(months: Sequence[Month], currency: str | None) -> go.Figure:
    """Spend by month beside the same month of the year before."""
    labels = [f"{month.month:%Y-%m}" for month in months]
    figure = go.Figure(layout=_layout("Spend by month", height=380))
    for name, colour, values in (
        ("year before", design.BEFORE, [month.year_before for month in months]),
        ("spend", design.BLUE, [month.spend for month in months]),
    ):
        figure.add_bar(
            x=labels,
            y=[float(value) for value in values],
            name=name,
            marker_color=colour,
            customdata=[exact(value) for value in values],
            hovertemplate=f"%{{x}}, {name}: %{{customdata}} {currency}<extra></extra>",
        )
    figure.update_xaxes(type="category", title_text="month of spend", dtick=math.ceil(len(labels) / _MOST_LABELS) or 1)
    figure.update_yaxes(title=_unit(currency), tickformat=",.0f", zeroline=True, rangemode="tozero")
    return figure


def suppliers_chart(suppliers: Sequence[SupplierRank], currency: str | None) -> go.Figure:
    """The largest suppliers as bars, and the share that they have together as a line."""
    ranks = list(range(1, len(suppliers) + 1))
    figure = go.Figure(layout=_layout("Largest suppliers and their share together", height=520))
    figure.add_bar(
        x=ranks,
        y=[float(supplier.spend) for supplier in suppliers],
        name="spend",
        marker_color=design.BLUE,
        customdata=[[_escape(supplier.name), exact(supplier.spend), supplier.invoices] for supplier in suppliers],
        hovertemplate=f"%{{customdata[0]}}: %{{customdata[1]}} {currency}, %{{customdata[2]}} invoices<extra></extra>",
    )
    figure.add_scatter(
        x=ranks,
        y=[supplier.running_share for supplier in suppliers],
        name="share together",
        yaxis="y2",
        mode="lines+markers",
        line_color=design.VERMILLION,
        customdata=[_escape(supplier.name) for supplier in suppliers],
        hovertemplate="up to %{customdata}: %{y:.1f} % of all suppliers' spend<extra></extra>",
    )
    # Ranks, not names, are the positions: two suppliers may have the same name.
    figure.update_xaxes(
        tickmode="array",
        tickvals=ranks,
        ticktext=[_label(supplier.name) for supplier in suppliers],
        tickangle=-40,
        title_text="supplier",
    )
    figure.update_layout(
        yaxis={"title": _unit(currency), "tickformat": ",.0f"},
        yaxis2={
            "title": "share together, %",
            "overlaying": "y",
            "side": "right",
            "range": [0, 105],
            "dtick": 20,
            "tickmode": "linear",
            "showgrid": False,
        },
    )
    return figure


def categories_chart(categories: Sequence[Category], currency: str | None) -> go.Figure:
    """Categories of three levels as areas. What is zero or negative has no area, and is said in the title."""
    nodes = _tree(categories)
    hidden = sum((category.spend for category in categories if category.spend <= 0), Decimal(0))
    note = f" (not drawn: categories of {exact(hidden)} {currency} in all)" if hidden else ""
    figure = go.Figure(layout=_layout(f"Categories{note}", height=480))
    figure.add_treemap(
        ids=list(nodes),
        labels=[_label(path[-1]) for path in nodes.values()],
        parents=[_id(path[:-1]) for path in nodes.values()],
        values=[float(_below(categories, path)) for path in nodes.values()],
        branchvalues="total",
        customdata=[[" / ".join(map(_escape, path)), exact(_below(categories, path))] for path in nodes.values()],
        texttemplate="%{label}<br>%{percentRoot:.1%}",
        hovertemplate=f"%{{customdata[0]}}: %{{customdata[1]}} {currency}, %{{percentRoot:.1%}}<extra></extra>",
        marker={"colors": _colours(nodes.values()), "line": {"color": "#fff", "width": 1}},
        textfont={"color": design.INK},
        pathbar={"textfont": {"color": design.INK}},
        maxdepth=3,
    )
    figure.update_layout(margin={"l": 0, "r": 0}, uniformtext={"minsize": 10, "mode": "hide"})
    return figure


def embedded(figure: go.Figure, name: str) -> Markup:
    """HTML with this id that draws the figure where plotly's script is on the page."""
    html = figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=_CONFIG)
    return Markup(html)  # noqa: S704


def _tree(categories: Sequence[Category]) -> dict[str, tuple[str, ...]]:
    """Every node that has an area, by its id; parents come with their children."""
    drawn = [category for category in categories if category.spend > 0]
    paths = [(one.level_1, one.level_2, one.level_3)[:depth] for depth in (1, 2, 3) for one in drawn]
    return {_id(path): path for path in paths}


def _below(categories: Sequence[Category], path: tuple[str, ...]) -> Decimal:
    depth = len(path)
    below = (one for one in categories if one.spend > 0 and (one.level_1, one.level_2, one.level_3)[:depth] == path)
    return sum((one.spend for one in below), Decimal(0))


def _id(path: tuple[str, ...]) -> str:
    return "\x1f".join(path)


def _colours(paths: Collection[tuple[str, ...]]) -> list[str]:
    roots = list(dict.fromkeys(path[0] for path in paths))
    return [design.tint(design.SERIES[roots.index(path[0]) % len(design.SERIES)]) for path in paths]


def _layout(title: str, *, height: int) -> go.Layout:
    axis = {"gridcolor": design.RULE, "linecolor": design.RULE, "zerolinecolor": design.QUIET, "automargin": True}
    return go.Layout(
        title={"text": title, "x": 0, "xanchor": "left", "font": {"size": 16}},
        height=height,
        # No template: plotly's own are long and take as long to check as the charts themselves.
        template="none",
        xaxis=axis | {"showgrid": False, "zeroline": False, "title": {"standoff": 18}},
        yaxis=axis,
        separators=f".{THOUSANDS}",
        barmode="group",
        bargap=0.25,
        hoverlabel={"font": {"family": design.FONT}},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
        margin={"l": 90, "r": 70, "t": 70, "b": 60},
        font={"family": design.FONT, "size": 13, "color": design.INK},
    )


def _escape(text: str) -> str:
    """Text in which plotly finds no markup; it knows no entity for quotes."""
    return escape_html(text, quote=False)


def _unit(currency: str | None) -> str:
    return f"{currency or 'unknown currency'}, without VAT"


def _label(name: str) -> str:
    short = name if len(name) <= _LONGEST_LABEL else f"{name[: _LONGEST_LABEL - 1]}…"
    return _escape(short)

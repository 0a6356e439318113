"""`make report`: the overview as one HTML file that needs nothing beside it, in `DATA_DIR/report/`."""

from __future__ import annotations

import sys

import duckdb
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from pipelines.exits import exit_code_of
from pipelines.explore.pages import templates
from pipelines.explore.parts import overview_part
from pipelines.explore.published import connect, published_warehouse, writable_folder
from pipelines.explore.selection import currencies, last_twelve_months


def main() -> int:
    return exit_code_of(run)


def run() -> None:
    """Write the report of the published file and say where it is.

    Raises:
        ConfigurationError: nothing is published yet, or the folder cannot be written.
    """
    warehouse = published_warehouse()
    folder = writable_folder(warehouse.data_dir / "report")
    with connect(warehouse.published) as connection:
        page = render(connection)
    target = folder / "spend.html"
    unfinished = folder / ".unfinished.html"
    unfinished.write_text(page, encoding="utf-8")
    unfinished.replace(target)
    print(f"Report: {target} ({len(page) / 1_000_000:.1f} MB, opens without a network)")


def render(connection: duckdb.DuckDBPyConnection) -> str:
    """The whole page: of each currency the last twelve months."""
    last_run = connection.execute("select max(landed_at)::timestamp(0)::varchar from audit.sync_runs").fetchone()
    selections = [last_twelve_months(connection, currency) for currency in currencies(connection)]
    return (
        templates()
        .get_template("report.html.j2")
        .render(
            plotly_js=Markup(get_plotlyjs()),  # noqa: S704
            loaded_at=last_run[0] if last_run and last_run[0] else "an unknown time",
            parts=[overview_part(connection, selection) for selection in selections],
        )
    )


if __name__ == "__main__":
    sys.exit(main())

"""`make audit`: what was asked of Xledger, what was left out as payroll and what came, for a controller; as text and as a page.

From the published file and the query documents alone: counts, rules and hashes, never an amount, a text or an id.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

import duckdb
from jinja2 import Environment, PackageLoader, StrictUndefined

from pipelines.exits import exit_code_of
from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import ConfigurationError
from pipelines.xledger.payroll import LEDGER_ROOTS, RULES
from pipelines.xledger.settings import Settings, data_folder, read_settings

_WIDTH = 118


@dataclass(frozen=True)
class Query:
    """One document of the allow-list."""

    name: str
    text: str


@dataclass(frozen=True)
class LeftOut:
    """One rule of the last run: number of ids it left out, and a SHA-256 over the sorted ids."""

    root: str
    rule: str
    meaning: str
    ids: int
    sha256: str


@dataclass(frozen=True)
class Balance:
    """Rows of one ledger in one run; times are UTC."""

    run_id: str
    landed_at: datetime
    root: str
    seen: int
    received: int
    excluded: int

    @property
    def adds_up(self) -> bool:
        return self.seen == self.received + self.excluded


@dataclass(frozen=True)
class Report:
    """All that the page says."""

    run_id: str
    landed_at: datetime
    runs: int
    first_run: datetime
    payroll_types: Sequence[str]
    pay_accounts: Sequence[tuple[str, str]]
    left_out: Sequence[LeftOut]
    balances: Sequence[Balance]
    document_types: Sequence[tuple[str, int]]
    queries: Sequence[Query]

    @classmethod
    def of(cls, published: duckdb.DuckDBPyConnection, settings: Settings) -> Report:
        """The report on the published file.

        Raises:
            ConfigurationError: the file is not one that `make sync` publishes.
        """
        try:
            runs, first_run = _one(published, "select count(*), min(landed_at) from audit.sync_runs")
            run_id, landed_at = _one(
                published, "select run_id, landed_at from audit.sync_runs order by landed_at desc limit 1"
            )
            balances = published.execute(
                "select distinct run_id, landed_at, root, rows_seen, rows_received, rows_excluded "
                "from audit.payroll_exclusions order by landed_at desc, root desc"
            ).fetchall()
            rules = published.execute(
                "select root, rule, excluded_ids, ids_sha256 from audit.payroll_exclusions where run_id = ?", [run_id]
            ).fetchall()
            document_types = published.execute(
                "select coalesce(document_type, 'none'), count(*) from marts.fct_ledger_line group by all order by all"
            ).fetchall()
        except duckdb.Error as error:
            raise ConfigurationError(
                f"The published file cannot be reported on ({type(error).__name__}); run `make sync` to publish it anew."
            ) from None
        found = {(root, rule): (ids, sha256) for root, rule, ids, sha256 in rules}
        return cls(
            run_id=run_id,
            landed_at=landed_at,
            runs=runs,
            first_run=first_run,
            payroll_types=settings.payroll_document_types,
            pay_accounts=[(chart, _ranges(pairs)) for chart, pairs in settings.payroll_account_ranges.items()],
            left_out=[
                LeftOut(root, rule, meaning, *found.get((root, rule), (0, "")))
                for root in LEDGER_ROOTS
                for rule, meaning in RULES[root].items()
            ],
            balances=[Balance(*row) for row in balances],
            document_types=document_types,
            queries=list(_queries()),
        )


def _one(published: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = published.execute(sql).fetchone()
    if row is None or row[0] in (0, None):
        raise ConfigurationError("The published file holds no run yet; run `make sync` first.")
    return row


def _ranges(pairs: Sequence[Sequence[int]]) -> str:
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in pairs)


def _queries() -> Iterator[Query]:
    folder = resources.files("pipelines.xledger").joinpath("queries")
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".graphql"):
            yield Query(path.name.removesuffix(".graphql"), path.read_text(encoding="utf-8").strip())


def as_html(report: Report) -> str:
    """The page: self-contained, everything in it escaped."""
    return _templates(autoescape=True).get_template("audit.html").render(report=report)


def as_text(report: Report) -> str:
    """The same for a terminal."""
    return _templates(autoescape=False).get_template("audit.txt").render(report=report)


def _templates(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("pipelines", "audit_templates"),
        autoescape=autoescape,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = lambda number: f"{number:,}"
    environment.filters["moment"] = lambda moment: f"{moment:%Y-%m-%d %H:%M} UTC"
    environment.filters["wrapped"] = lambda text: textwrap.fill(text, _WIDTH)
    return environment


def main() -> int:
    return exit_code_of(run)


def run() -> None:
    """Print the report on the last published file, and write it to `DATA_DIR/audit/index.html`."""
    settings = read_settings()
    warehouse = Warehouse(data_folder(settings))
    if not warehouse.published.exists():
        raise ConfigurationError(f"Nothing is published in {warehouse.data_dir} yet; run `make sync` first.")
    with duckdb.connect(str(warehouse.published), read_only=True) as published:
        report = Report.of(published, settings)
    page = warehouse.data_dir / "audit" / "index.html"
    page.parent.mkdir(exist_ok=True)
    page.write_text(as_html(report), encoding="utf-8")
    print(as_text(report))
    print(f"The same as a page: {page}")


if __name__ == "__main__":
    sys.exit(main())

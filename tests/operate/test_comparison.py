"""What a sync changed, in counts and sums."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.comparison import SUMS, compare

LINES = {
    "a": ("S1", "10.0000", "NOK"),
    "b": ("S1", "20.5000", "NOK"),
    "c": ("S2", "5.0000", "SEK"),
}
SUPPLIERS = {"S1": "Kontorrekvisita", "S2": "Papper"}


def file(
    path: Path, run_id: str, lines: dict[str, tuple[str, str, str]], suppliers: dict[str, str], columns: str = ""
) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"""
            create schema marts;
            create table marts.fct_spend (spend_id varchar, supplier_id varchar, amount_net decimal(19, 4),
                company_currency varchar, _run_id varchar, _loaded_at timestamp {columns});
            create table marts.dim_supplier (supplier_id varchar, supplier_name varchar, supplier_org_number varchar,
                vat_number varchar, street_address varchar, zip_code varchar, place varchar, spend_amount decimal(19, 4),
                source_supplier_ids varchar);
            create table marts.fct_ledger_line (owner_db_id bigint, transaction_db_id bigint);
            create table marts.fct_ap_invoice (owner_db_id bigint, ap_transaction_db_id bigint);
            """
        )
        for spend_id, (supplier, amount, currency) in lines.items():
            connection.execute(
                "insert into marts.fct_spend by name select ? as spend_id, ? as supplier_id, ? as amount_net, "
                "? as company_currency, ? as _run_id, now()::timestamp as _loaded_at",
                [spend_id, supplier, amount, currency, run_id],
            )
        for supplier, name in suppliers.items():
            connection.execute(
                "insert into marts.dim_supplier by name select ? as supplier_id, ? as supplier_name, ? as spend_amount",
                [supplier, name, len(lines)],
            )
    return path


def test_the_first_build_has_nothing_to_compare_with(tmp_path: Path) -> None:
    built = file(tmp_path / "built.duckdb", "run-1", LINES, SUPPLIERS)
    assert compare(tmp_path / "none.duckdb", built) == {
        "lines": 3,
        "suppliers": 2,
        "spend": {"NOK": "30.5000", "SEK": "5.0000"},
    }


@pytest.mark.parametrize(
    ("lines", "suppliers", "counts"),
    [
        pytest.param(LINES, SUPPLIERS, (0, 0, 0, 0, 0, 0), id="only the run differs"),
        pytest.param(LINES | {"d": ("S1", "1", "NOK")}, SUPPLIERS, (1, 0, 0, 0, 0, 0), id="new line"),
        pytest.param(LINES | {"a": ("S1", "10.0001", "NOK")}, SUPPLIERS, (0, 1, 0, 0, 0, 0), id="changed amount"),
        pytest.param(LINES | {"a": ("S2", "10", "NOK")}, SUPPLIERS, (0, 1, 0, 0, 0, 0), id="changed supplier"),
        pytest.param({"a": LINES["a"]}, SUPPLIERS, (0, 0, 2, 0, 0, 0), id="lines gone"),
        pytest.param(
            LINES, {"S1": "Kontor & Rekvisita", "S3": "Ny"}, (0, 0, 0, 1, 1, 1), id="supplier new, renamed, gone"
        ),
    ],
)
def test_new_changed_and_gone(
    tmp_path: Path, lines: dict[str, tuple[str, str, str]], suppliers: dict[str, str], counts: tuple[int, ...]
) -> None:
    before = file(tmp_path / "before.duckdb", "run-1", LINES, SUPPLIERS)
    built = file(tmp_path / "built.duckdb", "run-2", lines, suppliers)
    figures = compare(before, built)
    names = [f"{what}_{how}" for what in ("lines", "suppliers") for how in ("new", "changed", "gone")]
    assert tuple(figures[name] for name in names) == counts
    assert figures["spend_before"] == {"NOK": "30.5000", "SEK": "5.0000"}


def test_a_file_of_another_shape_is_said_to_be_no_measure(tmp_path: Path) -> None:
    before = tmp_path / "before.duckdb"
    with duckdb.connect(str(before)) as connection:
        connection.execute("create table old as select 1 as one")
    assert compare(before, file(tmp_path / "built.duckdb", "run-1", LINES, SUPPLIERS))["not_comparable"] is True


RECEIVED = """
    insert into marts.fct_ledger_line values (1, 101), (1, 102);
    insert into marts.fct_ap_invoice values (1, 7);
    update marts.dim_supplier set source_supplier_ids = '1-71, 1-72' where supplier_id = 'S1';
"""


@pytest.mark.parametrize(
    ("gone", "count"),
    [
        pytest.param("delete from marts.fct_ledger_line where transaction_db_id = 102", 1, id="line"),
        pytest.param("delete from marts.fct_ap_invoice", 1, id="invoice"),
        pytest.param("update marts.dim_supplier set source_supplier_ids = '1-72'", 1, id="supplier"),
        pytest.param(
            "update marts.dim_supplier set supplier_id = 'S1 merged' where supplier_id = 'S1'", 0, id="merged"
        ),
    ],
)
def test_with_received_rows_gone_there_are_no_sums(tmp_path: Path, gone: str, count: int) -> None:
    """A row that became payroll: spend before less spend now would be its amount."""
    before = file(tmp_path / "before.duckdb", "run-1", LINES, SUPPLIERS)
    built = file(tmp_path / "built.duckdb", "run-2", LINES, SUPPLIERS)
    for path, sql in ((before, RECEIVED), (built, RECEIVED + gone)):
        with duckdb.connect(str(path)) as connection:
            connection.execute(sql)
    figures = compare(before, built)
    assert figures["received_gone"] == count
    assert figures.keys().isdisjoint(SUMS) == bool(count)

"""A build of only what changed, beside a build of everything on the same raw tables: the same marts."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from pipelines import last_build
from pipelines.warehouse import Warehouse
from pipelines.xledger.kept import TAKEN_OVER
from pipelines.xledger.tables import TABLES
from tests.conftest import run_module
from tests.dbt.conftest import run_dbt
from tests.dbt.raw_warehouse import RawWarehouse
from tests.dbt.small_ledger import fill
from tests.incremental.test_any_sequence import marts_that_differ

# Changes of registers, each of few lines, so that no other one has them built anyway. No voucher is said to have changed.
REGISTERS = {
    "names": (
        "update raw_xledger.account set description = 'Another name' where code = '6300'",
        "update raw_xledger.supplier set description = 'Renamed AS' "
        "where db_id = (select min(subledger_db_id) from raw_xledger.ap_transaction)",
        "update raw_xledger.object_value set description = 'Renamed value'",
        "update raw_xledger.transaction_header set transaction_source_description = 'Another' "
        "where transaction_source_code = 'ER'",
    ),
    "keys": (
        "update raw_xledger.account set code = '1925' where code = '7140'",
        "update raw_xledger.owner set description = 'Renamed owner' where db_id = 2",
        "update raw_xledger.currency set code = 'XXX' where code <> 'NOK'",
        "delete from raw_xledger.supplier where db_id = (select max(subledger_db_id) from raw_xledger.ap_transaction)",
    ),
}

# Each register that marts take something over from, changed by itself, and a mart that has to show it.
EACH_REGISTER = {
    "account": ("update raw_xledger.account set description = 'Another name' where code = '6300'", "marts.dim_account"),
    "address": ("update raw_xledger.address set street_address = 'Another street'", "marts.dim_supplier"),
    "company": ("update raw_xledger.company set company_number = null where db_id = 21", "marts.dim_supplier"),
    "country": ("update raw_xledger.country set code = 'XX'", "marts.dim_supplier"),
    "currency": ("update raw_xledger.currency set code = 'XXX' where code <> 'NOK'", "marts.fct_spend"),
    "object": ("update raw_xledger.object set object_kind_name = 'Another kind'", "marts.dim_dimension_value"),
    "object_value": ("update raw_xledger.object_value set description = 'Renamed'", "marts.dim_dimension_value"),
    "owner": ("update raw_xledger.owner set description = 'Renamed owner' where db_id = 2", "marts.dim_owner"),
    "supplier": ("update raw_xledger.supplier set bank_account_hash = 'another'", "audit.supplier_history"),
}
# Of these no mart takes anything over; their own tests look at them.
ONLY_TESTED = ("contact", "recent_transaction", "subledger")
_NO_TESTS = ("--exclude-resource-types", "test", "unit_test")
# Made of registers alone.
OF_REGISTERS = ("dim_account", "int_accounts_classified", "int_suppliers_normalised", "supplier_merge_suggestions")


def build(warehouse: Warehouse) -> str:
    """As a sync does it; gives what the build says before it begins, or how it failed."""
    ended = run_module("tests.dbt.one_build", {}, str(warehouse.data_dir))
    if ended.returncode:
        return ended.stderr
    return "build_of_changes" if '"build_of_changes"' in ended.stdout else ""


def build_whole(warehouse: Warehouse) -> Warehouse:
    """Every table anew. The views are what they were, since the models are."""
    by_hand = run_dbt(
        warehouse.data_dir, "build", *_NO_TESTS, "--exclude", "config.materialized:view", "resource_type:seed"
    )
    assert by_hand.exit_code == 0, by_hand.output
    return warehouse


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The small ledger, built whole as a sync does it."""
    warehouse = Warehouse(tmp_path_factory.mktemp("built"))
    warehouse.make_data_dir()
    with RawWarehouse(warehouse.data_dir) as raw:
        fill(raw)
    with duckdb.connect(str(warehouse.raw)) as connection:
        # The suppliers' country then comes from the register of countries.
        connection.execute("update raw_xledger.address set country_code = null")
    assert build(warehouse) == ""
    return warehouse


def _copy(built: Warehouse, folder: Path, *sql: str) -> Warehouse:
    shutil.copytree(built.data_dir, folder)
    copy = Warehouse(folder)
    with duckdb.connect(str(copy.raw)) as connection:
        for statement in sql:
            connection.execute(statement)
    return copy


def _histories_that_differ(one: Warehouse, other: Warehouse) -> dict[str, int]:
    """The history of suppliers tells when a sync saw them: compared without."""
    columns = "owner_db_id, supplier_db_id, span_number, supplier_name, is_bank_account_changed"
    rows = []
    for warehouse in (one, other):
        with duckdb.connect(str(warehouse.marts), read_only=True) as marts:
            rows.append(marts.execute(f"select {columns} from audit.supplier_history order by all").fetchall())
    return {} if rows[0] == rows[1] else {"audit.supplier_history": len(rows[1])}


def _models_run(warehouse: Warehouse) -> dict[str, int]:
    results = json.loads((warehouse.build / "dbt" / "run_results.json").read_text(encoding="utf-8"))["results"]
    return {result["unique_id"].split(".")[2]: 1 for result in results}


@pytest.mark.parametrize("changes", REGISTERS.values(), ids=REGISTERS)
def test_lines_follow_the_registers(built: Warehouse, tmp_path: Path, changes: Sequence[str]) -> None:
    changed = _copy(built, tmp_path / "changed", *changes)
    assert build(changed) == "build_of_changes"
    whole = build_whole(_copy(built, tmp_path / "whole", *changes))
    assert marts_that_differ(changed.marts, whole.marts) == {}
    # The change shows at all, or nothing would have been compared.
    assert marts_that_differ(built.marts, whole.marts) != {}


@pytest.mark.parametrize("register", EACH_REGISTER)
def test_a_register_that_changed_reaches_every_mart(built: Warehouse, tmp_path: Path, register: str) -> None:
    sql, mart = EACH_REGISTER[register]
    changed = _copy(built, tmp_path / "changed", sql)
    assert build(changed) == "build_of_changes"
    whole = build_whole(_copy(built, tmp_path / "whole", sql))
    differing = marts_that_differ(built.marts, whole.marts) | _histories_that_differ(built, whole)
    assert mart in differing
    assert marts_that_differ(changed.marts, whole.marts) | _histories_that_differ(changed, whole) == {}


def test_every_register_is_changed_by_a_test() -> None:
    assert {*EACH_REGISTER, *ONLY_TESTED} == set(TABLES) - set(TAKEN_OVER)


def test_what_is_made_of_registers_alone_is_left_while_they_are_as_they_were(built: Warehouse, tmp_path: Path) -> None:
    next_run = _copy(
        built,
        tmp_path / "next_run",
        "update raw_xledger.sync_run set run_id = 'the next run', landed_at = landed_at + interval 40 day",
    )
    assert not set(last_build.changed_tables(next_run)) & {*EACH_REGISTER, *ONLY_TESTED}
    assert build(next_run) == "build_of_changes"
    run = _models_run(next_run)
    assert not run.keys() & set(OF_REGISTERS)
    assert not [name for name in run if name.startswith("unique_key_stg_xledger__supplier")]
    # What tells of the run, or reckons with its day, is built all the same.
    assert {"sync_runs", "payroll_exclusions", "fct_ap_invoice", "data_quality"} <= run.keys()
    assert "supplier_snapshot" not in run
    with duckdb.connect(str(next_run.marts), read_only=True) as marts:
        assert marts.execute("select run_id from audit.sync_runs").fetchall() == [("the next run",)]
        assert marts.execute(
            "select is_settled, _run_id = 'the next run', count(as_of_date) > 0 from marts.fct_ap_invoice group by all order by 1"
        ).fetchall() == [(False, True, True), (True, False, False)]
        [(later,)] = marts.execute(
            f"attach '{built.marts}' as before (read_only); "
            "select distinct now.days_late - before.days_late from marts.fct_ap_invoice as now "
            "inner join before.marts.fct_ap_invoice as before using (ap_invoice_id) "
            "where not now.is_settled and now.due_date is not null"
        ).fetchall()
        assert later == 40
        commented = "select count(*) from duckdb_columns() where schema_name in ('marts', 'audit') and comment is null"
        assert marts.execute(commented).fetchall() == [(0,)]


def test_a_key_of_a_finding_that_stands_twice_is_named(built: Warehouse) -> None:
    """The tests of single findings are left out of a build of changes: the key of data_quality is held by itself."""
    with duckdb.connect(str(built.marts)) as marts:
        marts.begin()
        with pytest.raises(duckdb.ConstraintException, match=r"finding: \w+"):
            marts.execute("insert into audit.data_quality from audit.data_quality limit 1")
        marts.rollback()


def test_of_a_voucher_that_is_named_the_rows_are_built_anew(built: Warehouse, tmp_path: Path) -> None:
    with duckdb.connect(str(built.marts), read_only=True) as marts:
        [(owner, header)] = marts.execute(
            "select owner_db_id, header_db_id from marts.fct_spend where document_type = 'AP' order by all limit 1"
        ).fetchall()
    changed = _copy(
        built,
        tmp_path / "changed",
        f"update raw_xledger.\"transaction\" set text = 'Another text' where header_db_id = {header}",
        f"insert into last_build.changed_voucher values ({owner}, {header})",
        "update raw_xledger.sync_run set run_id = 'the next run'",
    )
    assert build(changed) == "build_of_changes"
    with duckdb.connect(str(changed.marts), read_only=True) as marts:
        by_run = marts.execute(
            "select _run_id = 'the next run', list(distinct header_db_id), bool_and(line_text = 'Another text') "
            "from marts.fct_spend group by all order by all"
        ).fetchall()
    assert by_run[1][1:] == ([header], True)
    assert header not in by_run[0][1]
    assert "stg_xledger__transaction" not in _models_run(changed)


@pytest.mark.parametrize(
    "sql",
    [
        "drop table last_build.state",
        "update last_build.state set made_with = 'other models'",
        "drop schema last_build cascade",
    ],
    ids=["a build that did not end", "other models or tools", "a file made anew"],
)
def test_without_a_last_build_everything_is_built(built: Warehouse, tmp_path: Path, sql: str) -> None:
    assert not last_build.stands(_copy(built, tmp_path / "changed", sql))


def test_another_marts_file_is_not_stood_on(built: Warehouse, tmp_path: Path) -> None:
    changed = _copy(built, tmp_path / "changed")
    assert last_build.stands(changed)
    with duckdb.connect(str(changed.marts)) as marts:
        marts.execute("create table marts.more as select 1 as number")
    assert not last_build.stands(changed)


def test_a_build_that_failed_is_not_stood_on(built: Warehouse, tmp_path: Path) -> None:
    broken = _copy(
        built, tmp_path / "broken", 'insert into raw_xledger."transaction" from raw_xledger."transaction" limit 1'
    )
    assert re.match(r"dbt build failed \(.*ledger_equals_spend_plus_excluded: 1 rows", build(broken))
    assert not last_build.stands(broken)


def test_dbt_by_hand_builds_everything(built: Warehouse, tmp_path: Path) -> None:
    changed = _copy(built, tmp_path / "changed", "update raw_xledger.\"transaction\" set text = 'Unannounced'")
    by_hand = run_dbt(changed.data_dir, "build", "--exclude-resource-type", "unit_test")
    assert by_hand.exit_code == 0, by_hand.output
    assert by_hand.query("select distinct line_text from marts.fct_spend") == [("Unannounced",)]

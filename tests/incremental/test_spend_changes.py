"""What a second sync alters in closed periods stands in audit.spend_changes; a line that became payroll does not."""

from __future__ import annotations

from decimal import Decimal

import duckdb

from tests.conftest import QUICK, sync
from tests.incremental.conftest import Ledger


def test_the_second_sync_tells_what_it_alters_and_nothing_of_payroll(ledger: Ledger) -> None:
    data_dir = ledger.folder / "data"
    with ledger.served() as sandbox:
        environment = {
            "SOURCES__XLEDGER__API_URL": sandbox.url,
            "SOURCES__XLEDGER__API_TOKEN": sandbox.token,
            **QUICK,
        }
        first = sync(data_dir, environment)
        assert first.exit_code == 0, first.output
        assert first.query("select count(*) from audit.spend_changes") == [(0,)]
        [(run_id,)] = first.query("select distinct _run_id from marts.fct_spend")
        (line, header, amount), (gone, gone_header, _), (pay, pay_header, _) = first.query(
            """
            select any_value(transaction_db_id), header_db_id, any_value(amount_net) from marts.fct_spend
            where document_type = 'AP' and posted_date < current_date - 90 group by header_db_id
            having count(*) = 1 order by 2 limit 3
            """
        )
        with duckdb.connect(str(data_dir / "build/warehouse.duckdb"), read_only=True) as raw:
            [(other, other_amount)] = raw.execute(
                'select db_id, amount from raw_xledger."transaction" where header_db_id = ? and db_id <> ? limit 1',
                [header, line],
            ).fetchall()
        assert isinstance(amount, Decimal)
        lines = [
            {"line": line, "amount": f"{amount + 5:.2f}"},
            {"line": other, "amount": f"{other_amount - 5:.2f}"},
        ]
        sandbox.mutate(
            {"change": {"header": header, "lines": lines}},
            {"delete": {"header": gone_header}},
            {"retype": {"header": pay_header, "document_type": "PR"}},
        )
        second = sync(data_dir, environment)
        assert second.exit_code == 0, second.output
    assert "Reading what changed since" in second.output
    changes = second.query(
        "select change_kind, transaction_db_id, amount_difference, run_id_before from audit.spend_changes order by 1"
    )
    assert changes[0] == ("changed", line, Decimal("5.0000"), run_id)
    assert ("gone", gone) in {change[:2] for change in changes}
    assert pay not in {change[1] for change in changes}
    assert second.query(f"select count(*) from marts.fct_spend where transaction_db_id = {pay}") == [(0,)]

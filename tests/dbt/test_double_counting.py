"""Each rule against double counting is taken out of a copy of the project; its test must notice."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.dbt.conftest import ROOT, Build, run_dbt

INTERMEDIATE = "models/intermediate"


@dataclass(frozen=True)
class Mutation:
    """What is broken, and the numbers of the tests that must fail."""

    file: str
    rule: str
    broken: str
    fails: tuple[str, ...]


MUTATIONS = {
    "removed account ranges": Mutation(
        "macros/is_in_ranges.sql", "coalesce({% for", "not coalesce({% for", ("d01", "d02", "d07", "d08", "d13", "d15")
    ),
    "items are summed before the join": Mutation(
        f"{INTERMEDIATE}/int_ap_headers_summarised.sql",
        "group by owner_db_id, header_db_id",
        "group by owner_db_id, header_db_id, supplier_db_id, invoice_count, gross_amount",
        ("d03",),
    ),
    "account guard": Mutation(
        f"{INTERMEDIATE}/int_ledger_lines_classified.sql",
        "when not is_prepaid and account_guard_rule is not null then account_guard_rule",
        "when false then account_guard_rule",
        ("d04", "d13"),
    ),
    "releases of prepaid cost": Mutation(
        f"{INTERMEDIATE}/int_ledger_lines_classified.sql",
        "account_guard_rule is not null') }}\n        and sum(amount) = 0",
        "account_guard_rule is not null') }}\n        and sum(amount) <> 0",
        ("d05",),
    ),
    "releases within an invoice": Mutation(
        f"{INTERMEDIATE}/int_ledger_lines_classified.sql",
        "not {{ dbt.bool_or('is_prepaid <> (amount < 0)') }}",
        "false",
        ("d05",),
    ),
    "releases carry no tax": Mutation(
        f"{INTERMEDIATE}/int_ledger_lines_classified.sql",
        "coalesce(transactions.tax_amount, 0) = 0 as is_untaxed",
        "true as is_untaxed",
        ("d05",),
    ),
    "sign of a credit note": Mutation(
        f"{INTERMEDIATE}/int_supplier_attribution.sql", "        parts.amount,", "        abs(parts.amount) as amount,", ("d06",)
    ),
    "own rules go first": Mutation(
        f"{INTERMEDIATE}/int_accounts_classified.sql", "then -1 else -2 end as guard", "then 99 else 98 end as guard", ("d07",)
    ),
    "companies of the group": Mutation(
        f"{INTERMEDIATE}/int_suppliers_normalised.sql",
        "or owners.company_db_id is not null as is_intercompany",
        "or false as is_intercompany",
        ("d09",),
    ),
    "company in the key": Mutation(
        f"{INTERMEDIATE}/int_ledger_lines_classified.sql",
        "from transactions\n    left join headers\n        on\n            transactions.owner_db_id = headers.owner_db_id",
        "from transactions\n    left join headers\n        on\n            transactions.header_db_id = headers.header_db_id",
        ("d10",),
    ),
    "chosen document types": Mutation(
        f"{INTERMEDIATE}/int_ledger_lines_classified.sql",
        "when not is_spend_document_type then",
        "when false then",
        ("d11", "d12", "d15"),
    ),
    "what the ledger holds": Mutation(
        "models/staging/xledger/stg_xledger__transaction.sql", "amount,", "amount * 2 as amount,", ("d14",)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_rule_is_noticed(small: Build, tmp_path: Path, name: str) -> None:
    mutation = MUTATIONS[name]
    project = tmp_path / "dbt_project"
    shutil.copytree(ROOT / "dbt_project", project)
    shutil.copytree(small.data_dir / "build", tmp_path / "build")
    source = project / mutation.file
    text = source.read_text(encoding="utf-8")
    assert mutation.rule in text
    source.write_text(text.replace(mutation.rule, mutation.broken, 1), encoding="utf-8")

    tested = run_dbt(
        tmp_path, "test", "--select", *(f"{number}_*,test_type:unit" for number in mutation.fails), project=project
    )

    results = json.loads((tmp_path / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    failed = {result["unique_id"].split(".")[-1][:3] for result in results if result["status"] == "fail"}
    assert failed == set(mutation.fails), tested.output

"""The list of columns that can hold a person's name is whole, and holds nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pipelines.xledger.tables import TABLES, Kind

ROOT = Path(__file__).resolve().parents[2]
DOC = (ROOT / "docs/personal-data.md").read_text(encoding="utf-8")

# Text columns that hold codes, names of things, or what the program itself writes.
_IMPERSONAL_RAW = {
    "account": {
        "code", "description", "account_group_code", "account_group_description", "chart_of_account_code",
        "chart_of_account_name", "ledger_type_code",
    },
    "address": {"zip_code", "place", "country_code"},
    "ap_transaction": {
        "transaction_header_transaction_source_code", "ledger_type_name", "sl_transaction_type_name", "payment_status_name",
    },
    "company": {"country"},
    "country": {"code", "description"},
    "currency": {"code", "description"},
    "object": {"object_kind_name", "code", "field_code", "field_name"},
    "owner": {"code", "company_number", "currency_code"},
    "recent_transaction": {"mutation_type", "feed"},
    "subledger": {"ledger_type_name"},
    "supplier": {
        "pay_terms_code", "pay_terms_description", "subledger_group_code", "subledger_group_description", "ledger_type_name",
        "bank_account_hash",
    },
    "system_value": {"code", "name"},
    "transaction_header": {"transaction_source_code", "transaction_source_description"},
}  # fmt: skip
_IMPERSONAL_PUBLISHED = re.compile(
    r"_?run_id|run_id_before|change_kind|.*_currency|account_.*|category_.*|other_category_code|supplier_attribution_.*|supplier_country|document_type.*"
    r"|(source_)?supplier_ids?|other_supplier_id|spend_id|ap_invoice_id|ids|ids_sha256|(other_)?rule_id|rule|root|step|detail"
    r"|finding|severity|reasons|mode|table_name|guard_.*|exclusion_reason|chart_name|object_kind|month_label|ageing_bucket"
    r"|owner_code|owner_org_number|zip_code|place|pay_terms.*|subledger_group|company_currency|bucket|measure|abc_class|period|unit"
)


def _listed(heading: str) -> set[tuple[str, str]]:
    part = DOC.split(f"## {heading}", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", part, flags=re.MULTILINE))


def _published_text_columns() -> set[tuple[str, str]]:
    found = set()
    for path in (ROOT / "dbt_project/models").glob("*/_*__models.yml"):
        if path.parent.name not in ("marts", "audit", "kpi", "kpis"):
            continue
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            for column in model["columns"]:
                if column.get("data_type") == "string":
                    found.add((model["name"], column["name"]))
    return found


def test_every_raw_text_column_is_judged() -> None:
    text = {
        (table.name, column.name) for table in TABLES.values() for column in table.columns if column.kind is Kind.TEXT
    }
    impersonal = {(table, column) for table, columns in _IMPERSONAL_RAW.items() for column in columns}
    assert impersonal.isdisjoint(_listed("Raw tables"))
    assert text == impersonal | _listed("Raw tables")


def test_every_published_text_column_is_judged() -> None:
    text = _published_text_columns()
    assert len(text) > 50
    listed = _listed("Published tables")
    assert listed <= text
    assert {column for column in text - listed if not _IMPERSONAL_PUBLISHED.fullmatch(column[1])} == set()


def test_every_column_has_its_reason() -> None:
    rows = [line for line in DOC.splitlines() if line.startswith("| `")]
    assert all(len(row.split(" | ")) == 3 and len(row.split(" | ")[2]) > 8 for row in rows)


@pytest.mark.parametrize("word", ["salary", "wage", "birth", "national", "iban", "home"])
def test_no_column_is_made_for_what_must_not_be_held(word: str) -> None:
    names = {column.name for table in TABLES.values() for column in table.columns}
    names |= {column for _, column in _published_text_columns()}
    assert [name for name in names if word in name and name != "cost_wages_salaries"] == []

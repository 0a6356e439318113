"""`make audit`: one page on what was asked, left out and received, and nothing in it from which pay can be told."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import duckdb
import pytest

from pipelines.audit import Query, Report, as_html, as_text
from pipelines.xledger.errors import ConfigurationError
from pipelines.xledger.payroll import RULES
from tests.conftest import Synced, quick_settings, run_module
from tests.payroll.test_queries import document_names
from tests.payroll_search import Canaries

SETTINGS = quick_settings("http://127.0.0.1/graphql", "token")


@pytest.fixture(scope="module")
def report(synced: Synced) -> Report:
    with duckdb.connect(str(synced.published), read_only=True) as published:
        return Report.of(published, SETTINGS)


def test_the_counts_are_the_evidence(report: Report, synced: Synced) -> None:
    evidence = synced.query("select root, rule, excluded_ids, ids_sha256 from audit.payroll_exclusions order by all")
    told = sorted((line.root, line.rule, line.ids, line.sha256) for line in report.left_out if line.ids)
    assert told == evidence
    assert {(line.root, line.rule) for line in report.left_out} == {
        (root, rule) for root, rules in RULES.items() for rule in rules
    }
    assert len(report.balances) == 2
    assert all(balance.adds_up for balance in report.balances)


def test_the_lines_by_document_type_are_all_received_lines(report: Report) -> None:
    [received] = [balance.received for balance in report.balances if balance.root == "transactions"]
    assert sum(lines for _, lines in report.document_types) == received
    assert "PR" not in dict(report.document_types)


@pytest.mark.parametrize("render", [as_html, as_text])
def test_every_query_rule_and_hash_is_shown(report: Report, render: object) -> None:
    assert callable(render)
    text = render(report)
    assert [name for name in document_names() if name not in text] == []
    assert [line.sha256 for line in report.left_out if line.sha256 not in text] == []
    assert "invoiceRemaining" in text


@pytest.mark.parametrize("render", [as_html, as_text])
def test_no_pay_and_no_amount_is_shown(report: Report, render: object, synced: Synced) -> None:
    assert callable(render)
    assert synced.truth
    text = render(report)
    assert Canaries.of(synced.truth).found_in(text) == set()
    amounts = [Decimal(number) for number in re.findall(r"\d+\.\d{2}(?!\d)", text)]
    assert amounts == []


def test_the_page_asks_for_nothing_and_escapes_everything(report: Report) -> None:
    hostile = replace(report, queries=[Query("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>')])
    page = as_html(hostile)
    assert not re.search(r"https?://|src=[\"']?(?!x)|@import|url\(|<link|<script", page)
    assert "&lt;img src=x" in page


def test_a_balance_that_does_not_add_up_is_called_so(report: Report) -> None:
    short = replace(report, balances=[replace(report.balances[0], seen=report.balances[0].seen + 1)])
    assert "does not add up" in as_html(short)
    assert "DOES NOT ADD UP" in as_text(short)


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        Report.of(duckdb.connect(), SETTINGS)


def test_the_command_writes_the_page(synced: Synced) -> None:
    environment = {"DATA_DIR": str(synced.data_dir), "SOURCES__XLEDGER__API_TOKEN": "any"}
    completed = run_module("pipelines.audit", environment)
    assert completed.returncode == 0, completed.stderr
    assert "SEEN = RECEIVED + EXCLUDED" in completed.stdout
    assert "<!doctype html>" in (synced.data_dir / "audit/index.html").read_text(encoding="utf-8")

"""A company's own books: what is in the file is served, what is not stays null, and a bad file is refused with the line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from graphql_client import Client
from saft_file import Entry, Posting, SaftFile, small_company

from pipelines.sandbox import running

_LINE = """
dbId text amount taxAmount glObject1DbId account { code chartOfAccountDbId } company { description companyNumber } taxRule { code }
header { dbId postedDate transactionSource { code } }
"""
_ITEM = """
amount invoiceNumber matchId invoiceRemaining dueDate subledger { description } slTransactionType { name }
transactionHeader { transactionSource { code } }
"""


@pytest.mark.parametrize("version", ["1.10", "1.20", "1.30"])
def test_what_was_written_is_served(tmp_path: Path, version: str) -> None:
    path = small_company(version).write(tmp_path / "books.xml")
    with running(saft=path) as sandbox:
        assert sandbox.truth_path is None
        client = Client(sandbox.url, sandbox.token)
        assert (
            client.data("{ viewer { entity { description } } }")["viewer"]["entity"]["description"]
            == "Snekkeri & Sønn AS"
        )
        lines = list(client.nodes("transactions", _LINE))
        items = list(client.nodes("apTransactions", _ITEM))
        suppliers = {node["description"] for node in client.nodes("suppliers", "description")}
        unknown = next(client.nodes("suppliers", "email phone address { dbId } contact { dbId } payTerms { dbId }"))
    assert suppliers == {"Utleie Æ AS", "Kontor <& Co"}
    assert set(unknown.values()) == {None}
    by_type: dict[str, list[Any]] = {}
    for line in lines:
        by_type.setdefault(line["header"]["transactionSource"]["code"], []).append(line)
    assert {code: len(found) for code, found in by_type.items()} == {"AP": 8, "BA": 10, "PR": 3, "AR": 3, "GL": 2}
    rent = next(line for line in lines if line["text"] == "Leie")
    assert (rent["amount"], rent["taxAmount"], rent["taxRule"]["code"]) == ("10000.00", "2500.00", "1")
    assert rent["company"] == {"description": "Utleie Æ AS", "companyNumber": "310000100"}
    assert rent["glObject1DbId"] is not None
    assert rent["account"] == {"code": "6300", "chartOfAccountDbId": 2}
    invoice, payment = (item for item in items if item["invoiceNumber"] == "F-1")
    assert (invoice["amount"], invoice["slTransactionType"]["name"]) == ("-12500.00", "INVOICE")
    assert (payment["amount"], payment["slTransactionType"]["name"]) == ("12500.00", "ELECTRONIC_PAYMENT")
    assert invoice["matchId"] == payment["matchId"] != 0
    assert (invoice["invoiceRemaining"], invoice["dueDate"]) == ("0.00", None)
    still_open = next(item for item in items if item["invoiceNumber"] == "F-3")
    assert (still_open["invoiceRemaining"], still_open["matchId"]) == ("-100.00", 0)


@pytest.mark.parametrize(
    ("journal", "expected"),
    [
        (("1", "Leverandørfaktura", "GL"), "AP"),
        (("2", "Innkjøp", "X"), "AP"),
        (("LØNN", "Lønnsbilag", "GL"), "PR"),
        (("3", "Reiseregninger", "GL"), "ER"),
        (("4", "Remittering", "GL"), "BA"),
        (("5", "OCR-innbetaling", "GL"), "OCR"),
        (("6", "Inngående balanse", "GL"), "OS"),
        (("7", "Salg", "GL"), "AR"),
        (("8", "Diverse", "GL"), "GL"),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else value,
)
def test_journals_become_document_types(journal: tuple[str, str, str], expected: str) -> None:
    from pipelines.sandbox.saft import document_types

    names = " ".join((journal[2], journal[0], journal[1]))
    assert (document_types.of_journal(names) or "GL") == expected


def _written(tmp_path: Path, old: str = "", new: str = "", *, company: SaftFile | None = None) -> Path:
    path = (company or small_company()).write(tmp_path / "books.xml")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


_BOMB = '<!DOCTYPE n1:AuditFile [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>\n<n1:AuditFile'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("</n1:AuditFile>", "", r"line \d+: not well-formed", id="cut off"),
        pytest.param("<n1:AuditFile", _BOMB, "line 2: a document type declaration is not allowed", id="entities"),
        pytest.param("Financial:NO", "Financial:DK", "line 2: not a Norwegian", id="another country's standard"),
        pytest.param(
            "<n1:AuditFileCountry>NO",
            "<n1:AuditFileCountry>SE",
            "line 3: the file is not Norwegian",
            id="another country",
        ),
        pytest.param(">1.30<", ">2.00<", "line 3: version 2.00 is not supported", id="version"),
        pytest.param("<n1:Amount>10000.00", "<n1:Amount>ti tusen", "'ti tusen' is not an amount", id="amount"),
        pytest.param("<n1:Amount>10000.00", "<n1:Amount>10000.005", "no whole number of øre", id="less than an øre"),
        pytest.param("<n1:Amount>10000.00", "<n1:Amount>10001.00", "transaction 1 does not add up", id="unbalanced"),
        pytest.param(
            "<n1:AccountID>6300</n1:AccountID>\n<n1:Analysis>",
            "<n1:AccountID>9999</n1:AccountID>\n<n1:Analysis>",
            "account 9999",
            id="account",
        ),
        pytest.param(
            "<n1:SupplierID>S1</n1:SupplierID>\n",
            "<n1:SupplierID>S9</n1:SupplierID>\n",
            "supplier S9 is not",
            id="supplier",
        ),
        pytest.param("2024-02-01</n1:TransactionDate>", "01.02.2024</n1:TransactionDate>", "is not a date", id="date"),
    ],
)
def test_a_bad_file_is_refused_with_the_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = _written(tmp_path, old, new)
    with pytest.raises(RuntimeError, match=r"books\.xml: line \d+: ") as refused, running(saft=path):
        pass
    assert re.search(message, str(refused.value))


def test_a_file_that_is_not_there_or_no_xml_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.xml"
    text.write_text("not xml")
    for path in (tmp_path / "missing.xml", text):
        with pytest.raises(RuntimeError, match="did not start"), running(saft=path):
            pass


def test_a_large_file_is_read_without_holding_it(tmp_path: Path) -> None:
    entry = Entry("2024-05-01", [Posting("6800", "1.00"), Posting("1920", "-1.00")])
    company = small_company()
    company.journals["B", "Bank 2", "GL"] = [entry] * 3_000
    from pipelines.sandbox.saft.stream import records

    largest = max(
        len(record.parent.children) for record in records(company.write(tmp_path / "large.xml")) if record.parent
    )
    assert largest < 10

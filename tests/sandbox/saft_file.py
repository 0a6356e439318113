"""A Norwegian SAF-T Financial file, written for these tests in the order and with the elements of the public schema."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

_NAMESPACE = "urn:StandardAuditFile-Taxation-Financial:NO"
ACCOUNTS = {
    "1500": "Kundefordringer",
    "1920": "Bank",
    "2400": "Leverandørgjeld",
    "2600": "Forskuddstrekk",
    "2700": "Utgående mva",
    "2710": "Inngående mva",
    "2770": "Skyldig arbeidsgiveravgift",
    "2930": "Lønn",
    "3000": "Salg",
    "5000": "Lønn til ansatte",
    "5400": "Arbeidsgiveravgift",
    "6300": "Leie lokale",
    "6800": "Kontorrekvisita",
    "7770": "Bankgebyr",
}


@dataclass
class Posting:
    """One line: debit positive, in kroner as text."""

    account: str
    amount: str
    text: str = ""
    supplier: str = ""
    customer: str = ""
    reference: str = ""
    tax: str = ""
    department: str = ""


@dataclass
class Entry:
    """One transaction of a journal."""

    day: str
    postings: list[Posting]
    text: str = "Bilag"


@dataclass
class SaftFile:
    """What stands in the file; journals are (id, description, type) with their transactions."""

    journals: dict[tuple[str, str, str], list[Entry]] = field(default_factory=dict)
    suppliers: dict[str, str] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)
    version: str = "1.30"
    country: str = "NO"

    def write(self, path: Path) -> Path:
        """Write it as UTF-8."""
        path.write_text("\n".join(self._lines()), encoding="utf-8")
        return path

    def _lines(self) -> Iterable[str]:
        yield '<?xml version="1.0" encoding="UTF-8"?>'
        yield f'<n1:AuditFile xmlns:n1="{_NAMESPACE}">'
        yield f"""<n1:Header><n1:AuditFileVersion>{self.version}</n1:AuditFileVersion>
<n1:AuditFileCountry>{self.country}</n1:AuditFileCountry><n1:AuditFileDateCreated>2025-01-10</n1:AuditFileDateCreated>
<n1:SoftwareCompanyName>Regnskap</n1:SoftwareCompanyName><n1:SoftwareID>R</n1:SoftwareID>
<n1:SoftwareVersion>1</n1:SoftwareVersion>
<n1:Company><n1:RegistrationNumber>310000045</n1:RegistrationNumber><n1:Name>Snekkeri &amp; Sønn AS</n1:Name>
<n1:Address><n1:City>Ålesund</n1:City><n1:PostalCode>6002</n1:PostalCode><n1:Country>NO</n1:Country></n1:Address></n1:Company>
<n1:DefaultCurrencyCode>NOK</n1:DefaultCurrencyCode>
<n1:SelectionCriteria><n1:PeriodStart>1</n1:PeriodStart><n1:PeriodStartYear>2024</n1:PeriodStartYear>
<n1:PeriodEnd>12</n1:PeriodEnd><n1:PeriodEndYear>2024</n1:PeriodEndYear></n1:SelectionCriteria>
<n1:TaxAccountingBasis>A</n1:TaxAccountingBasis></n1:Header>"""
        yield "<n1:MasterFiles><n1:GeneralLedgerAccounts>"
        standard = "StandardAccountID" if self.version != "1.30" else "GroupingCode"
        for code, name in ACCOUNTS.items():
            yield (
                f"<n1:Account><n1:AccountID>{code}</n1:AccountID><n1:AccountDescription>{name}</n1:AccountDescription>"
                f"<n1:{standard}>{code[:2]}</n1:{standard}><n1:AccountType>GL</n1:AccountType></n1:Account>"
            )
        yield "</n1:GeneralLedgerAccounts>"
        yield from self._register("Customer", self.customers, "1500")
        yield from self._register("Supplier", self.suppliers, "2400")
        yield """<n1:TaxTable><n1:TaxTableEntry><n1:TaxType>MVA</n1:TaxType><n1:Description>Merverdiavgift</n1:Description>
<n1:TaxCodeDetails><n1:TaxCode>1</n1:TaxCode><n1:Description>Inngående 25</n1:Description>
<n1:TaxPercentage>25</n1:TaxPercentage><n1:Country>NO</n1:Country><n1:StandardTaxCode>1</n1:StandardTaxCode>
</n1:TaxCodeDetails></n1:TaxTableEntry></n1:TaxTable>
<n1:AnalysisTypeTable><n1:AnalysisTypeTableEntry><n1:AnalysisType>A</n1:AnalysisType>
<n1:AnalysisTypeDescription>Avdeling</n1:AnalysisTypeDescription><n1:AnalysisID>10</n1:AnalysisID>
<n1:AnalysisIDDescription>Verksted</n1:AnalysisIDDescription></n1:AnalysisTypeTableEntry></n1:AnalysisTypeTable>
</n1:MasterFiles>"""
        yield "<n1:GeneralLedgerEntries><n1:NumberOfEntries>0</n1:NumberOfEntries>"
        yield "<n1:TotalDebit>0</n1:TotalDebit><n1:TotalCredit>0</n1:TotalCredit>"
        for (journal_id, description, kind), entries in self.journals.items():
            yield f"<n1:Journal><n1:JournalID>{journal_id}</n1:JournalID>"
            yield f"<n1:Description>{description}</n1:Description><n1:Type>{kind}</n1:Type>"
            for number, entry in enumerate(entries, start=1):
                yield from self._transaction(number, entry)
            yield "</n1:Journal>"
        yield "</n1:GeneralLedgerEntries></n1:AuditFile>"

    def _register(self, kind: str, names: dict[str, str], account: str) -> Iterable[str]:
        yield f"<n1:{kind}s>"
        for place, (code, name) in enumerate(names.items()):
            control = f"<n1:AccountID>{account}</n1:AccountID>"
            if self.version == "1.30":
                control = f"<n1:BalanceAccountStructure>{control}</n1:BalanceAccountStructure>"
            yield (
                f"<n1:{kind}><n1:RegistrationNumber>{310000100 + place}</n1:RegistrationNumber><n1:Name>{escape(name)}</n1:Name>"
                f"<n1:Address><n1:Country>NO</n1:Country></n1:Address><n1:{kind}ID>{code}</n1:{kind}ID>{control}</n1:{kind}>"
            )
        yield f"</n1:{kind}s>"

    def _transaction(self, number: int, entry: Entry) -> Iterable[str]:
        month = int(entry.day[5:7])
        yield f"""<n1:Transaction><n1:TransactionID>{number}</n1:TransactionID><n1:Period>{month}</n1:Period>
<n1:PeriodYear>{entry.day[:4]}</n1:PeriodYear><n1:TransactionDate>{entry.day}</n1:TransactionDate>
<n1:Description>{escape(entry.text)}</n1:Description><n1:SystemEntryDate>{entry.day}</n1:SystemEntryDate>
<n1:GLPostingDate>{entry.day}</n1:GLPostingDate>"""
        for place, one in enumerate(entry.postings, start=1):
            side = "CreditAmount" if one.amount.startswith("-") else "DebitAmount"
            yield f"<n1:Line><n1:RecordID>{place}</n1:RecordID><n1:AccountID>{one.account}</n1:AccountID>"
            if one.department:
                yield (
                    f"<n1:Analysis><n1:AnalysisType>A</n1:AnalysisType><n1:AnalysisID>{one.department}</n1:AnalysisID></n1:Analysis>"
                )
            for kind, code in (("CustomerID", one.customer), ("SupplierID", one.supplier)):
                if code:
                    yield f"<n1:{kind}>{code}</n1:{kind}>"
            yield f"<n1:Description>{escape(one.text or entry.text)}</n1:Description>"
            yield f"<n1:{side}><n1:Amount>{one.amount.lstrip('-')}</n1:Amount></n1:{side}>"
            if one.tax:
                tax = "DebitTaxAmount" if self.version == "1.30" else "TaxAmount"
                yield (
                    f"<n1:TaxInformation><n1:TaxType>MVA</n1:TaxType><n1:TaxCode>1</n1:TaxCode><n1:TaxPercentage>25</n1:TaxPercentage>"
                    f"<n1:TaxBase>{one.amount}</n1:TaxBase><n1:{tax}><n1:Amount>{one.tax}</n1:Amount></n1:{tax}></n1:TaxInformation>"
                )
            if one.reference:
                yield f"<n1:ReferenceNumber>{one.reference}</n1:ReferenceNumber>"
            yield "</n1:Line>"
        yield "</n1:Transaction>"


def small_company(version: str = "1.30") -> SaftFile:
    """Purchases, a payment to several suppliers, a sale with its receipt, wages, and a journal that says nothing."""
    purchase = [
        Posting("6300", "10000.00", "Leie", supplier="S1", tax="2500.00", department="10"),
        Posting("2710", "2500.00"),
        Posting("2400", "-12500.00", supplier="S1", reference="F-1"),
    ]
    second = [
        Posting("6800", "799.95", "Papir & blekk", tax="199.99"),
        Posting("2710", "199.99"),
        Posting("2400", "-999.94", supplier="S2", reference="F-2"),
    ]
    paid = [
        Posting("2400", "12500.00", supplier="S1", reference="F-1"),
        Posting("2400", "999.94", supplier="S2", reference="F-2"),
        Posting("7770", "15.50", "Gebyr"),
        Posting("1920", "-13515.44"),
    ]
    wages = [
        Posting("5000", "40123.45", "Lønn Kari Fiktiv"),
        Posting("2600", "-12000.00"),
        Posting("2930", "-28123.45", "Netto Kari Fiktiv"),
    ]
    payout = [Posting("2930", "28123.45", "Netto Kari Fiktiv"), Posting("1920", "-28123.45", "Lønn Kari Fiktiv")]
    sale = [Posting("1500", "1250.00", customer="K1"), Posting("3000", "-1000.00"), Posting("2700", "-250.00")]
    received = [Posting("1920", "1250.00"), Posting("1500", "-1250.00", customer="K1")]
    unnamed = [Posting("6800", "100.00"), Posting("2400", "-100.00", supplier="S2", reference="F-3")]
    return SaftFile(
        {
            ("IF", "Inngående faktura", "AP"): [Entry("2024-02-01", purchase), Entry("2024-02-05", second)],
            ("BANK", "Bank", "GL"): [
                Entry("2024-03-01", paid),
                Entry("2024-02-26", payout),
                Entry("2024-03-05", received),
            ],
            ("LØNN", "Lønn", "GL"): [Entry("2024-02-25", wages)],
            ("UF", "Utgående faktura", "AR"): [Entry("2024-02-10", sale)],
            ("GL", "Hovedbok", "GL"): [
                Entry("2024-04-01", unnamed),
                Entry("2024-04-02", [Posting("7770", "3.00"), Posting("1920", "-3.00")]),
                Entry("2024-04-03", [Posting("6300", "50.00"), Posting("6800", "-50.00")]),
            ],
        },
        {"S1": "Utleie Æ AS", "S2": "Kontor <& Co"},
        {"K1": "Kunde AS"},
        version,
    )

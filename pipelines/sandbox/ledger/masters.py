"""Master data of the ledger: charts of accounts, registers, subledgers with their addresses and contacts, dimensions, setup."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.sandbox.ledger.group import REGISTER_OWNER, SWEDEN, TOP, Group
from pipelines.sandbox.ledger.model import Line, Party, Subledger

# dbIds of SO, BA, AR, OS, OCR and BAA are those seen in a real tenant; BAA is a type that the tenant made itself.
DOCUMENT_TYPES = {
    "SO": (600, "Salgsordre"), "AP": (605, "Leverandørfaktura"), "BA": (611, "Bank"), "GL": (617, "Hovedbok"), "PR": (622, "Lønn"),
    "PO": (640, "Innkjøpsordre"), "AR": (797, "Kundefaktura"), "OS": (3536, "Åpen post"), "MA": (3540, "Manuell import"),
    "ER": (3561, "Reiseregning"), "OCR": (5205, "OCR-innbetaling"), "BAA": (49_334_581, "Bank automatisk"),
}  # fmt: skip
NS4102, BAS = 2, 3
_CHART_NAMES = {NS4102: "NS4102", BAS: "BAS2017", 4: "USSTD", 6: "UKSTD", 8: "DKSTD", 12: "FINACC"}
_CHART_FILES = {NS4102: "ns4102.csv", BAS: "bas.csv"}
COST_CENTRE_KIND, PROJECT_KIND, EMPLOYEE_KIND, TAX_RULE_KIND, GROUP_KIND, TERMS_KIND, ACCOUNT_GROUP_KIND = (
    30,
    31,
    212,
    14,
    15,
    16,
    17,
)
_KINDS = {
    TAX_RULE_KIND: "TAX_RULE",
    GROUP_KIND: "SUBLEDGER_GROUP",
    TERMS_KIND: "PAY_TERMS",
    ACCOUNT_GROUP_KIND: "ACCOUNT_GROUP",
}
_COST_CENTRES = ("Administrasjon", "Produksjon", "Salg", "IT", "Lager", "Ledelse")
_PROJECTS = ("Nybygg Ulvik", "Systembytte", "Messe Ålesund", "Internt")
_CURRENCIES = {
    "NOK": (1, "Norske kroner"), "EUR": (2, "Euro"), "USD": (3, "US Dollar"), "SEK": (4, "Svenska kronor"),
    "GBP": (5, "Pund sterling"), "DKK": (6, "Danske kroner"),
}  # fmt: skip
_COUNTRIES = {
    "NO": (578, "Norge", "NOK"), "SE": (752, "Sverige", "SEK"), "DE": (276, "Tyskland", "EUR"), "US": (840, "USA", "USD"),
    "DK": (208, "Danmark", "DKK"), "GB": (826, "Storbritannia", "GBP"),
}  # fmt: skip
_TAX_RULES = {
    "0": "Ingen mva",
    "1": "Inngående mva 25 %",
    "11": "Inngående mva 15 %",
    "13": "Inngående mva 12 %",
    "86": "Tjenester fra utlandet",
}
_SYSTEM_VALUES = {
    "ledgerType": {"SUPPLIER": "AP", "CUSTOMER": "AR", "EMPLOYEE": "EM"},
    "slTransactionType": {"INVOICE": "INV", "CREDIT_MEMO": "CM", "ELECTRONIC_PAYMENT": "EP"},
    "paymentStatus": {"OPEN": "O", "PAID": "P"},
    "field": {f"XGL{number}": f"XGL{number}" for number in range(1, 6)},
}
# code, name, kind
AccountFacts = tuple[str, str, str]
# dbId of the object kind, its name, and what the dimension is called
DimensionKind = tuple[int, str, str]
# dbId, owner, object kind, code, name
DimensionValue = tuple[int, int, int, str, str]
_INVENTED_KINDS = (
    (COST_CENTRE_KIND, "COST_CENTER", "Avdeling"),
    (PROJECT_KIND, "PROJECT", "Prosjekt"),
    (EMPLOYEE_KIND, "EMPLOYEE", "Ansatt"),
)
_REGISTERED = datetime(2019, 3, 1, 8, 30)
_CHANGED = datetime(2023, 11, 20, 14, 5)
_EMPLOYEE_OFFSET = 3_000_000


def period_id(day: date) -> int:
    """dbId of a month's period."""
    return day.year * 100 + day.month


def currency_id(code: str) -> int:
    """dbId of a currency; for one that is not among the usual ones made of its three letters.

    Raises:
        ValueError: not the code of a currency.
    """
    if code in _CURRENCIES:
        return _CURRENCIES[code][0]
    if not re.fullmatch("[A-Z]{3}", code):
        raise ValueError(f"'{code}' is not a currency")
    return 1_000 + int(code, 36)


def invented_masters(group: Group, extra_accounts: Sequence[tuple[int, str, str, str]]) -> Masters:
    """Registers of a generated group; extra accounts are (chart, code, name, kind)."""
    charts = {chart: [*_chart_accounts(chart)] for chart in ((NS4102, BAS) if SWEDEN in group.owners else (NS4102,))}
    for chart, *account in extra_accounts:
        charts[chart].append((account[0], account[1], account[2]))
    categories = {chart: {row["code"]: row["category"] for row in _chart_rows(chart)} for chart in charts}
    return Masters(group, charts, _INVENTED_KINDS, list(_invented_values(group)), categories)


def _invented_values(group: Group) -> Iterator[DimensionValue]:
    for owner in group.owners:
        for number, name in enumerate(_COST_CENTRES):
            yield 700_000 + owner % 10 * 100 + number, owner, COST_CENTRE_KIND, f"{100 + number}", name
    for number, name in enumerate(_PROJECTS):
        yield 710_000 + number, TOP, PROJECT_KIND, f"P{number}", name
    for employees in group.employees.values():
        for one in employees:
            yield one.db_id + _EMPLOYEE_OFFSET, one.owner, EMPLOYEE_KIND, one.code, one.name


def _chart_accounts(chart: int) -> Iterator[AccountFacts]:
    return ((row["code"], row["description"], row["kind"]) for row in _chart_rows(chart))


@cache
def _chart_rows(chart: int) -> tuple[dict[str, str], ...]:
    """One of the charts beside this file: each account's code, name, kind, and what kind of thing is bought on it."""
    with (Path(__file__).parent / _CHART_FILES[chart]).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@dataclass
class Masters:
    """Ids of what lines and items refer to, and the rows of every register."""

    group: Group
    charts: Mapping[int, Sequence[AccountFacts]]
    dimension_kinds: Sequence[DimensionKind]
    dimension_values: Sequence[DimensionValue]
    # What is bought on an account, by chart and code
    categories: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    tax_rules: Mapping[str, str] = field(default_factory=lambda: _TAX_RULES)
    home_currency: str = "NOK"
    years: Sequence[int] = (2024, 2025, 2026)
    # A generated ledger has addresses, contacts and terms for everyone; one that was read in has what its file had.
    is_invented: bool = True

    def __post_init__(self) -> None:
        """Number accounts, tax rules and system values."""
        accounts = ((chart, code) for chart, accounts in self.charts.items() for code, *_ in accounts)
        self._accounts = {account: 500_001 + number for number, account in enumerate(accounts)}
        self._tax_rules = {code: 14_001 + number for number, code in enumerate(self.tax_rules)}
        self._system_values = {
            (kind, name): 70_000 + 100 * place + number
            for place, (kind, names) in enumerate(_SYSTEM_VALUES.items())
            for number, name in enumerate(names, start=1)
        }

    def chart(self, owner: int) -> int:
        """Chart of accounts of a company."""
        return BAS if owner == SWEDEN else NS4102

    def account_id(self, owner: int, code: str) -> int:
        """dbId of the account with this code in the company's chart."""
        return self._accounts[self.chart(owner), code]

    def category(self, owner: int, code: str | None) -> str | None:
        """What is bought on the account with this code; None where nothing is, or nothing is known."""
        return self.categories.get(self.chart(owner), {}).get(code or "") or None

    def company_currency(self, owner: int) -> str:
        """Currency the company keeps its books in."""
        return "SEK" if owner == SWEDEN else self.home_currency

    def tax_rule_id(self, code: str) -> int:
        """dbId of a tax rule."""
        return self._tax_rules[code]

    def system_value(self, kind: str, name: str) -> int:
        """dbId of a system value."""
        return self._system_values[kind, name]

    def dimensions(self, owner: int, line: Line) -> tuple[int | None, ...]:
        """dbIds of the object values in a line's five dimensions; when invented: cost centre, project, employee."""
        if line.dimensions is not None:
            return line.dimensions
        cost_centre = None if line.cost_centre is None else 700_000 + owner % 10 * 100 + line.cost_centre
        project = None if line.project is None else 710_000 + line.project
        employee = None if line.employee is None else line.employee + _EMPLOYEE_OFFSET
        return cost_centre, project, employee, None, None

    def personal_canaries(self) -> set[tuple[str, str]]:
        """Names, national ids, private bank accounts and contact persons that may never be seen."""
        found = set()
        for number, one in enumerate(self.group.everyone()):
            if one.ledger == "EMPLOYEE":
                found |= {
                    ("person_name", one.name),
                    ("national_id", str(one.party.number)),
                    ("private_bank_account", one.bank_account),
                }
                found.add(("private_email", _private_email(one)))
            elif one.ledger == "SUPPLIER":
                found.add(("contact_person", f"Kontaktus-{number:04d}"))
                found |= {("supplier_bank_account", one.bank_account)} if one.bank_account else set()
                found |= (
                    {("supplier_national_id", one.party.number)} if one.party.is_person and one.party.number else set()
                )
        return found

    def rows(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Table name and rows of every register."""
        yield (
            "Currency",
            [{"dbId": number, "code": code, "description": name} for code, (number, name) in _CURRENCIES.items()],
        )
        yield (
            "Country",
            [
                {"dbId": number, "code": code, "description": name, "currencyDbId": currency_id(currency)}
                for code, (number, name, currency) in _COUNTRIES.items()
            ],
        )
        yield (
            "TransactionSource",
            [{"dbId": number, "code": code, "description": name} for code, (number, name) in DOCUMENT_TYPES.items()],
        )
        yield (
            "TaxRule",
            [
                {"dbId": self._tax_rules[code], "code": code, "description": name}
                for code, name in self.tax_rules.items()
            ],
        )
        yield "Period", list(_periods(self.years))
        yield "SystemValue", list(self._system_value_rows())
        yield (
            "ObjectKind",
            [{"dbId": number, "name": name, "modifiedAt": _REGISTERED} for number, name in self._kinds()],
        )
        yield "Account", list(self._account_rows())
        yield "Owner", list(self._owner_rows())
        yield "Entity", list(self._entity_rows())
        yield "Object", list(self._object_rows())
        yield "GLSetupEntry", list(self._setup_rows())
        yield "ObjectValue", list(self._object_value_rows())
        people = list(self.group.everyone())
        yield "Company", self._company_rows(people)
        yield "Subledger", [self._subledger_row(one) for one in people]
        if self.is_invented:
            yield "Address", [_address(one) for one in people]
            yield "Contact", [_contact(number, one) for number, one in enumerate(people)]

    def _kinds(self) -> Iterator[tuple[int, str]]:
        yield from _KINDS.items()
        yield from ((kind, name) for kind, name, _ in self.dimension_kinds)

    def _system_value_rows(self) -> Iterator[dict[str, Any]]:
        for number, name in _CHART_NAMES.items():
            yield {"dbId": number, "code": name, "name": name}
        for (kind, name), number in self._system_values.items():
            yield {"dbId": number, "code": _SYSTEM_VALUES[kind][name], "name": name}

    def _account_rows(self) -> Iterator[dict[str, Any]]:
        for chart, accounts in self.charts.items():
            for code, name, kind in accounts:
                yield self._account_row(chart, code, name, kind)

    def _account_row(self, chart: int, code: str, name: str, kind: str) -> dict[str, Any]:
        is_cost = kind in ("goods", "wages", "depreciation", "other", "sales")
        ledger = {"2400": "SUPPLIER", "2440": "SUPPLIER", "1500": "CUSTOMER", "1510": "CUSTOMER"}.get(code)
        return {
            "dbId": self._accounts[chart, code],
            "code": code,
            "description": name,
            "descriptionTranslated": name,
            "ownerDbId": SWEDEN if chart == BAS else TOP,
            "modifiedAt": _CHANGED,
            "createdAt": _REGISTERED,
            "isOpen": True,
            "balanceSheet": kind in ("asset", "equity", "debt", "vat"),
            "asset": kind == "asset",
            "cost": is_cost,
            "credit": kind in ("debt", "equity", "revenue"),
            "equity": kind == "equity",
            "finance": kind == "finance",
            "liabilities": kind in ("debt", "vat"),
            "posting": True,
            "revenue": kind == "revenue",
            "group": False,
            "yearEnd": False,
            "vat": kind == "vat",
            "costOfGoodsSold": kind == "goods",
            "costWagesSalaries": kind == "wages",
            "costDepreciation": kind == "depreciation",
            "costSalesAndMarketing": kind == "sales",
            "costOtherOperating": kind == "other",
            "chartOfAccountDbId": chart,
            "accountGroupDbId": 520_000 + chart * 100 + int(code[:2]) if code[:2].isdigit() else None,
            "ledgerTypeDbId": self.system_value("ledgerType", ledger) if ledger else None,
        }

    def _owner_rows(self) -> Iterator[dict[str, Any]]:
        yield {"dbId": REGISTER_OWNER, "description": "Felles register", "code": "0", "ownerCode": 0}
        for owner, party in self.group.owners.items():
            parent = REGISTER_OWNER if owner == TOP else TOP
            yield {
                "dbId": owner,
                "description": party.name,
                "code": str(owner % 100 + 100),
                "ownerCode": owner % 100 + 100,
                "ownerDbId": parent,
            }

    def _entity_rows(self) -> Iterator[dict[str, Any]]:
        for owner, party in self.group.owners.items():
            yield {
                "dbId": owner + 10_000,
                "code": str(owner % 100 + 100),
                "description": party.name,
                "createdAt": _REGISTERED,
                "modifiedAt": _CHANGED,
                "ownerDbId": owner,
                "fiscalYearStartMonth": 1,
                "companyDbId": party.db_id,
                "currencyDbId": currency_id(self.company_currency(owner)),
                "parentDbId": None if owner == TOP else TOP + 10_000,
            }

    def _object_rows(self) -> Iterator[dict[str, Any]]:
        for number, (kind, _, name) in enumerate(self.dimension_kinds, start=1):
            yield {
                "dbId": 3_000 + number,
                "code": name,
                "description": name,
                "ownerDbId": TOP,
                "objectKindDbId": kind,
            }

    def _setup_rows(self) -> Iterator[dict[str, Any]]:
        for owner in self.group.owners:
            for number in range(1, min(len(self.dimension_kinds), 5) + 1):
                yield {
                    "dbId": owner * 10 + number,
                    "entityDbId": owner + 10_000,
                    "fieldDbId": self.system_value("field", f"XGL{number}"),
                    "fieldObjectDbId": 3_000 + number,
                }

    def _object_value_rows(self) -> Iterator[dict[str, Any]]:
        def row(number: int, owner: int, kind: int, code: str, name: str) -> dict[str, Any]:
            return {
                "dbId": number, "id": number, "code": code, "description": name, "dateFrom": date(2019, 1, 1), "posting": True,
                "ownerDbId": owner, "objectKindDbId": kind, "createdAt": _REGISTERED, "modifiedAt": _CHANGED,
            }  # fmt: skip

        for value in self.dimension_values:
            yield row(*value)
        for code, name in self.tax_rules.items():
            yield row(self._tax_rules[code], REGISTER_OWNER, TAX_RULE_KIND, code, name)
        for number, name in ((15_001, "Leverandører"), (15_002, "Kunder"), (15_003, "Ansatte")):
            yield row(number, TOP, GROUP_KIND, str(number), name)
        for days in sorted({one.terms_days for one in self.group.everyone()}):
            yield row(16_000 + days, TOP, TERMS_KIND, str(days), f"Netto {days} dager")
        for chart, accounts in self.charts.items():
            for group_code in sorted({code[:2] for code, *_ in accounts if code[:2].isdigit()}):
                yield row(
                    520_000 + chart * 100 + int(group_code),
                    TOP,
                    ACCOUNT_GROUP_KIND,
                    group_code,
                    f"Kontogruppe {group_code}",
                )

    def _company_rows(self, people: list[Subledger]) -> list[dict[str, Any]]:
        parties = {party.db_id: party for party in (*self.group.owners.values(), *(one.party for one in people))}
        return [
            {
                "dbId": party.db_id,
                "code": str(party.db_id),
                "description": party.name,
                "name": party.name,
                "companyName": None if party.is_person else party.name,
                "companyNumber": party.number,
                "taxNumber": self._vat_number(party),
                "country": party.country,
                "createdAt": _REGISTERED,
                "modifiedAt": _CHANGED,
                "ownerDbId": REGISTER_OWNER,
                "isOpen": True,
            }
            for party in parties.values()
        ]

    def _vat_number(self, party: Party) -> str | None:
        has_one = self.is_invented and party.country == "NO" and party.number and not party.is_person
        return f"NO{party.number}MVA" if has_one else None

    def _subledger_row(self, one: Subledger) -> dict[str, Any]:
        group = {"SUPPLIER": 15_001, "CUSTOMER": 15_002, "EMPLOYEE": 15_003}[one.ledger]
        is_employee = one.ledger == "EMPLOYEE"
        is_known = self.is_invented and bool(one.code)
        return {
            "dbId": one.db_id,
            "id": one.db_id,
            "code": one.code or None,
            "description": one.name,
            "number": one.db_id % 100_000,
            "email": _email(one, "faktura") if is_known else None,
            "phone": f"+47 {one.db_id % 10**8:08d}" if is_known and not is_employee else None,
            "fromDate": date(2019, 1, 1) if is_known else None,
            "toDate": None if one.is_open else date(2025, 6, 30),
            "createdAt": _REGISTERED,
            "modifiedAt": _CHANGED,
            "ownerDbId": one.owner,
            "subledgerGroupDbId": group,
            "bankAccount": one.bank_account or None,
            "taxNo": one.party.number if is_employee else None,
            "extIdentifier": f"ext-{one.code}" if is_known else None,
            "companyDbId": one.party.db_id if one.has_company else None,
            "addressDbId": one.db_id if is_known else None,
            "contactDbId": _contact_id(one) if is_known else None,
            "currencyDbId": currency_id(self.company_currency(one.owner)),
            "ledgerTypeDbId": self.system_value("ledgerType", one.ledger),
            "payTermsDbId": 16_000 + one.terms_days if is_known else None,
            "isSupplier": one.ledger == "SUPPLIER",
            "isOpen": one.is_open,
        }


def _periods(years: Sequence[int]) -> Iterator[dict[str, Any]]:
    for year in years:
        for month in range(1, 13):
            first = date(year, month, 1)
            last = date(year + month // 12, month % 12 + 1, 1)
            yield {
                "dbId": period_id(first), "code": f"{year}-{month:02d}", "description": f"{month:02d}/{year}",
                "fiscalPeriod": month,
                "fiscalYear": year, "fiscalYearStartMonth": 1, "monthNumber": month, "year": year, "fromDate": first,
                "toDate": date.fromordinal(last.toordinal() - 1),
            }  # fmt: skip


def _address(one: Subledger) -> dict[str, Any]:
    country = _COUNTRIES[one.party.country][0]
    return {
        "dbId": one.db_id, "ownerDbId": one.owner, "streetAddress": f"Storgata {one.db_id % 99 + 1}",
        "zipCode": f"{one.db_id % 9_000 + 1_000}", "place": "Ålesund", "countryDbId": country,
    }  # fmt: skip


def _contact_id(one: Subledger) -> int:
    return 109_349_000_000_000 + one.db_id


def _contact(number: int, one: Subledger) -> dict[str, Any]:
    is_employee = one.ledger == "EMPLOYEE"
    first, _, last = one.name.partition(" ") if is_employee else ("Kontakt", "", f"Kontaktus-{number:04d}")
    return {
        "dbId": _contact_id(one), "code": one.code, "name": f"{first} {last}", "firstName": first, "lastName": last,
        "email": _email(one, "ordre"),
        "jobTitle": None if is_employee else "Ordrekontor",
        "companyName": None if is_employee else one.name, "birthday": date(1960 + number % 40, number % 12 + 1, number % 28 + 1),
        "personalId": one.party.number if is_employee else None, "ownerDbId": one.owner, "companyDbId": one.party.db_id,
        "createdAt": _REGISTERED, "modifiedAt": _CHANGED,
    }  # fmt: skip


def _email(one: Subledger, desk: str) -> str:
    return _private_email(one) if one.ledger == "EMPLOYEE" else f"{desk}@{one.code.lower()}.example"


def _private_email(one: Subledger) -> str:
    return f"{one.name.lower().replace(' ', '.')}@privat.example"

"""The group whose books the sandbox keeps: its companies, their suppliers, customers and employees, all invented."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from pipelines.sandbox.ledger.model import Party, Subledger

REGISTER_OWNER = 1
TOP = 21_000
INDUSTRY = 21_001
SERVICE = 21_002
SWEDEN = 21_003
NORWEGIAN = (TOP, INDUSTRY, SERVICE)

_TRADES = (
    # trade, account, VAT %, terms
    ("Eiendom", "6300", 0, 14), ("Kraft", "6340", 25, 14), ("Renhold", "6360", 25, 30), ("Data", "6553", 25, 30),
    ("Skyløsninger", "6420", 25, 30), ("Revisjon", "6700", 25, 14), ("Regnskap", "6705", 25, 14), ("Advokatfirma", "6725", 25, 10),
    ("Konsulent", "6790", 25, 30), ("Kontor", "6800", 25, 30), ("Kurs", "6860", 0, 20), ("Telekom", "6900", 25, 20),
    ("Frakt", "6940", 25, 14), ("Energi", "7000", 25, 10), ("Reisebyrå", "7140", 12, 14), ("Reklame", "7320", 25, 30),
    ("Forsikring", "7500", 0, 14), ("Grossist", "4300", 25, 45), ("Entreprenør", "4500", 25, 30), ("Maskin", "1200", 25, 30),
    ("Møbler", "1250", 25, 30), ("Kantine", "5910", 15, 14), ("Personalkurs", "5900", 25, 20), ("Catering", "6860", 15, 14),
)  # fmt: skip
_PLACES = (
    "Åsnes", "Brekke", "Drangedal", "Eikefjord", "Fjære", "Gjerstad", "Hølen", "Innvik", "Jøa", "Kvås", "Lærdal", "Måløy",
    "Nærøy", "Ørsta", "Råde", "Sælbu", "Tjøme", "Ulvik", "Vågå", "Ytterøy",
)  # fmt: skip
_FIRST_NAMES = (
    "Sigrun", "Torbjørn", "Åshild", "Ragnvald", "Gunnvor", "Eilert", "Borghild", "Sverre", "Ingunn", "Asbjørn", "Solfrid",
    "Halvard", "Turid", "Øystein", "Dagny", "Steinar", "Jorunn", "Kolbjørn", "Vigdis", "Arnulf",
)  # fmt: skip
_LAST_NAMES = (
    "Tveitaas", "Brattabø", "Skjelvik", "Myklebostad", "Fagerjordet", "Grønnevik", "Hestnesøy", "Kvamsdalen", "Lauvåsen",
    "Nordgulen", "Oppstadhaug", "Rognmo", "Sørbråten", "Trædal", "Utvikmoen", "Vassbotn", "Ølnesvik", "Åkerbekk",
)  # fmt: skip
_SUPPLIERS_EACH = 44
_CUSTOMERS_EACH = 12


@dataclass
class Group:
    """Companies by owner, and the subledgers of each."""

    owners: dict[int, Party] = field(default_factory=dict)
    suppliers: dict[int, list[Subledger]] = field(default_factory=dict)
    customers: dict[int, list[Subledger]] = field(default_factory=dict)
    employees: dict[int, list[Subledger]] = field(default_factory=dict)
    special: dict[str, Subledger] = field(default_factory=dict)

    def everyone(self) -> Iterator[Subledger]:
        """All subledgers, those for single cases included."""
        for kind in (self.suppliers, self.customers, self.employees):
            for subledgers in kind.values():
                yield from subledgers
        yield from self.special.values()


class GroupBuilder:
    """Makes the group from a seed."""

    def __init__(self, seed: int, employees: int, *, is_hostile: bool) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self._employees = employees
        self._is_hostile = is_hostile
        self._party_ids = count(109_000_001)
        self._subledger_ids = count(4_100_001)
        self._org_numbers = _organisation_numbers()
        self._names = self._supplier_names()
        self._people = self._person_names()
        self._persons = count(1)

    def build(self) -> Group:
        """The whole group."""
        group = Group()
        for owner, name in (
            (TOP, "Nordvik Gruppen AS"),
            (INDUSTRY, "Nordvik Industri AS"),
            (SERVICE, "Nordvik Service AS"),
        ):
            group.owners[owner] = self._company(name)
        if self._is_hostile:
            group.owners[SWEDEN] = Party(next(self._party_ids), "Nordvik Sverige AB", "556677-8899", "SE")
        for owner in group.owners:
            group.suppliers[owner] = [self._supplier(owner, number) for number in range(_SUPPLIERS_EACH)]
            group.customers[owner] = [self._customer(owner, number) for number in range(_CUSTOMERS_EACH)]
            group.employees[owner] = [self.employee(owner) for _ in range(self._employees)]
        self._add_special(group)
        if self._is_hostile:
            self._add_hostile(group)
        return group

    def employee(self, owner: int) -> Subledger:
        """A person with a synthetic national id (months above 80) and a private bank account."""
        number = next(self._persons)
        party = Party(next(self._party_ids), next(self._people), _national_id(number), "NO", is_person=True)
        return Subledger(
            next(self._subledger_ids),
            owner,
            "EMPLOYEE",
            f"E{number:04d}",
            party,
            bank_account=_bank_account(90_000 + number),
        )

    def supplier(self, owner: int, party: Party, code: str, account: str, **more: Any) -> Subledger:
        """A supplier for a party that is already in the register."""
        number = next(self._subledger_ids)
        return Subledger(
            number, owner, "SUPPLIER", code, party, account, bank_account=_bank_account(number % 80_000), **more
        )

    def party(self, name: str, country: str = "NO", number: str | None = None) -> Party:
        """A party with a name, and a number of its own unless told otherwise."""
        return Party(next(self._party_ids), name, number, country)

    def _company(self, name: str) -> Party:
        return Party(next(self._party_ids), name, next(self._org_numbers), "NO")

    def _supplier(self, owner: int, number: int) -> Subledger:
        _, account, vat_percent, terms = _TRADES[number % len(_TRADES)]
        if owner == SWEDEN:
            account = ("5010", "5420", "5611", "6110", "6210", "6540", "6800", "4010")[number % 8]
        return self.supplier(
            owner,
            self._company(next(self._names)),
            f"L{owner % 10}{number:03d}",
            account,
            vat_percent=vat_percent,
            terms_days=terms,
            is_open=number % 17 != 16,
        )

    def _customer(self, owner: int, number: int) -> Subledger:
        party = self._company(f"Kunde {next(self._names)}")
        return Subledger(next(self._subledger_ids), owner, "CUSTOMER", f"K{owner % 10}{number:03d}", party)

    def _add_special(self, group: Group) -> None:
        shared = self._company("Felles Innkjøp AS")
        group.special = {
            # One legal entity, two subledgers
            "shared_number_a": self.supplier(INDUSTRY, shared, "L9001", "6800"),
            "shared_number_b": self.supplier(
                INDUSTRY, self.party("FELLES INNKJØP A/S", number=shared.number), "L9002", "6800"
            ),
            "no_number": self.supplier(
                SERVICE, self.party("Bakgårdens Sykkelverksted"), "L9003", "6540", vat_percent=0
            ),
            "no_company": self.supplier(SERVICE, self._company("Uten Selskap AS"), "L9004", "6800", has_company=False),
            "german": self.supplier(
                INDUSTRY, self.party("Müller Präzisionsteile GmbH", "DE", "DE811907980"), "L9005", "4300"
            ),
            "american": self.supplier(SERVICE, self.party("Acme Cloud Inc.", "US", "98-7654321"), "L9006", "6420"),
            "sister": self.supplier(INDUSTRY, group.owners[SERVICE], "L9007", "6790"),
            "owner_person": self.supplier(
                SERVICE,
                Party(next(self._party_ids), "Oddbjørg Enkeltmann", None, "NO", is_person=True),
                "L9008",
                "6790",
            ),
            "collector": self.supplier(TOP, self._company("Namsmannen i Eikefjord"), "L9009", "7790"),
            "union": self.supplier(TOP, self._company("Fagforeningen Sveis og Lim"), "L9010", "7790"),
            "card_bank": self.supplier(SERVICE, self._company("Kortbanken AS"), "L9011", "7770"),
            "group_buying": self.supplier(TOP, self._company("Konsernavtale AS"), "L9012", "6810"),
            "farm_a": self.supplier(TOP, self._company("Strøm Øst AS"), "L9013", "6340"),
            "farm_b": self.supplier(TOP, self._company("Strøm Vest AS"), "L9014", "6340"),
            "farm_c": self.supplier(TOP, self._company("Strøm Nord AS"), "L9015", "6340"),
        }

    def _add_hostile(self, group: Group) -> None:
        unknown = self.supplier(SERVICE, self.party("?"), "", "6800", vat_percent=0)
        person = Party(next(self._party_ids), "Tolk Hjelpsom", _national_id(9_999), "NO", is_person=True)
        group.special["nothing_known"] = replace(unknown, bank_account="", has_company=False)
        group.special["national_id"] = self.supplier(SERVICE, person, "L9099", "6790", vat_percent=0)

    def _supplier_names(self) -> Iterator[str]:
        pairs = [f"{place} {trade} AS" for trade, *_ in _TRADES for place in _PLACES]
        self._random.shuffle(pairs)
        yield from pairs
        for number in count(1):
            yield f"Leverandør {number} AS"

    def _person_names(self) -> Iterator[str]:
        pairs = [f"{first} {last}" for first in _FIRST_NAMES for last in _LAST_NAMES]
        self._random.shuffle(pairs)
        yield from pairs
        for number in count(1):
            yield f"Vikarius Timelønnet-{number:05d}"


def _organisation_numbers() -> Iterator[str]:
    """Numbers of the tax authority's test series (31.......) that pass the modulus-11 check."""
    for serial in count(31_000_017, 37):
        digits = [int(digit) for digit in str(serial)]
        control = 11 - sum(a * b for a, b in zip(digits, (3, 2, 7, 6, 5, 4, 3, 2), strict=True)) % 11
        if control != 10:
            yield f"{serial}{control % 11}"


def _national_id(number: int) -> str:
    return f"{number % 28 + 1:02d}{81 + number % 12:02d}{60 + number % 40:02d}{10_000 + number * 37 % 90_000:05d}"


def _bank_account(number: int) -> str:
    """Eleven digits with a modulus-11 control digit; numbers without one are moved on."""
    while True:
        base = f"1503{number:06d}"
        total = sum(int(digit) * weight for digit, weight in zip(base, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=True))
        control = (11 - total % 11) % 11
        if control != 10:
            return f"{base}{control}"
        number += 100_000

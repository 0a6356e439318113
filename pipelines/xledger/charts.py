"""Account numbers and the ranges that mean pay, per chart of accounts.

An account's chart is its own ``chartOfAccountDbId``, never a guess from the number. Ranges are read on the first four
digits of the code, so ``5000*``, ``50001`` and ``5000A`` are all 5000; a code with fewer leading digits has no number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

CHART_NAMES: Mapping[int, str] = MappingProxyType({2: "NS4102", 3: "BAS"})

# Norwegian standard chart: 59xx is other personnel cost (canteen, training), BAS: 76xx likewise. On a supplier's invoice
# (document type AP) these are ordinary spend, as is every other account there; outside AP they are pay. 1950 is the bank
# account for withheld tax; BAS 163x the tax account, whose movements less VAT are withheld tax and social contributions.
DEFAULT_PAY_RANGES: Mapping[str, Sequence[Sequence[int]]] = MappingProxyType(
    {
        "NS4102": (
            (1570, 1576), (1740, 1740), (1950, 1950), (2600, 2699), (2770, 2785), (2910, 2949), (2980, 2980), (5000, 5999),
        ),
        "BAS": (
            (1610, 1619), (1630, 1639), (2710, 2719), (2730, 2739), (2790, 2799), (2820, 2829), (2910, 2949), (7000, 7699),
        ),
    }
)  # fmt: skip

# VAT follows from the lines that are received, so a voucher whose pay is balanced by VAT alone would tell it.
TAX_RANGES: Mapping[str, Sequence[Sequence[int]]] = MappingProxyType(
    {"NS4102": ((2700, 2769),), "BAS": ((2610, 2669),)}
)

# The accounts that the spend models remove anyway (dbt var excluded_account_ranges); both ends belong to it.
BALANCING_RANGE = (1900, 3000)


def account_number(code: str | None) -> int | None:
    """The first four digits of an account code, or None where it does not start with four digits."""
    match = re.match(r"\s*(\d{4})", code or "")
    return int(match.group(1)) if match else None


def in_ranges(number: int | None, ranges: Sequence[Sequence[int]]) -> bool:
    """Whether the number lies in one of the ranges, both ends included."""
    return number is not None and any(low <= number <= high for low, high in ranges)

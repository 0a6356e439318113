"""The search for pay finds what reading every number of a text would find."""

from __future__ import annotations

import re
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from tests.payroll_search import Canaries

AMOUNTS = frozenset(map(Decimal, ("0.5", "7.25", "845", "1000.0000", "12005.6", "1234567.8900")))
_WRITTEN = [
    f"{sign}{amount:{grouped}f}".replace(",", separator) + zeros
    for amount in (*AMOUNTS, Decimal("2005.6"), Decimal("84500.5"))
    for sign in ("", "-")
    for grouped, separator in (("", ""), (",", ","), (",", "'"), (",", "\u00a0"), (",", "\u2009"), (",", "\u202f"))
    for zeros in ("", "0", ".0", ".00")
]
_BETWEEN = [*"0123456789.,'- \t\n", "\u00a0", "x", "å", "\U0001f600"]


def _by_reading_every_number(text: str) -> set[str]:
    plain = re.findall(r"(?<![\d.])-?\d+\.\d+(?![\d.])", text, re.ASCII)
    grouped = re.findall(r"(?<!\d)\d{1,3}(?:[,'\u00a0\u2009\u202f]\d{3})+\.\d+(?![\d.])", text, re.ASCII)
    read = {abs(Decimal(re.sub(r"[,'\u00a0\u2009\u202f]", "", number))) for number in (*plain, *grouped)}
    return {str(amount) for amount in AMOUNTS if amount in read}


@given(st.lists(st.sampled_from([*_WRITTEN, *_BETWEEN]), max_size=8).map("".join))
@example("12,005.60")
@example("1'234,567.89")
@example("å 0007.250")
@example("112005.6 12005.61 .7.25 7.25. 845 845.0.")
def test_amounts_are_found_as_by_reading_every_number(text: str) -> None:
    assert Canaries(frozenset(["Ola"]), AMOUNTS).found_in(text) == _by_reading_every_number(text)


def test_words_are_found_beside_amounts() -> None:
    assert Canaries(frozenset(["Ola"]), AMOUNTS).found_in("Ola 845.00") == {"Ola", "845"}

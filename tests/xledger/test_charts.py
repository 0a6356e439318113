from __future__ import annotations

import pytest

from pipelines.xledger.charts import BALANCING_RANGE, DEFAULT_PAY_RANGES, account_number, in_ranges


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("5000", 5000),
        ("5000*", 5000),
        ("50001", 5000),
        ("5000A", 5000),
        ("5000-10", 5000),
        (" 5000", 5000),
        ("0500", 500),
        ("500", None),
        ("500*", None),
        ("A5000", None),
        ("50 00", None),
        ("", None),
        (None, None),
    ],
)
def test_the_number_is_the_first_four_digits(code: str | None, number: int | None) -> None:
    assert account_number(code) == number


@pytest.mark.parametrize(
    ("chart", "inside", "outside"),
    [
        pytest.param(
            "NS4102",
            [1570, 1576, 1740, 1950, 2600, 2699, 2770, 2785, 2910, 2949, 2980, 5000, 5899, 5900, 5999],
            [1569, 1577, 1739, 1741, 1949, 1951, 2599, 2700, 2769, 2786, 2909, 2950, 2979, 2981, 4999, 6000, 7010],
            id="NS4102",
        ),
        pytest.param(
            "BAS",
            [
                1610,
                1619,
                1630,
                1639,
                2710,
                2719,
                2730,
                2739,
                2790,
                2799,
                2820,
                2829,
                2910,
                2949,
                7000,
                7599,
                7600,
                7699,
            ],
            [1609, 1620, 1629, 1640, 2709, 2720, 2729, 2740, 2789, 2800, 2819, 2830, 2909, 2950, 5000, 6999, 7700],
            id="BAS",
        ),
    ],
)
def test_both_ends_of_a_range_belong_to_it(chart: str, inside: list[int], outside: list[int]) -> None:
    ranges = DEFAULT_PAY_RANGES[chart]
    assert [number for number in inside + outside if in_ranges(number, ranges)] == inside


def test_the_accounts_that_balance_are_those_that_the_models_remove() -> None:
    assert [number for number in (1899, 1900, 3000, 3001) if in_ranges(number, (BALANCING_RANGE,))] == [1900, 3000]


def test_an_account_without_a_number_is_in_no_range() -> None:
    assert not in_ranges(None, ((0, 9999),))

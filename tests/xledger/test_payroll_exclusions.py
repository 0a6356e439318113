from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fenced_ledger import FencedLedger, Item, Line, type_id
from hypothesis import given, settings
from hypothesis import strategies as st
from responses import Bench

from pipelines.xledger.capabilities import IdFilter
from pipelines.xledger.payroll import AP_TRANSACTIONS, LEDGER_ROOTS, TRANSACTIONS, Exclusions

# One for all examples: each fence starts from nothing.
_BENCH = Bench()

_NEGATIVE = {"id_not_in": "dbId_not_in"}
_ABOVE = ({"id_above": "dbId_gt"}, {"id_above_or_equal": "dbId_gte"})
_UP_TO = ({"id_up_to": "dbId_lte"}, {"id_below": "dbId_lt"})


def _id_filter(*, ids_are_text: bool = False, **operators: str) -> IdFilter:
    names = dict.fromkeys(IdFilter.__dataclass_fields__) | {"ids_are_text": ids_are_text, "id_in": "dbId_in"}
    return IdFilter(**(names | operators))  # type: ignore[arg-type]


_FILTERS = {
    "negative operator": _id_filter(**_NEGATIVE, **_ABOVE[0], **_UP_TO[0]),
    "negative operator, gte and lt": _id_filter(**_NEGATIVE, **_ABOVE[1], **_UP_TO[1]),
    "negative operator, text": _id_filter(ids_are_text=True, **_NEGATIVE, **_ABOVE[0], **_UP_TO[0]),
    "negative operator and document type": _id_filter(
        **_NEGATIVE, **_ABOVE[0], **_UP_TO[0], document_type_in="headerTransactionSourceDbId_in"
    ),
    "ids named": _id_filter(),
    "ids named, text": _id_filter(ids_are_text=True),
    "ids named and document type": _id_filter(document_type_in="headerTransactionSourceDbId_in"),
    "negative operator without ranges": _id_filter(**_NEGATIVE),
}


def _windows(exclusions: Exclusions, most_ids: int) -> Iterator[tuple[dict[str, Any], int, int, int]]:
    """The conditions of each window, the number of its ids, and the ids it is about: above one, up to another."""
    above = -1
    while window := exclusions.next_window(above, most_ids):
        fenced, last = window
        assert last > above, "a window must bring the read on"
        yield fenced.conditions, fenced.ids, above, last
        above = last


def _admits(conditions: dict[str, Any], db_id: int, document_type: int | None) -> bool:
    """What a server makes of the conditions."""

    def holds(name: str, value: Any) -> bool:
        match name:
            case "dbId_gt":
                return db_id > int(value)
            case "dbId_gte":
                return db_id >= int(value)
            case "dbId_lt":
                return db_id < int(value)
            case "dbId_lte":
                return db_id <= int(value)
            case "dbId_in":
                return db_id in {int(one) for one in value}
            case "dbId_not_in":
                return db_id not in {int(one) for one in value}
            case "headerTransactionSourceDbId_in":
                return document_type in value
        raise AssertionError(name)

    return all(holds(name, value) for name, value in conditions.items())


@st.composite
def _ledgers(draw: st.DrawFn) -> tuple[dict[int, str], int]:
    """Document type by id, and the fence, which later rows lie above."""
    types = draw(st.dictionaries(st.integers(0, 60), st.sampled_from(["PR", "BA", "GL"]), min_size=1, max_size=25))
    fence = draw(st.one_of(st.just(max(types)), st.integers(0, 70)))
    return types, fence


@settings(max_examples=60, derandomize=True, database=None, deadline=None)
@given(
    root=st.sampled_from(LEDGER_ROOTS),
    name=st.sampled_from(sorted(_FILTERS)),
    made=_ledgers(),
    most_ids=st.integers(1, 8),
)
def test_the_windows_together_admit_just_what_is_no_payroll(
    root: str, name: str, made: tuple[dict[int, str], int], most_ids: int
) -> None:
    types, fence = made
    lines = [Line(db_id, db_id, code, "6300") for db_id, code in types.items()] if root == TRANSACTIONS else []
    items = [Item(db_id, db_id, code) for db_id, code in types.items()] if root == AP_TRANSACTIONS else []
    exclusions = FencedLedger(lines, items, bench=_BENCH).judge().exclusions(root, _FILTERS[name], fence)

    admitted: list[int] = []
    reached = -1
    for conditions, ids, above, last in _windows(exclusions, most_ids):
        assert above == reached
        reached = last
        assert ids <= most_ids
        assert len(conditions.get("dbId_in", conditions.get("dbId_not_in", []))) == ids
        # Rows above the fence were posted after the run began.
        later = dict.fromkeys(range(fence + 1, fence + 15), "GL")
        rows = later | types
        admitted += [db_id for db_id, code in rows.items() if _admits(conditions, db_id, type_id(code))]

    wanted = [db_id for db_id, code in types.items() if code != "PR" and db_id <= fence]
    assert sorted(admitted) == sorted(wanted), "each row that is no payroll comes once, and no other"


def _exclusions(root: str = TRANSACTIONS, name: str = "negative operator", fence: int = 1000) -> Exclusions:
    lines = [Line(db_id, db_id, "PR" if db_id % 10 == 0 else "BA", "6300") for db_id in range(1, 101)]
    return FencedLedger(lines).judge().exclusions(root, _FILTERS[name], fence)


def test_a_short_list_is_one_window_up_to_the_fence() -> None:
    (window,) = _windows(_exclusions(), 10_000)
    conditions, ids, _, last = window
    assert conditions == {"dbId_gt": -1, "dbId_lte": 1000, "dbId_not_in": list(range(10, 101, 10))}
    assert (ids, last) == (10, 1000)


def test_a_long_list_is_cut_into_windows_that_meet() -> None:
    windows = [(c["dbId_gt"], c["dbId_lte"], c.get("dbId_not_in")) for c, *_ in _windows(_exclusions(), 4)]
    assert windows == [
        (-1, 40, [10, 20, 30, 40]),
        (40, 80, [50, 60, 70, 80]),
        (80, 1000, [90, 100]),
    ]


def test_a_list_that_just_fills_a_window_needs_one_more_without_a_list() -> None:
    windows = [(c["dbId_gt"], c["dbId_lte"], c.get("dbId_not_in")) for c, *_ in _windows(_exclusions(), 10)]
    assert windows == [(-1, 100, list(range(10, 101, 10))), (100, 1000, None)]


def test_the_last_id_of_all_may_be_payroll() -> None:
    windows = list(_windows(_exclusions(fence=100), 10))
    assert [(above, last) for _, _, above, last in windows] == [(-1, 100)]


def test_nothing_is_asked_for_above_the_fence() -> None:
    for name in _FILTERS:
        for conditions, *_ in _windows(_exclusions(name=name, fence=33), 5):
            assert not any(_admits(conditions, db_id, type_id("BA")) for db_id in range(34, 200))


def test_named_ids_are_never_more_than_the_limit() -> None:
    windows = list(_windows(_exclusions(name="ids named"), 7))
    assert [ids for _, ids, _, _ in windows] == [7] * 12 + [6]
    assert [db_id for conditions, *_ in windows for db_id in conditions["dbId_in"]] == [
        db_id for db_id in range(1, 101) if db_id % 10
    ]


def test_ids_are_said_as_the_live_filter_takes_them() -> None:
    (window,) = _windows(_exclusions(name="negative operator, text"), 10_000)
    assert window[0] == {
        "dbId_gt": "-1",
        "dbId_lte": "1000",
        "dbId_not_in": [str(number) for number in range(10, 101, 10)],
    }


def test_only_document_types_that_are_no_payroll_ride_along() -> None:
    (window,) = _windows(_exclusions(name="negative operator and document type"), 10_000)
    assert window[0]["headerTransactionSourceDbId_in"] == [type_id("BA")]


def test_an_empty_root_is_asked_for_in_one_window_or_none() -> None:
    fence = FencedLedger().judge()
    assert len(list(_windows(fence.exclusions(TRANSACTIONS, _FILTERS["negative operator"], 0), 5))) == 1
    assert list(_windows(fence.exclusions(TRANSACTIONS, _FILTERS["ids named"], 0), 5)) == []

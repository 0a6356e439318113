"""Landing against a second, slow road: the JSON reader of Python and Decimal, row by row."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_reading import expected_row
from responses import Bench, node_leaves, operation, rows_of

from pipelines.xledger import entities
from pipelines.xledger.landing import Rows
from pipelines.xledger.tables import Kind

_DOCUMENTS = {
    "transactions": entities.TRANSACTION_ROWS,
    "ap_transactions": entities.AP_TRANSACTION_ROWS,
    "accounts": entities.ACCOUNT_ROWS,
    "object_values": entities.OBJECT_VALUE_ROWS,
}

_IDS = st.integers(0, 2**63 - 1)
_CENTS = st.integers(-(10**19) + 1, 10**19 - 1).map(lambda units: f"{Decimal(units).scaleb(-4):f}")
_VALUES: Mapping[Kind, st.SearchStrategy[Any]] = {
    Kind.ID: st.one_of(_IDS, _IDS.map(str)),
    Kind.INTEGER: st.integers(-(2**31), 2**31 - 1),
    Kind.MONEY: st.one_of(
        _CENTS,
        st.decimals(-(10**15) + 1, 10**15 - 1, places=2).map(lambda amount: f"{amount:f}"),
        st.integers(-(10**11), 10**11).map(lambda units: units / 10_000),
    ),
    Kind.DATE: st.dates(date(1900, 1, 1)).map(date.isoformat),
    Kind.TIME: st.datetimes(datetime(1980, 1, 1), datetime(2037, 12, 31)).map(
        lambda moment: moment.replace(microsecond=0).isoformat()
    ),
    Kind.FLAG: st.booleans(),
    Kind.TEXT: st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
}


def _kinds(rows: Rows) -> dict[tuple[str, ...], Kind]:
    return {
        (*split.prefix, *column.path): column.kind
        for split in rows.splits
        for column in split.table.columns
        if column.path
    }


@st.composite
def _nodes(draw: st.DrawFn, document_name: str) -> list[dict[str, Any]]:
    """Nodes with their own ids; everything else any value of its kind, and nulls at every depth."""
    rows = _DOCUMENTS[document_name]
    kinds = _kinds(rows)
    shuffle = draw(st.randoms(use_true_random=False))
    db_ids = draw(st.lists(_IDS, min_size=1, max_size=6, unique=True))
    owners = st.sampled_from([None, 1, 2])
    made = []
    for db_id in db_ids:
        tree: dict[str, Any] = {}
        for leaf in node_leaves(operation(document_name)):
            value: Any
            if leaf == ("dbId",):
                value = draw(st.sampled_from([db_id, str(db_id)]))
            elif leaf == ("ownerDbId",):
                value = draw(owners)
            else:
                value = draw(st.one_of(st.none(), _VALUES[kinds.get(leaf, Kind.TEXT)]))
            branch = tree
            for step in leaf[:-1]:
                branch = branch.setdefault(step, {})
            branch[leaf[-1]] = value
        made.append(_shuffled(_with_null_references(draw, tree), shuffle))
    return made


def _with_null_references(draw: st.DrawFn, tree: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None
        if isinstance(value, dict) and draw(st.integers(0, 4)) == 0
        else _with_null_references(draw, value)
        if isinstance(value, dict)
        else value
        for name, value in tree.items()
    }


def _shuffled(tree: Any, shuffle: random.Random) -> Any:
    """The keys in any order, and one that nobody asked for."""
    if not isinstance(tree, dict):
        return tree
    pairs = [(name, _shuffled(value, shuffle)) for name, value in tree.items()] + [("unasked", {"deep": [1, None]})]
    shuffle.shuffle(pairs)
    return dict(pairs)


@pytest.mark.parametrize("document_name", _DOCUMENTS)
@settings(
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data(), indent=st.sampled_from([None, 0, 3]), ascii_only=st.booleans())
def test_landing_agrees_with_a_plain_reading(
    document_name: str, data: st.DataObject, indent: int | None, ascii_only: bool
) -> None:
    nodes = data.draw(_nodes(document_name))
    asked, rows = operation(document_name), _DOCUMENTS[document_name]
    edges = [{"node": one, "cursor": "c"} for one in nodes]
    answer = {"data": {asked.root: {"pageInfo": {"hasNextPage": False}, "edges": edges}}}
    body = json.dumps(answer, indent=indent, ensure_ascii=ascii_only).encode()

    landed = rows_of(Bench().page(asked, rows, body))

    read = [edge["node"] for edge in json.loads(body, parse_float=Decimal)["data"][asked.root]["edges"]]
    for name in landed:
        if name == "gl_dimension":
            continue
        splits = [split for split in rows.splits if split.table.name == name]
        # Several rows of a response may carry the same voucher or system value; any of them may be the one that lands.
        candidates = [expected_row(split, tree) for tree in read for split in splits]
        keys = {(row["owner_db_id"], row["db_id"]) for row in candidates if row["db_id"] is not None}
        assert sorted((row["owner_db_id"], row["db_id"]) for row in landed[name]) == sorted(keys)
        assert all(row in candidates for row in landed[name])

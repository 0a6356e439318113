"""A GraphQL selection set as SQL: DuckDB itself writes the JSON, so that no row becomes a Python object.

Objects that many rows refer to (a voucher, an account) are written once each and joined.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
)
from graphql.execution.collect_fields import collect_sub_fields

from pipelines.sandbox.permissions import Permissions
from pipelines.sandbox.tables import EMBEDDED, ID_ONLY, reference_column

# Lists of objects inside an object: table of the members, and its column that holds the carrier's dbId.
_MEMBERS = {("Entity", "glSetupEntries"): ("GLSetupEntry", "entityDbId")}
_QUOTED = ("Int64String", "MoneyString", "DateString", "ID", "DeltaMutationType")
_BARE = ("Int", "Float", "Boolean")


@dataclass
class Selection:
    """Writes the SQL for one root field; ``tables`` fills up with the common table expressions it needs."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    permissions: Permissions
    tables: list[tuple[str, str]] = field(default_factory=list)
    _used: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _numbers: Iterator[int] = field(default_factory=count)

    def fields(self, type_name: str, nodes: list[FieldNode]) -> dict[str, FieldNode]:
        """The fields selected on an object, by response key, fragments and @skip/@include resolved."""
        graphql_type = self._object_type(type_name)
        collected = collect_sub_fields(self.schema, dict(self.fragments), dict(self.variables), graphql_type, nodes)
        return {key: self.merged(same) for key, same in collected.items()}

    def merged(self, nodes: list[FieldNode]) -> FieldNode:
        """One field asked for in several places: its selections together."""
        first = nodes[0]
        if len(nodes) == 1 or first.selection_set is None:
            return first
        together = tuple(part for node in nodes if node.selection_set for part in node.selection_set.selections)
        return FieldNode(
            alias=first.alias,
            name=first.name,
            arguments=first.arguments,
            directives=first.directives,
            selection_set=SelectionSetNode(selections=together),
        )

    def json_of(self, type_name: str, node: FieldNode, rows: str) -> tuple[str, str]:
        """An expression for the JSON text of the object in each row of ``rows``, and the joins it needs."""
        values = {key: self._value(type_name, inner, rows) for key, inner in self.fields(type_name, [node]).items()}
        members = {key: expression for key, (expression, _) in values.items()}
        return object_sql(members), "".join(join for _, join in values.values())

    def _value(self, type_name: str, node: FieldNode, rows: str) -> tuple[str, str]:
        name = node.name.value
        if name == "__typename":
            return f"""'"{type_name}"'""", ""
        graphql_type = self._object_type(type_name).fields[name].type
        named = get_named_type(graphql_type)
        if not isinstance(named, GraphQLObjectType):
            column = "glDimensionDbId" if type_name in EMBEDDED else name
            return _scalar(self.column(rows, column), named.name), ""
        if not self.permissions.may_read(named.name):
            return "'null'", ""
        if isinstance(get_nullable_type(graphql_type), GraphQLList):
            return self._members(type_name, node, rows)
        if named.name in EMBEDDED:
            inner, joins = self.json_of(named.name, node, rows)
            return f"case when {self.column(rows, 'glDimensionDbId')} is null then 'null' else {inner} end", joins
        reference = self.column(rows, reference_column(type_name, name))
        if named.name in ID_ONLY:
            names = {key: inner.name.value for key, inner in self.fields(named.name, [node]).items()}
            known = {"__typename": f"""'"{named.name}"'"""}
            inner = object_sql({key: known.get(name, _scalar(reference, "ID")) for key, name in names.items()})
            return f"case when {reference} is null then 'null' else {inner} end", ""
        found = self._written_once(named.name, node, f'"dbId" in (select {reference} from {rows})', "dbId")
        return f"coalesce({found}.json, 'null')", f" left join {found} on {found}.key is not distinct from {reference}"

    def _members(self, type_name: str, node: FieldNode, rows: str) -> tuple[str, str]:
        member_type, carrier = _MEMBERS[type_name, node.name.value]
        key = self.column(rows, "dbId")
        condition = f'"{carrier}" in (select {key} from {rows})'
        each = self._written_once(member_type, node, condition, carrier)
        lists = self._name()
        members = "'[' || string_agg(json, ',' order by row) || ']'"
        self.tables.append((lists, f"select key, {members} as json from {each} where key is not null group by key"))
        return f"coalesce({lists}.json, 'null')", f" left join {lists} on {lists}.key = {key}"

    def _written_once(self, type_name: str, node: FieldNode, condition: str, key_column: str) -> str:
        """A table with ``key``, ``row`` (dbId) and ``json`` of the objects that meet a condition."""
        rows, written = self._name(), self._name()
        place = len(self.tables)
        text, joins = self.json_of(type_name, node, rows)
        key, row = self.column(rows, key_column), self.column(rows, "dbId")
        self.tables.insert(place, (rows, f'select {self.columns(rows)} from "{type_name}" where {condition}'))
        # Null is a key too: a join that finds something for every row leaves the rows in their order.
        found = f"select {key} as key, {row} as row, {text} as json from {rows}{joins}"
        self.tables.append((written, f"{found} union all select null, null, null"))
        return written

    def column(self, rows: str, name: str) -> str:
        """A column of a table expression; only what is used is read."""
        self._used[rows].add(name)
        return f'{rows}."{name}"'

    def columns(self, rows: str) -> str:
        """The columns of a table expression that were used."""
        return ", ".join(f'"{name}"' for name in sorted(self._used[rows]))

    def _name(self) -> str:
        return f"t{next(self._numbers)}"

    def _object_type(self, type_name: str) -> GraphQLObjectType:
        graphql_type = self.schema.type_map[type_name]
        assert isinstance(graphql_type, GraphQLObjectType)  # noqa: S101
        return graphql_type


def object_sql(members: Mapping[str, str]) -> str:
    """An expression for an object's JSON text, from expressions for the texts of its members, none of them null."""
    # A fifth faster than making JSON of a struct, which reads every nested text again.
    parts = [part for key, value in members.items() for part in (f"""',"{key}":'""", value)]
    parts[0] = parts[0].replace(",", "{", 1)
    return f"concat({', '.join(parts)}, '}}')"


def _scalar(column: str, type_name: str) -> str:
    if type_name in _BARE:
        text = f"{column}::varchar"
    elif type_name in _QUOTED:
        text = f"""'"' || {column}::varchar || '"'"""
    elif type_name == "DateTimeString":
        text = f"""strftime({column}, '"%Y-%m-%dT%H:%M:%S"')"""
    else:
        text = f"to_json({column})::varchar"
    return f"coalesce({text}, 'null')"

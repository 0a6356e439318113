"""What the live schema offers: roots, fields, filter operators; and our documents fitted to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    parse_type,
    print_ast,
)

from pipelines.xledger.client import Client, Request
from pipelines.xledger.errors import ApiFailed, MalformedResponse

_OPTIONAL = "optional"
_NEGATIVE_OPERATORS = ("dbId_not_in", "dbId_nin", "dbId_notIn")
_ID_OPERATORS = ("dbId_in", *_NEGATIVE_OPERATORS, "dbId_gt", "dbId_gte", "dbId_lt", "dbId_lte")


@dataclass(frozen=True)
class Operation:
    """A document fitted to the live schema: its text, its root, the leaf fields it asks for, the optional ones it had to drop.

    ``key`` is what the root's answer is called in the response where that is not the root's name.
    """

    name: str
    root: str
    text: str
    variables: frozenset[str]
    leaves: frozenset[tuple[str, ...]]
    dropped: tuple[str, ...]
    key: str | None = None

    @property
    def answered_as(self) -> str:
        """The root's key in the response."""
        return self.key or self.root


@dataclass(frozen=True)
class IdFilter:
    """Names of the live filter's operators on dbId and document type; None where the schema has none."""

    ids_are_text: bool
    id_in: str | None
    id_not_in: str | None
    id_above: str | None
    id_above_or_equal: str | None
    id_up_to: str | None
    id_below: str | None
    document_type_in: str | None
    account_in: str | None

    @property
    def has_ranges(self) -> bool:
        return bool((self.id_above or self.id_above_or_equal) and (self.id_up_to or self.id_below))

    @property
    def leaves_out_by_window(self) -> bool:
        """Whether the exception can be said by the negative operator within a range of ids; else the ids to read are named."""
        return self.id_not_in is not None and self.has_ranges

    def value(self, db_id: int) -> str | int:
        """An id as the live filter takes it: Int64String as text, Int as number."""
        return str(db_id) if self.ids_are_text else db_id

    def values(self, db_ids: Iterable[int]) -> list[str | int]:
        """Ids as the live filter takes them."""
        return [self.value(db_id) for db_id in db_ids]

    def above(self, db_id: int) -> dict[str, Any]:
        """Condition for ids greater than ``db_id``."""
        if self.id_above:
            return {self.id_above: self.value(db_id)}
        return {str(self.id_above_or_equal): self.value(db_id + 1)}

    def up_to(self, db_id: int) -> dict[str, Any]:
        """Condition for ids no greater than ``db_id``."""
        if self.id_up_to:
            return {self.id_up_to: self.value(db_id)}
        return {str(self.id_below): self.value(db_id + 1)}


class Capabilities:
    """The live schema, asked for once per run."""

    def __init__(self, schema: GraphQLSchema) -> None:
        if schema.query_type is None:
            raise ApiFailed("The API's schema has no query type; check API_URL.")
        self._schema = schema
        self._query_type = schema.query_type

    @classmethod
    def introspect(cls, client: Client) -> Capabilities:
        """Ask the live schema what it offers."""
        query = get_introspection_query(descriptions=False)
        return client.execute(Request("IntrospectionQuery", query), cls._from_body)

    @classmethod
    def _from_body(cls, body: bytes) -> Capabilities:
        try:
            answer = json.loads(body)
            return cls(build_client_schema(answer["data"], assume_valid=True))
        except (ValueError, KeyError, TypeError):
            raise MalformedResponse("the answer to the introspection query is no schema") from None

    def has_root(self, root: str) -> bool:
        return root in self._query_type.fields

    def has_field(self, type_name: str, field_name: str) -> bool:
        graphql_type = self._schema.type_map.get(type_name)
        return isinstance(graphql_type, GraphQLObjectType) and field_name in graphql_type.fields

    def id_filter(self, root: str) -> IdFilter:
        """The operators of the root's filter argument."""
        fields = self._filter_fields(root)

        def first(*names: str) -> str | None:
            return next((name for name in names if name in fields), None)

        return IdFilter(
            ids_are_text=any(
                get_named_type(fields[name].type).name != "Int" for name in _ID_OPERATORS if name in fields
            ),
            id_in=first("dbId_in"),
            id_not_in=first(*_NEGATIVE_OPERATORS),
            id_above=first("dbId_gt"),
            id_above_or_equal=first("dbId_gte"),
            id_up_to=first("dbId_lte"),
            id_below=first("dbId_lt"),
            document_type_in=first("headerTransactionSourceDbId_in", "transactionSourceDbId_in"),
            account_in=first("accountDbId_in"),
        )

    def has_filter(self, root: str, name: str) -> bool:
        return name in self._filter_fields(root)

    def _filter_fields(self, root: str) -> dict[str, Any]:
        argument = self._query_type.fields[root].args.get("filter") if self.has_root(root) else None
        named = get_named_type(argument.type) if argument else None
        return named.fields if isinstance(named, GraphQLInputObjectType) else {}

    def fit(self, document: DocumentNode) -> Operation:
        """Fit a document to the live schema: drop optional fields and arguments it lacks, take over its variable types.

        Raises:
            ApiFailed: a required field is missing; its name is in the message.
        """
        definition = document.definitions[0]
        assert isinstance(definition, OperationDefinitionNode)  # noqa: S101
        dropped: list[str] = []
        selections = self._fit_selections(definition.selection_set, self._query_type, dropped)
        fields = [selection for selection in selections.selections if isinstance(selection, FieldNode)]
        variable_types = dict(self._variable_types(fields))
        variables = tuple(
            _with_type(variable, variable_types[variable.variable.name.value])
            for variable in definition.variable_definitions
            if variable.variable.name.value in variable_types
        )
        fitted = OperationDefinitionNode(
            operation=definition.operation,
            name=definition.name,
            variable_definitions=variables,
            directives=(),
            selection_set=selections,
        )
        return Operation(
            name=definition.name.value if definition.name else "",
            root=fields[0].name.value,
            text=print_ast(fitted),
            variables=frozenset(variable_types),
            leaves=frozenset(_node_leaves(fields[0])),
            dropped=tuple(dropped),
        )

    def _fit_selections(
        self, selection_set: SelectionSetNode, parent: GraphQLObjectType, dropped: list[str]
    ) -> SelectionSetNode:
        kept: list[FieldNode] = []
        for node in selection_set.selections:
            assert isinstance(node, FieldNode)  # noqa: S101
            live = parent.fields.get(node.name.value)
            live_type = get_named_type(live.type) if live else None
            wants_object = node.selection_set is not None
            if live is None or wants_object != isinstance(live_type, GraphQLObjectType):
                if not any(directive.name.value == _OPTIONAL for directive in node.directives):
                    raise ApiFailed(
                        f"The API no longer offers {parent.name}.{node.name.value}, which this program needs; "
                        "report it, and keep using the last published file."
                    )
                dropped.append(f"{parent.name}.{node.name.value}")
                continue
            inner = None
            if node.selection_set is not None and isinstance(live_type, GraphQLObjectType):
                inner = self._fit_selections(node.selection_set, live_type, dropped)
                if not inner.selections:
                    continue
            kept.append(
                FieldNode(
                    alias=node.alias,
                    name=node.name,
                    directives=(),
                    arguments=tuple(argument for argument in node.arguments if argument.name.value in live.args),
                    selection_set=inner,
                )
            )
        return SelectionSetNode(selections=tuple(kept))

    def _variable_types(self, roots: list[FieldNode]) -> Iterator[tuple[str, str]]:
        for root in roots:
            live = self._query_type.fields[root.name.value]
            for argument in root.arguments:
                if isinstance(argument.value, VariableNode):
                    yield argument.value.name.value, str(live.args[argument.name.value].type)


def _with_type(variable: Any, live_type: str) -> Any:
    copy = variable.__copy__()
    copy.type = parse_type(live_type)
    return copy


def _node_leaves(field: FieldNode, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of all scalar fields below a field, the field itself not named."""
    if field.selection_set is None:
        yield path
        return
    for inner in field.selection_set.selections:
        if isinstance(inner, FieldNode):
            yield from _node_leaves(inner, (*path, inner.name.value))

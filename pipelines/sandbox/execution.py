"""From a query and its variables to the response text: parse, validate, then let DuckDB write each root field."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    execute_sync,
    get_named_type,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.collect_fields import collect_fields
from graphql.execution.values import get_argument_values, get_variable_values
from graphql.validation import VariablesInAllowedPositionRule

from pipelines.sandbox.connections import Connection
from pipelines.sandbox.credits import Credits
from pipelines.sandbox.errors import ApiError, invalid_query
from pipelines.sandbox.json_text import json_bytes, object_pieces
from pipelines.sandbox.options import SandboxOptions
from pipelines.sandbox.owners import OwnerTree
from pipelines.sandbox.permissions import Permissions
from pipelines.sandbox.schema import live_schema
from pipelines.sandbox.selection import Selection
from pipelines.sandbox.variable_types import LooseVariablesRule

_RULES = [LooseVariablesRule if rule is VariablesInAllowedPositionRule else rule for rule in specified_rules]


@dataclass(frozen=True)
class Operation:
    """One request's query: what it asks for, with which variables, and by the token of which owner."""

    query: str
    variables: Mapping[str, Any]
    name: str | None
    owner: int
    fault: str | None = None


class Executor:
    """Answers operations from the ledger's database. Safe to use from several threads."""

    def __init__(
        self, database: duckdb.DuckDBPyConnection, options: SandboxOptions, owners: OwnerTree, credits: Credits
    ) -> None:
        self.schema: GraphQLSchema = live_schema(options)
        self._database = database
        self._options = options
        self._owners = owners
        self._credits = credits
        self._permissions = Permissions(frozenset(options.denied), options.denied_form == "null")
        self._local = threading.local()
        self._validated = lru_cache(maxsize=256)(self._validate)

    def execute(self, operation: Operation) -> bytes:
        """The response body.

        Raises:
            ApiError: the query or its variables are not valid, or ask for what the token may not read.
        """
        document = self._validated(operation.query)
        definition = get_operation_ast(document, operation.name)
        if definition is None:
            raise self._invalid("Unknown operation, or several operations and no operationName.")
        variables = self._coerce(definition, operation.variables)
        fragments = {part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)}
        query_type = self.schema.query_type
        assert query_type is not None  # noqa: S101
        fields = collect_fields(self.schema, fragments, variables, query_type, definition.selection_set)
        if self._options.most_roots and len(fields) > self._options.most_roots:
            raise self._invalid(f"A query may ask for {self._options.most_roots} root fields.")
        cost = self._cost(fields, query_type, variables)
        self._credits.spend(cost)
        answers = {
            key: self._root(nodes, query_type, fragments, variables, operation, cost, document)
            for key, nodes in fields.items()
        }
        return b"".join(object_pieces({"data": object_pieces(answers)}))

    def _validate(self, query: str) -> DocumentNode:
        try:
            document = parse(query)
        except GraphQLError as error:
            raise self._invalid(error.message) from None
        problems = validate(self.schema, document, _RULES)
        if problems:
            raise self._invalid(problems[0].message)
        return document

    def _invalid(self, message: str) -> ApiError:
        return invalid_query(message, self._options.query_error_status)

    def _coerce(self, definition: OperationDefinitionNode, given: Mapping[str, Any]) -> dict[str, Any]:
        values = get_variable_values(self.schema, definition.variable_definitions, dict(given), max_errors=1)
        if isinstance(values, list):
            raise self._invalid(values[0].message)
        return values

    def _cost(
        self, fields: Mapping[str, list[FieldNode]], query_type: GraphQLObjectType, variables: dict[str, Any]
    ) -> int:
        sizes = [0]
        for nodes in fields.values():
            declared = query_type.fields.get(nodes[0].name.value)
            if declared is not None and "first" in declared.args:
                arguments = get_argument_values(declared, nodes[0], variables)
                sizes.append(arguments.get("first") or arguments.get("last") or 1)
        return self._credits.cost(sum(max(size, 0) for size in sizes))

    def _root(
        self,
        nodes: list[FieldNode],
        query_type: GraphQLObjectType,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: dict[str, Any],
        operation: Operation,
        cost: int,
        document: DocumentNode,
    ) -> list[bytes]:
        name = nodes[0].name.value
        if name.startswith("__"):
            return [self._introspect(nodes, document, variables)]
        selection = Selection(self.schema, fragments, variables, self._permissions)
        node = selection.merged(nodes)
        named = get_named_type(query_type.fields[name].type)
        if name == "rateLimit":
            told = {"remaining": self._credits.remaining, "cost": cost, "__typename": "RateLimit"}
            shown = selection.fields("RateLimit", [node])
            return [json_bytes({key: told[inner.name.value] for key, inner in shown.items()})]
        arguments = get_argument_values(query_type.fields[name], node, variables)
        if name == "viewer":
            return self._viewer(node, selection, operation.owner)
        if name == "subledger":
            return [self._single("Subledger", node, selection, int(arguments["dbId"]), "dbId", operation.owner)]
        node_type = _node_type(named)
        if not self._permissions.may_read(node_type):
            return [b"null"]
        connection = Connection(node_type, self._options, self._owners, operation.owner, operation.fault)
        return connection.read(self._cursor(), node, arguments, selection)

    def _introspect(self, nodes: list[FieldNode], document: DocumentNode, variables: dict[str, Any]) -> bytes:
        definition = next(part for part in document.definitions if isinstance(part, OperationDefinitionNode)).__copy__()
        definition.selection_set = SelectionSetNode(selections=tuple(nodes))
        fragments = tuple(part for part in document.definitions if isinstance(part, FragmentDefinitionNode))
        only = DocumentNode(definitions=(definition, *fragments))
        result = execute_sync(self.schema, only, variable_values=variables)
        assert result.data is not None  # noqa: S101
        return json_bytes(next(iter(result.data.values())))

    def _viewer(self, node: FieldNode, selection: Selection, owner: int) -> list[bytes]:
        members = {}
        for key, inner in selection.fields("Viewer", [node]).items():
            if inner.name.value == "entity":
                text = self._single("Entity", inner, selection, owner, "ownerDbId", owner)
            elif inner.name.value == "user":
                text = json_bytes({user_key: str(owner * 10 + 1) for user_key in selection.fields("User", [inner])})
            else:
                text = json_bytes("Viewer")
            members[key] = [text]
        return object_pieces(members)

    def _single(
        self, type_name: str, node: FieldNode, selection: Selection, key: int, key_column: str, token_owner: int
    ) -> bytes:
        text, joins = selection.json_of(type_name, node, "page")
        selection.column("page", key_column)
        reached = self._owners.reached(token_owner, self._options.default_owner_set, type_name)
        tables = "".join(f", {name} as ({sql})" for name, sql in selection.tables)
        statement = f"""
            with page as (
                select {selection.columns("page")} from "{type_name}"
                where "{key_column}" = $key and "ownerDbId" in ({", ".join(map(str, sorted(reached)))})
            ){tables}
            select encode({text}) from page{joins}
        """
        row = self._cursor().execute(statement, {"key": key}).fetchone()
        return row[0] if row else b"null"

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        if not hasattr(self._local, "cursor"):
            self._local.cursor = self._database.cursor()
        cursor: duckdb.DuckDBPyConnection = self._local.cursor
        return cursor


def _node_type(connection: GraphQLNamedType) -> str:
    return connection.name.removesuffix("Connection")

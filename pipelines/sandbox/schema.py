"""The live schema: the file's names, with what is unknown of the real API switched on or off.

What is off is absent, so introspection and validation tell the truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    DefinitionNode,
    DocumentNode,
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    IntValueNode,
    ObjectTypeDefinitionNode,
    StringValueNode,
    ValueNode,
    build_ast_schema,
    parse,
)

from pipelines.sandbox.options import SandboxOptions

_SCHEMA_FILE = Path(__file__).with_name("schema.graphql")
_ID_TYPES = {"Transaction_Filter": "Int64String", "APTransaction_Filter": "Int"}
_ID_RANGES = ("dbId_gt", "dbId_gte", "dbId_lt", "dbId_lte")
_WITH_FIELDS = (ObjectTypeDefinitionNode, InputObjectTypeDefinitionNode, InputObjectTypeExtensionNode)
_DOCUMENT_TYPE_FILTER = """
extend input Transaction_Filter {
  headerTransactionSourceDbId: Int
  headerTransactionSourceDbId_in: [Int!]
}
"""


def live_schema(options: SandboxOptions) -> GraphQLSchema:
    """The schema that queries are validated against and that introspection shows.

    Raises:
        ValueError: ``options.without`` names something that the schema does not have.
    """
    taken_out = set(options.without)
    if not options.id_ranges:
        taken_out |= {f"{name}.{key}" for name in _ID_TYPES for key in _ID_RANGES}
    return _schema(tuple(_added(options)), frozenset(taken_out))


def full_schema() -> GraphQLSchema:
    """The schema with nothing taken out: what the ledger's tables are made of."""
    return _schema((), frozenset())


@cache
def _schema(added: tuple[str, ...], taken_out: frozenset[str]) -> GraphQLSchema:
    document = parse("\n".join([_SCHEMA_FILE.read_text(encoding="utf-8"), *added]), no_location=True)
    return _with_scalars(build_ast_schema(_without(document, taken_out)))


def _added(options: SandboxOptions) -> Iterator[str]:
    if options.negative_operator != "none":
        for name, id_type in _ID_TYPES.items():
            yield f"extend input {name} {{ {options.negative_operator}: [{id_type}!] }}"
    if options.document_type_filter:
        yield _DOCUMENT_TYPE_FILTER


def _without(document: DocumentNode, names: frozenset[str]) -> DocumentNode:
    dotted = {name if "." in name else f"Query.{name}" for name in names}
    unknown = dotted - {f"{type_name}.{field}" for type_name, field in _declared(document.definitions)}
    if unknown:
        raise ValueError(f"the schema has no {', '.join(sorted(unknown))}")
    for definition in document.definitions:
        if isinstance(definition, _WITH_FIELDS):
            kept = (field for field in definition.fields if f"{definition.name.value}.{field.name.value}" not in dotted)
            definition.fields = tuple(kept)  # type: ignore[assignment]
    return document


def _declared(definitions: tuple[DefinitionNode, ...]) -> Iterator[tuple[str, str]]:
    for definition in definitions:
        if isinstance(definition, _WITH_FIELDS):
            yield from ((definition.name.value, field.name.value) for field in definition.fields)


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}$")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?$")
_INTEGER = re.compile(r"-?\d{1,19}$")
_DECIMAL = re.compile(r"-?\d+(\.\d+)?$")
_FORMS: dict[str, tuple[re.Pattern[str], bool]] = {
    "Int64String": (_INTEGER, True),
    "DateString": (_DATE, False),
    "DateTimeString": (_TIME, False),
    "MoneyString": (_DECIMAL, True),
}


def _with_scalars(schema: GraphQLSchema) -> GraphQLSchema:
    for name, (pattern, takes_numbers) in _FORMS.items():
        scalar = schema.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)  # noqa: S101
        _read_strictly(scalar, pattern, takes_numbers)
    return schema


def _read_strictly(scalar: GraphQLScalarType, pattern: re.Pattern[str], takes_numbers: bool) -> None:
    def read(value: Any) -> str:
        number = takes_numbers and isinstance(value, (int, float)) and not isinstance(value, bool)
        text = str(value) if number or isinstance(value, str) else ""
        if not pattern.match(text):
            raise GraphQLError(f"{scalar.name} cannot represent value: {value!r}")
        return text

    def read_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> str:
        if isinstance(node, StringValueNode) or (takes_numbers and isinstance(node, IntValueNode)):
            return read(node.value)
        raise GraphQLError(f"{scalar.name} cannot represent this literal.", node)

    scalar.parse_value = read  # type: ignore[method-assign]
    scalar.parse_literal = read_literal  # type: ignore[method-assign,assignment]

"""Several documents in one request: each root under a key of its own, its variables under names of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphql import (
    FieldNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from pipelines.xledger.capabilities import Operation
from pipelines.xledger.client import Request

Variables = Mapping[str, Any]

_MOST_NAMES = 3


def keyed(operations: Sequence[Operation]) -> list[Operation]:
    """The operations with keys that tell their answers apart."""
    return [replace(operation, key=f"{operation.name}_{number}") for number, operation in enumerate(operations, 1)]


def in_one_request(operations: Sequence[Operation], variables: Sequence[Variables]) -> Request:
    """One request for these keyed operations; each has one root field."""
    declared: list[Any] = []
    roots: list[FieldNode] = []
    sent: dict[str, Any] = {}
    for operation, values in zip(operations, variables, strict=True):
        [definition] = parse(operation.text, no_location=True).definitions
        renamed = visit(definition, _Renamed(f"{operation.answered_as}_"))
        assert isinstance(renamed, OperationDefinitionNode)  # noqa: S101
        [root] = renamed.selection_set.selections
        assert isinstance(root, FieldNode)  # noqa: S101
        root.alias = NameNode(value=operation.answered_as)
        declared += renamed.variable_definitions
        roots.append(root)
        sent |= {f"{operation.answered_as}_{name}": value for name, value in values.items()}
    names = list(dict.fromkeys(operation.name for operation in operations))
    name = "_and_".join(names if len(names) <= _MOST_NAMES else [*names[:_MOST_NAMES], "others"])
    both = OperationDefinitionNode(
        operation=OperationType.QUERY,
        name=NameNode(value=name),
        variable_definitions=tuple(declared),
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(roots)),
    )
    return Request(name, print_ast(both), sent)


class _Renamed(Visitor):
    """Puts a word before the names of all variables."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def enter_variable(self, node: VariableNode, *_: Any) -> VariableNode:
        return VariableNode(name=NameNode(value=self._prefix + node.name.value))

"""What went over the sandbox's wire, document by document: a request that asks for several counts as so many."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from graphql import (
    FieldNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

Exchange = Mapping[str, Any]

_KEY = re.compile(r"(\w+?)_\d+")


def documents(exchanges: Iterable[Exchange]) -> Iterator[dict[str, Any]]:
    """Each exchange with operation, query and variables as of one document, and its part of the ``answer``, if it had one."""
    for exchange in exchanges:
        answer = (json.loads(exchange["response"] or "null", parse_float=Decimal) or {}).get("data") or {}
        definition = parse(exchange["query"]).definitions[0]
        assert isinstance(definition, OperationDefinitionNode)
        roots = [root for root in definition.selection_set.selections if isinstance(root, FieldNode)]
        keys = [_KEY.fullmatch(root.alias.value) if root.alias else None for root in roots]
        if not all(keys):
            yield {**exchange, "answer": next(iter(answer.values()), None)}
            continue
        for root, key in zip(roots, keys, strict=True):
            assert key is not None
            yield {**exchange, **_alone(definition, root, key[0], key[1], exchange), "answer": answer.get(key[0])}


def _alone(
    definition: OperationDefinitionNode, root: FieldNode, key: str, name: str, exchange: Exchange
) -> dict[str, Any]:
    prefix = f"{key}_"
    root = FieldNode(
        alias=None, name=root.name, arguments=root.arguments, directives=(), selection_set=root.selection_set
    )
    alone = OperationDefinitionNode(
        operation=definition.operation,
        name=NameNode(value=name),
        variable_definitions=tuple(
            variable for variable in definition.variable_definitions if variable.variable.name.value.startswith(prefix)
        ),
        directives=(),
        selection_set=SelectionSetNode(selections=(root,)),
    )
    variables = {
        variable[len(prefix) :]: value
        for variable, value in exchange["variables"].items()
        if variable.startswith(prefix)
    }
    return {"operation": name, "query": print_ast(visit(alone, _Without(prefix))), "variables": variables}


class _Without(Visitor):
    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def enter_variable(self, node: VariableNode, *_: Any) -> VariableNode:
        return VariableNode(name=NameNode(value=node.name.value.removeprefix(self._prefix)))

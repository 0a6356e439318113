"""Variables may stand where their type is not exactly the argument's: real clients pass String into date arguments."""

from __future__ import annotations

from typing import Any

from graphql import (
    GraphQLError,
    GraphQLNonNull,
    GraphQLScalarType,
    OperationDefinitionNode,
    Undefined,
    get_named_type,
    is_type_sub_type_of,
    type_from_ast,
)
from graphql.validation import VariablesInAllowedPositionRule

_TAKE_STRINGS = ("DateString", "DateTimeString", "MoneyString", "Int64String")


class LooseVariablesRule(VariablesInAllowedPositionRule):
    """Like the rule of the standard, but a String variable (or a list of them) fits every scalar that is written as text."""

    def leave_operation_definition(self, operation: OperationDefinitionNode, *_args: Any) -> None:
        """Report the variables that do not fit."""
        schema = self.context.schema
        for usage in self.context.get_recursive_variable_usages(operation):
            name = usage.node.name.value
            declared = self.var_def_map.get(name)
            if declared is None or usage.type is None:
                continue
            variable_type = type_from_ast(schema, declared.type)
            if variable_type is None:
                continue
            expected: Any = usage.type
            if isinstance(expected, GraphQLNonNull) and (
                declared.default_value or usage.default_value is not Undefined
            ):
                expected = expected.of_type
            fits = is_type_sub_type_of(schema, variable_type, expected)
            if not fits and not _is_text_for(variable_type, expected):
                message = (
                    f"Variable '${name}' of type '{variable_type}' used in position expecting type '{usage.type}'."
                )
                self.report_error(GraphQLError(message, [declared, usage.node]))


def _is_text_for(variable_type: Any, expected: Any) -> bool:
    named = get_named_type(expected)
    same_shape = str(variable_type).replace("String", "").replace("!", "") == str(expected).replace(
        named.name, ""
    ).replace("!", "")
    return (
        same_shape
        and get_named_type(variable_type).name == "String"
        and isinstance(named, GraphQLScalarType)
        and named.name in _TAKE_STRINGS
    )

"""A filter object as a SQL condition: flat keys with operator suffixes, combined with AND, and AND/OR lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipelines.sandbox.errors import ApiError

_COMPARISONS = {"_gte": ">=", "_gt": ">", "_lte": "<=", "_lt": "<"}
_EXCLUSIONS = ("_not_in", "_nin", "_notIn")


class Conditions:
    """Collects SQL conditions and the values they are compared with."""

    def __init__(self, columns: Mapping[str, str], longest_list: int) -> None:
        self._columns = columns
        self._longest_list = longest_list
        self.values: dict[str, Any] = {}
        self.has_list = False

    def of(self, conditions: Mapping[str, Any]) -> str:
        """The condition that a filter object stands for. A key whose value is null does not count.

        Raises:
            ApiError: a list is longer than the API takes.
        """
        parts = [self._one(key, value) for key, value in conditions.items() if value is not None]
        return " and ".join(parts) or "true"

    def compare(self, column: str, operator: str, value: Any) -> str:
        """Comparison of a column with one value, cast to the column's type."""
        return f'"{column}" {operator} {self._bind(value)}::{self._columns[column]}'

    def _one(self, key: str, value: Any) -> str:
        if key in ("AND", "OR"):
            word = f" {key.lower()} "
            return "(" + (word.join(f"({self.of(part)})" for part in value) or str(key == "AND")) + ")"
        if key in self._columns:
            return self.compare(key, "=", value)
        for suffix in _EXCLUSIONS:
            if key.endswith(suffix):
                return self._among(key.removesuffix(suffix), "not in", value)
        if key.endswith("_in"):
            return self._among(key.removesuffix("_in"), "in", value)
        suffix = next(suffix for suffix in _COMPARISONS if key.endswith(suffix))
        return self.compare(key.removesuffix(suffix), _COMPARISONS[suffix], value)

    def _among(self, column: str, operator: str, values: list[Any]) -> str:
        if self._longest_list and len(values) > self._longest_list:
            raise ApiError(f"The list for '{column}' is too long: at most {self._longest_list} values are allowed.")
        self.has_list = True
        members = f"from_json({self._bind(json.dumps(values))}, '[\"{self._columns[column]}\"]')"
        return f'"{column}" {operator} (select unnest({members}))'

    def _bind(self, value: Any) -> str:
        name = f"value{len(self.values)}"
        self.values[name] = value
        return f"${name}"

"""A plain GraphQL client, written for these tests: it shares nothing with the source the sandbox serves."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Response:
    """Status, headers and raw body of one answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Client:
    """Posts queries with one token."""

    url: str
    token: str

    def post(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        operation: str | None = None,
    ) -> Response:
        """One request, one response, whatever it is."""
        body = {"query": query, "variables": variables}
        if operation:
            body["operationName"] = operation
        sent = {"Authorization": f"token {self.token}", "Content-Type": "application/json"} | dict(headers or {})
        return self.send(json.dumps(body).encode(), sent)

    def send(
        self, body: bytes, headers: Mapping[str, str], *, path: str | None = None, method: str = "POST"
    ) -> Response:
        """Any request at all."""
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port or 80, timeout=60)
        try:
            connection.request(method, path or address.path, body, dict(headers))
            response = connection.getresponse()
            return Response(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def data(self, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The data of an answer without errors."""
        answer = self.post(query, variables).json
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def error(self, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The first error of an answer without data."""
        answer = self.post(query, variables).json
        assert "data" not in answer
        return answer["errors"][0]

    def nodes(self, root: str, fields: str, *, arguments: str = "", page: int = 10_000) -> Iterator[Any]:
        """All nodes of a connection, page by page."""
        after = None
        while True:
            connection = self.data(
                f"query ($after: String) {{ {root}(first: {page}, after: $after {arguments}) {{"
                f" edges {{ cursor node {{ {fields} }} }} pageInfo {{ hasNextPage }} }} }}",
                {"after": after},
            )[root]
            edges = connection["edges"] or []
            yield from (edge["node"] for edge in edges)
            if not connection["pageInfo"]["hasNextPage"]:
                return
            after = edges[-1]["cursor"]

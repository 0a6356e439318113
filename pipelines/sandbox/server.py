"""The HTTP side: token, limits, faults, gzip. What is answered comes from `execution.py`."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from pipelines.sandbox.credits import insufficient_credits
from pipelines.sandbox.errors import ApiError
from pipelines.sandbox.execution import Executor, Operation
from pipelines.sandbox.explorer import PATH, add_explorer
from pipelines.sandbox.faults import Faults
from pipelines.sandbox.limits import Limits, burst_reached, concurrency_reached
from pipelines.sandbox.mutations import Mutations
from pipelines.sandbox.options import SandboxOptions
from pipelines.sandbox.process import CONTROL_PATH
from pipelines.sandbox.scenario import Scenario
from pipelines.sandbox.tokens import owner_of
from pipelines.sandbox.wire import WireLog

_THREADS = 4
_GZIP_ABOVE = 1024
_IN_ROWS = ("repeated_cursor", "empty_page", "short_page", "overlap")
_STATUS_BODIES = {
    "500": "Internal Server Error",
    "502": "<html><body><h1>502 Bad Gateway</h1></body></html>",
    "503": "Service Unavailable",
}


class Server:
    """Answers HTTP requests for one ledger."""

    def __init__(
        self, executor: Executor, mutations: Mutations | None, tokens: Mapping[int, str], options: SandboxOptions
    ) -> None:
        self._executor = executor
        self._mutations = mutations
        self._scenario = Scenario(options.scenario)
        self._tokens = tokens
        self._options = options
        self._faults = Faults(options)
        self._limits = Limits(options)
        self._wire = WireLog(options.wire_log)
        self._threads = ThreadPoolExecutor(_THREADS)
        self._requests = 0

    def application(self) -> web.Application:
        """The aiohttp application."""
        application = web.Application(client_max_size=self._options.largest_body)
        application.router.add_post(PATH, self._post)
        add_explorer(application)
        application.router.add_post(CONTROL_PATH, self._control)
        return application

    async def _post(self, request: web.Request) -> web.StreamResponse:
        self._requests += 1
        number, asked = self._requests, {}
        status, headers = 200, {}
        fault = None
        try:
            with self._limits.one_request():
                owner = owner_of(request.headers.get("Authorization"), self._tokens, self._options.token_error_status)
                asked = await _read(request)
                operation = asked.get("operationName") or ""
                await self._mutate(self._scenario.due(number, operation))
                fault = self._faults.next(number, operation)
                body = await self._answer(asked, owner, fault)
        except ApiError as error:
            body, status, headers = error.body(), error.status, error.headers
        if fault in _STATUS_BODIES:
            body, status = _STATUS_BODIES[fault].encode(), int(fault)
        self._wire.write(number, asked, status, body)
        return await self._send(request, body, status, headers, fault)

    async def _control(self, request: web.Request) -> web.Response:
        """Mutations, as a JSON list, from whoever holds a token."""
        try:
            owner_of(request.headers.get("Authorization"), self._tokens, 401)
            return web.json_response(await self._mutate(await request.json()))
        except ApiError as error:
            return web.Response(body=error.body(), status=error.status)
        except ValueError as problem:
            return web.json_response({"refused": str(problem)}, status=400)

    async def _mutate(self, mutations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        if not mutations:
            return []
        if self._mutations is None:
            raise ValueError("this ledger is served read-only")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._mutations.apply, mutations)

    async def _answer(self, asked: Mapping[str, Any], owner: int, fault: str | None) -> bytes:
        self._refuse(fault)
        if fault == "null_data":
            return b'{"data": null}'
        operation = Operation(
            query=str(asked.get("query") or ""),
            variables=asked.get("variables") or {},
            name=asked.get("operationName") or None,
            owner=owner,
            fault=fault if fault in _IN_ROWS else None,
        )
        body = await asyncio.get_running_loop().run_in_executor(self._threads, self._executor.execute, operation)
        if fault == "partial":
            body = body[:-1] + b',"errors":[{"message":"An error occurred.","code":"INTERNAL_ERROR"}]}'
        return body

    def _refuse(self, fault: str | None) -> None:
        status = self._options.limit_status
        if fault == "timeout":
            raise ApiError("Your query timed out.")
        if fault == "burst":
            raise burst_reached(status)
        if fault == "concurrency":
            raise concurrency_reached(status)
        if fault == "credits":
            raise insufficient_credits(self._options.burst_seconds, status)

    async def _send(
        self, request: web.Request, body: bytes, status: int, headers: dict[str, str], fault: str | None
    ) -> web.StreamResponse:
        if fault == "reset":
            return _reset(request)
        if fault == "truncated":
            body = body[: len(body) // 2]
        content_type = (
            "text/html" if fault == "502" else "text/plain" if fault in _STATUS_BODIES else "application/json"
        )
        headers["Content-Type"] = f"{content_type}; charset=utf-8"
        moved = self._mutations.clock_moved_by if self._mutations else timedelta()
        headers["Date"] = format_datetime(datetime.now(UTC) + moved, usegmt=True)
        if len(body) > _GZIP_ABOVE and "gzip" in request.headers.get("Accept-Encoding", ""):
            body = await asyncio.get_running_loop().run_in_executor(self._threads, gzip.compress, body, 1)
            headers["Content-Encoding"] = "gzip"
        if fault in ("reset_body", "stall"):
            return await self._break_off(request, body, headers, fault)
        return web.Response(body=body, status=status, headers=headers)

    async def _break_off(
        self, request: web.Request, body: bytes, headers: dict[str, str], fault: str
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers)
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        if fault == "stall":
            await asyncio.sleep(self._options.stall_seconds)
        else:
            # The half must have left before the reset, or the client never sees it.
            await asyncio.sleep(0.05)
        return _reset(request, response)


def _reset(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return response or web.Response(status=500)


async def _read(request: web.Request) -> dict[str, Any]:
    """The JSON body; for a file upload the part called `content`. The content type is not insisted on."""
    try:
        if request.content_type.startswith("multipart/"):
            text = str((await request.post()).get("content", ""))
        else:
            text = (await request.read()).decode()
        asked = json.loads(text)
    except web.HTTPRequestEntityTooLarge:
        raise ApiError("Request body too large.", "BAD_REQUEST", None, 413) from None
    except ValueError:
        raise ApiError("The request body is not JSON.", "BAD_REQUEST", None, 400) from None
    if not isinstance(asked, dict):
        raise ApiError("The request body is not a JSON object.", "BAD_REQUEST", None, 400)
    return asked

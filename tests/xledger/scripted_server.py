"""An HTTP server on the loopback that answers as the test wrote it, one step a request; the last step stays."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Step = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class ScriptedServer:
    """Its address, and what it was sent."""

    url: str
    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return len(self.bodies)

    def sent(self, number: int = -1) -> Any:
        """The JSON of one request."""
        return json.loads(self.bodies[number])


@contextmanager
def scripted(steps: Sequence[Step]) -> Iterator[ScriptedServer]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                number = server.requests
                server.headers.append(dict(self.headers))
                server.bodies.append(body)
            steps[min(number, len(steps) - 1)](self)

        def do_GET(self) -> None:
            with lock:
                server.headers.append(dict(self.headers))
                server.bodies.append(b"GET")
            answer({})(self)

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    with Quiet(("127.0.0.1", 0), Handler) as http:
        server = ScriptedServer(f"http://127.0.0.1:{http.server_port}/graphql")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


def raw(content: bytes, status: int = 200, **headers: str) -> Step:
    """A whole answer with this body; header names are written with _ for -."""

    def step(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return step


def answer(data: object, status: int = 200, **headers: str) -> Step:
    """``{"data": ...}``."""
    return raw(json.dumps({"data": data}).encode(), status, **headers)


def refusal(*errors: object, status: int = 200, data: object = None) -> Step:
    """``{"data": ..., "errors": [...]}``."""
    return raw(json.dumps({"data": data, "errors": errors}).encode(), status)


def zipped(data: object) -> Step:
    return raw(gzip.compress(json.dumps({"data": data}).encode()), Content_Encoding="gzip")


def cut(content: bytes, promised: int) -> Step:
    """Promises more bytes than it sends, then hangs up."""

    def step(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(promised))
        handler.end_headers()
        handler.wfile.write(content)
        handler.close_connection = True

    return step


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Resets the connection before the first byte."""
    _reset(handler)


def reset_in_body(handler: BaseHTTPRequestHandler) -> None:
    """Resets the connection after part of the body."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    handler.wfile.write(b'{"data":{')
    handler.wfile.flush()
    _reset(handler)


def _reset(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()

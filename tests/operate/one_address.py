"""One address for many companies, as Xledger has: each token's requests go to the sandbox that holds its ledger."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from pipelines.sandbox import Sandbox

_NOT_PASSED_ON = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass
class OneAddress:
    """``behind`` says what answers a token: a sandbox, an HTTP status, or None for an answer that does not come."""

    url: str = ""
    behind: dict[str, Sandbox | int | None] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    seconds_before_an_answer: float = 0.0


@contextmanager
def one_address() -> Iterator[OneAddress]:
    address = OneAddress()
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            token = self.headers["Authorization"].removeprefix("token ")
            address.requests[token] += 1
            time.sleep(address.seconds_before_an_answer)
            behind = address.behind[token]
            if behind is None:
                is_over.wait()
                self.close_connection = True
            elif isinstance(behind, int):
                self._answer(behind, {"Retry-After": "1"}, b"")
            else:
                place = urlsplit(behind.url)
                onward = HTTPConnection(str(place.hostname), place.port or 80)
                kept = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_PASSED_ON}
                onward.request("POST", place.path, body, kept)
                response = onward.getresponse()
                headers = {name: value for name, value in response.getheaders() if name.lower() not in _NOT_PASSED_ON}
                self._answer(response.status, headers, response.read())
                onward.close()

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that was killed is no error of ours."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address.url = f"http://127.0.0.1:{server.server_port}/graphql"
        try:
            yield address
        finally:
            is_over.set()
            server.shutdown()

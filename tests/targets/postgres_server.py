"""A PostgreSQL server of the test's own: Debian's package, in a temporary folder, on the loopback, stopped by the test."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Session

_INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
IS_INSTALLED = bool(_INSTALLED) or shutil.which("postgres") is not None
_OWNER = "owner"
_MOST_CONNECTIONS = 15
# No test loses power; the rest is as the package has it.
_OPTIONS = (
    "-c",
    "fsync=off",
    "-c",
    "listen_addresses=127.0.0.1",
    "-c",
    "max_connections=40",
    "-c",
    "log_statement=ddl",
)


@dataclass(frozen=True)
class Server:
    """``folder`` holds every file of the server, its log included."""

    folder: Path
    port: int
    password: str

    def url(self, database: str, user: str = _OWNER, password: str | None = None) -> str:
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def session(self, database: str, user: str = _OWNER, password: str | None = None) -> Iterator[Session]:
        session = psycopg2.connect(self.url(database, user, password))
        try:
            yield session
        finally:
            session.close()

    def run(self, database: str, *statements: str) -> None:
        """As the server's owner, each by itself."""
        with self.session(database, "postgres") as session, session.cursor() as cursor:
            session.autocommit = True
            for statement in statements:
                cursor.execute(statement)

    def new_database(self, prefix: str) -> str:
        """An empty database of C collation, where texts sort by their bytes as in DuckDB, owned by the user of the runs.

        It takes no more connections at once than the smallest of rented servers.
        """
        name = f"{prefix}_{secrets.token_hex(4)}"
        self.run(
            "postgres",
            f"create database {name} owner {_OWNER} template template0 encoding 'UTF8' locale 'C' "
            f"connection limit {_MOST_CONNECTIONS}",
        )
        return name


@contextmanager
def running() -> Iterator[Server]:
    """Start a server, and stop it in the end."""
    binaries = _INSTALLED[-1].parent if _INSTALLED else Path(str(shutil.which("postgres"))).parent
    folder = Path(tempfile.mkdtemp(prefix="xledger-postgres-"))
    data, password, port = folder / "data", secrets.token_hex(12), _free_port()
    who = _not_root()
    if who:
        os.chown(folder, pwd.getpwnam(who["user"]).pw_uid, -1)
    try:
        secret = folder / "password"
        secret.write_text(password, encoding="ascii")
        secret.chmod(0o644)
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"],
            check=True, capture_output=True, cwd=folder, **who,
        )  # fmt: skip
        secret.unlink()
        control = [binaries / "pg_ctl", "-D", data, "-w"]
        options = " ".join([*_OPTIONS, "-p", str(port), "-c", f"unix_socket_directories={folder}"])
        subprocess.run(
            [*control, "-l", folder / "log", "-o", options, "start"], check=True, cwd=folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **who,
        )  # fmt: skip
        try:
            server = Server(folder, port, password)
            server.run("postgres", f"create role {_OWNER} login password '{password}'")
            yield server
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, cwd=folder, capture_output=True, **who)
    finally:
        shutil.rmtree(folder)


def _not_root() -> dict[str, str]:
    """The server refuses to run as root; Debian's package brings a user for it."""
    return {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

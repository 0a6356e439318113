"""`python -m pipelines.sandbox`: serve a ledger in the foreground."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

import duckdb
from aiohttp import web

from pipelines.sandbox.credits import Credits
from pipelines.sandbox.execution import Executor
from pipelines.sandbox.explorer import PATH
from pipelines.sandbox.mutations import Mutations
from pipelines.sandbox.options import SandboxOptions, parse_options
from pipelines.sandbox.owners import OwnerTree
from pipelines.sandbox.server import Server
from pipelines.sandbox.store import open_ledger
from pipelines.sandbox.tokens import make_tokens

_HOST = "127.0.0.1"
_ORPHANED_SECONDS = 0.5


def main() -> None:
    """Serve until interrupted, terminated, or left by the parent."""
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="sandbox-") as private, contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(_serve(Path(private), options))
        except (ValueError, OSError) as problem:
            sys.exit(f"sandbox: {problem}")


async def _serve(private: Path, options: SandboxOptions) -> None:
    files = open_ledger(private, options)
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": options.memory_limit,
        "threads": 1,
        "temp_directory": str(private / "spill"),
    }
    database = duckdb.connect(
        str(files.ledger), read_only=options.read_only and options.ledger_dir is not None, config=settings
    )
    owners = database.execute('select "dbId", "ownerDbId" from "Owner" order by "dbId"').fetchall()
    companies = database.execute('select "ownerDbId", "description" from "Entity" order by "ownerDbId"').fetchall()
    lines = database.execute('select count(*) from "Transaction"').fetchall()[0][0]
    tokens = make_tokens(owner for owner, _ in companies)
    tree = OwnerTree(dict(owners))
    mutations = None if options.read_only else Mutations(database)
    server = Server(Executor(database, options, tree, Credits(options)), mutations, tokens, options)

    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, _HOST, options.port)
    await site.start()
    port = runner.addresses[0][1]
    url = f"http://{_HOST}:{port}{PATH}"
    print(f"Xledger sandbox at {url}")
    print(f"Token: {tokens[companies[0][0]]}")
    print(f"In a browser: {url}#token={tokens[companies[0][0]]}")
    print(f"Companies: {', '.join(name for _, name in companies)}")
    print(f"Lines: {lines:,}", flush=True)
    if options.announce:
        told = {
            "url": url,
            "token": tokens[companies[0][0]],
            "tokens": tokens,
            "truth": None if options.saft else str(files.truth),
        }
        _write_privately(options.announce, json.dumps(told))
    try:
        while not options.parent or _is_alive(options.parent):
            await asyncio.sleep(_ORPHANED_SECONDS)
    finally:
        await runner.cleanup()


def _write_privately(path: Path, text: str) -> None:
    """All at once, readable by nobody else."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main()

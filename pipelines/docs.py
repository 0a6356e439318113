"""`make docs`: the docs site as a static folder, and a server for it on this machine."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from pipelines import dbt_build
from pipelines.exits import exit_code_of
from pipelines.lock import exclusive
from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import ConfigurationError
from pipelines.xledger.settings import data_dir, read_settings


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the docs site.")
    parser.add_argument(
        "--serve", type=int, metavar="PORT", help="serve the finished site on this port of the loopback"
    )
    arguments = parser.parse_args()
    return exit_code_of(partial(run, arguments.serve))


def run(port: int | None) -> None:
    """Make the site of the last build, or serve it."""
    folder = data_dir() if read_settings().tokens else data_dir() / "sandbox"
    warehouse = Warehouse(folder)
    if port is not None:
        _serve(warehouse, port)
        return
    if not warehouse.marts.exists():
        raise ConfigurationError(f"There is no build in {folder} yet; run `make sync` first.")
    with exclusive(warehouse.data_dir):
        dbt_build.docs(warehouse)
    print(f"Docs site: {warehouse.docs / 'index.html'}")


def _serve(warehouse: Warehouse, port: int) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(warehouse.docs))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"Docs site: http://127.0.0.1:{server.server_port}/ (Ctrl-C ends it)", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())

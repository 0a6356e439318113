"""`make explore`: the app on the published file, served to this machine alone."""

from __future__ import annotations

import argparse
import sys
from functools import partial

import uvicorn

from pipelines.exits import exit_code_of
from pipelines.explore import charts
from pipelines.explore.app import explore_app
from pipelines.explore.published import published_warehouse
from pipelines.xledger.errors import ConfigurationError

_LOOPBACK = "127.0.0.1"


def main() -> int:
    parser = argparse.ArgumentParser(description="Look at the published spend in a browser.")
    parser.add_argument("--port", type=int, default=8080, help="port of the loopback; 0 takes a free one")
    return exit_code_of(partial(run, parser.parse_args().port))


def run(port: int) -> None:
    """Serve until interrupted; the first line names the address.

    Raises:
        ConfigurationError: nothing is published yet, or the port is taken.
    """
    published = published_warehouse().published
    config = uvicorn.Config(explore_app(published), host=_LOOPBACK, port=port, log_level="warning")
    try:
        socket = config.bind_socket()
    except SystemExit:
        raise ConfigurationError(f"Port {port} is taken; choose another, as in `make explore PORT=8081`.") from None
    # plotly loads its parts when the first chart is made: better now than at the first look.
    charts.embedded(charts.months_chart([], None), "none")
    socket.listen()
    print(f"{published}: http://{_LOOPBACK}:{socket.getsockname()[1]}/ (Ctrl-C ends it)", flush=True)
    uvicorn.Server(config).run(sockets=[socket])


if __name__ == "__main__":
    sys.exit(main())

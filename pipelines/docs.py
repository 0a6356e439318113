"""`make docs`: the docs site as a static folder, and a server for it on this machine."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from pipelines import dbt_build
from pipelines.exits import exit_code_of
from pipelines.explore import design
from pipelines.lock import exclusive
from pipelines.targets.chosen import chosen_target
from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import ConfigurationError
from pipelines.xledger.settings import data_folder, read_settings

# dbt's own page in the colours and type of app and report.
_STYLE = f"""<style>
body, h1, h2, h3, h4, h5, h6, p, td, th, a, span, input, .app {{ font-family: {design.FONT} !important; }}
body, .app-content, td, p, li {{ color: {design.INK}; }}
.app-header, .app-navbar, .app-sticky.app-navbar {{ background: {design.BAR} !important; }}
.app-navbar a, .app-header a {{ color: white !important; }}
.app-logo, .app-header .logo img, .app-header .logo svg {{ filter: brightness(0) invert(1); }}
.app-content a, .nav-tabs > li > a {{ color: {design.LINK} !important; }}
th, thead td, .panel {{ background: {design.PANEL}; }}
td, th {{ border-color: {design.RULE} !important; }}
</style>"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the docs site.")
    parser.add_argument(
        "--serve", type=int, metavar="PORT", help="serve the finished site on this port of the loopback"
    )
    arguments = parser.parse_args()
    return exit_code_of(partial(run, arguments.serve))


def run(port: int | None) -> None:
    """Make the site of the last build, or serve it."""
    settings = read_settings()
    warehouse = Warehouse(data_folder(settings))
    if port is not None:
        _serve(warehouse, port)
        return
    if not warehouse.marts.exists():
        raise ConfigurationError(f"There is no build in {warehouse.data_dir} yet; run `make sync` first.")
    target = chosen_target()
    target.refuse_companies_apart(settings)
    if not target.keeps_its_catalog:
        raise ConfigurationError(
            f"TARGET is {target.name}, whose catalog is forgotten after each run; make the docs site on another target."
        )
    with exclusive(warehouse.data_dir):
        dbt_build.docs(warehouse, target)
    page = warehouse.docs / "index.html"
    page.write_text(page.read_text(encoding="utf-8").replace("</head>", f"{_STYLE}</head>", 1), encoding="utf-8")
    print(f"Docs site: {page}")


def _serve(warehouse: Warehouse, port: int) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(warehouse.docs))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"Docs site: http://127.0.0.1:{server.server_port}/ (Ctrl-C ends it)", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())

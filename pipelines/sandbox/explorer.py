"""GraphiQL in the browser, at the API's own address; everything it needs comes from an installed package."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from aiohttp import web

PATH = "/graphql"
_PACKAGE = "graphene_django_graphiql_static"
_ASSETS = {
    "graphiql.min.css": "text/css",
    "graphiql.min.js": "text/javascript",
    "react.production.min.js": "text/javascript",
    "react-dom.production.min.js": "text/javascript",
}
# The page cannot reach any other address, even if a script in it tried.
_POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:"


def add_explorer(application: web.Application) -> None:
    """Serve the page and its assets."""
    application.router.add_get(PATH, _page)
    application.router.add_get("/graphiql/{name}", _asset)


async def _page(_request: web.Request) -> web.Response:
    if _static() is None:
        text = f"Xledger sandbox. POST queries to this address; for an explorer here, install {_PACKAGE}.\n"
        return web.Response(text=text)
    page = Path(__file__).with_name("explorer.html").read_text(encoding="utf-8")
    return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": _POLICY})


async def _asset(request: web.Request) -> web.Response:
    name, static = request.match_info["name"], _static()
    if static is None or name not in _ASSETS:
        raise web.HTTPNotFound
    body = static.joinpath(name).read_bytes()
    return web.Response(body=body, content_type=_ASSETS[name], charset="utf-8")


def _static() -> Traversable | None:
    try:
        return files(_PACKAGE).joinpath("static").joinpath(_PACKAGE)
    except ModuleNotFoundError:
        return None

"""The documentation that a browser shows: Swagger UI, from the wheel that carries it, under our own path.

Nothing is fetched from anywhere else, so it works in a closed network, and no script runs but our own.
"""

from functools import cache
from importlib import resources
from typing import Final, Literal

from fastapi import APIRouter, Response

router = APIRouter(prefix="/api/docs", include_in_schema=False)

PACKAGE: Final = "fastapi_offline"
PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tokenhouse API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
<div id="api"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</html>
"""
START: Final = """SwaggerUIBundle({
  url: "/api/openapi.json", dom_id: "#api", deepLinking: true, docExpansion: "none", filter: true,
  validatorUrl: null, persistAuthorization: false, tagsSorter: undefined,
});
"""
GUARDED: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
KEPT: Final = {"cache-control": "public, max-age=3600"}
File = Literal["swagger-ui-bundle.js", "swagger-ui.css"]
KINDS: Final[dict[str, str]] = {"js": "text/javascript", "css": "text/css"}


@router.get("")
async def docs_page() -> Response:
    """Return the page."""
    return Response(PAGE, media_type="text/html", headers=GUARDED)


@router.get("/start.js")
async def docs_start() -> Response:
    """Return the lines that start it, in a file: our pages run no script that stands in them."""
    return Response(START, media_type="text/javascript", headers=GUARDED | KEPT)


@router.get("/{name}")
async def docs_file(name: File) -> Response:
    """Return a file of Swagger UI."""
    kind = KINDS[name.rpartition(".")[2]]
    return Response(_file(name), media_type=kind, headers=GUARDED | KEPT)


@cache
def _file(name: str) -> bytes:
    return resources.files(PACKAGE).joinpath("static", name).read_bytes()

"""Marks: what a route says of itself to the guard, which stands before all routes and knows none of them.

A route carries them in its part of the OpenAPI document (`openapi_extra`), so that its readers see them too.
"""

from collections.abc import Iterable
from typing import Any, Final

from fastapi import APIRouter
from fastapi.routing import APIRoute

ANY_SITE: Final = "x-any-site"
"""Whether pages of every site may ask, and not only those of the sites that are listed."""
BODY_MAX: Final = "x-body-bytes-max"
"""The setting that says how much may be sent, where that is more than others take."""


def marked(routers: Iterable[APIRouter], mark: str) -> dict[tuple[str, str], Any]:
    """Return what the routes say under a mark that have it, by method and path."""
    return {
        (method, route.path): route.openapi_extra[mark]
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute) and route.openapi_extra and mark in route.openapi_extra
        for method in route.methods or ()
    }

"""The REST API: native resources under `/api/v1`, and the paths of the systems that tokenhouse replaces.

One router a resource. A router translates: it reads a request, calls one verb of the house, and writes what
came of it; who calls is proven in `caller`, and every no is written by the one table of `problems`.
"""

from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from typing import Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tokenhouse.edges import methods, misshapen, problems
from tokenhouse.edges.api import (
    accounts,
    audit_log,
    calls,
    card,
    chat,
    coupons,
    credit,
    deliveries,
    docs,
    endpoints,
    entries,
    house_settings,
    imports,
    jobs,
    keys,
    meta,
    notices,
    openapi,
    orders,
    packages,
    payments,
    people,
    plans,
    rates,
    reservations,
    samples,
    session,
    simulations,
    standings,
    statistics,
    subscriptions,
    trends,
    usage,
    verifications,
    watching,
)
from tokenhouse.edges.api.caller import Door
from tokenhouse.edges.api.shapes import PROBLEMS
from tokenhouse.edges.api.sources import ROUTERS as SOURCES
from tokenhouse.edges.api.thin import Api
from tokenhouse.edges.language import language
from tokenhouse.errors import TokenhouseError
from tokenhouse.house import Tokenhouse

ROUTERS: Final[tuple[APIRouter, ...]] = (
    meta.router,
    accounts.router,
    imports.router,
    credit.router,
    entries.router,
    reservations.router,
    keys.router,
    card.router,
    plans.router,
    rates.router,
    simulations.router,
    statistics.router,
    standings.router,
    trends.router,
    usage.router,
    verifications.router,
    watching.router,
    house_settings.router,
    docs.router,
    session.router,
    samples.router,
    people.router,
    audit_log.router,
    jobs.router,
    chat.router,
    notices.router,
    deliveries.router,
    endpoints.router,
    packages.router,
    orders.router,
    coupons.router,
    subscriptions.router,
    payments.router,
    *SOURCES,
)
"""Every resource, in the order of the documentation."""

RESOURCES: Final = APIRouter(responses=PROBLEMS, generate_unique_id_function=lambda route: route.name)
"""All of them as one. Every application has its routes: what each takes is worked out once a process."""
for _router in ROUTERS:
    RESOURCES.include_router(_router)


def build(house: Tokenhouse, door: Door) -> FastAPI:
    """Return the application of the REST API over an open house."""
    app = assembled()
    app.state.house, app.state.door = house, door
    return app


def assembled() -> Api:
    """Return the application without a house: enough to say what it can do."""
    app = Api(
        ROUTERS,
        calls.ROUTES,
        _refuse,
        title="tokenhouse",
        version=version("tokenhouse"),
        summary="The bank for an AI application's tokens.",
        description=openapi.INTRODUCTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        routes=RESOURCES.routes,
    )
    app.add_exception_handler(TokenhouseError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_shape)
    app.add_exception_handler(HTTPException, _refuse_place)
    app.add_exception_handler(Exception, _refuse)
    app.openapi = partial(openapi.documented, app)  # type: ignore[method-assign]  # As FastAPI's manual says.
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer a call that failed, by the one table."""
    house: Tokenhouse = request.app.state.house
    locale = getattr(request.state, "locale", None) or language(request.scope, house.desk.settings.locale)
    status, headers, body = problems.answer(error, "problem", locale, now=house.desk.clock())
    return Response(body, status, dict(headers))


async def _refuse_shape(request: Request, error: Exception) -> Response:
    """Answer a request that does not have the shape of its route: the first field that is wrong is named."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- registered for it
    return await _refuse(request, misshapen.by_pydantic(error.errors()[0]))


async def _refuse_place(request: Request, error: Exception) -> Response:
    """Answer a path or a method that nothing stands at."""
    assert isinstance(error, HTTPException)  # noqa: S101 -- registered for it
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return await _refuse(request, misshapen.misshapen("body", "json"))
    app: Api = request.app
    return await _refuse(request, methods.refused(request.method, request.url.path, app.taken(request.scope)))

"""Beside the middleware of others: packing, tasks of their own, preflights, mounts, files of the server."""

import asyncio
import gzip
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Mount, Route

from tests.edges.middleware.conftest import SECRET, TRUSTED, served, soon
from tokenhouse import Tokenhouse, TokenMiddleware, TrustedHeader, Usage, tokenhouse_call

pytestmark = pytest.mark.row("C4")

USAGE = {"prompt_tokens": 9, "completion_tokens": 25, "total_tokens": 34}
HELLO = {"message": "hello there"}


class Passing(BaseHTTPMiddleware):
    """The most common middleware there is: it runs the application in a task of its own."""

    async def dispatch(self, request: Request, call_next):
        response = await call_next(request)
        response.headers["x-seen"] = "yes"
        return response


async def whole(request: Request) -> JSONResponse:
    await request.json()
    return JSONResponse({"answer": "yes " * 500, "usage": USAGE})


async def stream(request: Request) -> StreamingResponse:
    async def words():
        for word in ("one", "two", "three"):
            await asyncio.sleep(0.01)
            yield f'data: {{"text": "{word}"}}\n\n'.encode()

    return StreamingResponse(words(), media_type="text/event-stream")


def app(*middleware: Middleware) -> Starlette:
    routes = [Route("/chat", whole, methods=["POST"]), Route("/stream", stream, methods=["POST"])]
    return Starlette(routes=routes, middleware=middleware)


def meter(house: Tokenhouse) -> Middleware:
    account = TrustedHeader(secret=SECRET)
    return Middleware(TokenMiddleware, house=house, endpoints=["/chat", "/stream"], account=account)


async def ended(house: Tokenhouse) -> Any:
    async def over() -> bool:
        return (await house.history("ann"))[0].kind in ("charge", "release")

    await soon(over)
    return (await house.history("ann"))[0]


@pytest.mark.parametrize("outside", [False, True])
async def test_packed_answers_are_read_wherever_they_are_packed(house: Tokenhouse, outside: bool):
    packing = Middleware(GZipMiddleware)
    order = (packing, meter(house)) if outside else (meter(house), packing)
    async with served(app(*order)) as serving:
        answer = await serving.ask("/chat", HELLO, **TRUSTED, accept_encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert b'"total_tokens":34' in gzip.decompress(answer.body)
    assert (await ended(house)).charge == 34


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("heard", [0, 1, 3])
async def test_a_stream_through_a_task_of_its_own_is_charged_once(
    house: Tokenhouse, outside: bool, heard: int
):
    passing = Middleware(Passing)
    order = (passing, meter(house)) if outside else (meter(house), passing)
    async with served(app(*order)) as serving, serving.client() as client:
        await client.ask("/stream", HELLO, **TRUSTED)
        _, headers = await client.head()
        assert headers["x-seen"] == "yes"
        for _ in range(heard):
            assert await client.chunk()
        client.hang_up()
        line = await ended(house)
    assert line.kind == "charge"
    assert (await house.balance("ann")).held == 0
    ends = [entry for entry in await house.history("ann") if entry.operation == line.operation]
    assert len(ends) == 1


async def test_a_browsers_question_beforehand_is_free(house: Tokenhouse):
    cors = Middleware(CORSMiddleware, allow_origins=["https://app.example"], allow_methods=["POST"])
    async with served(app(meter(house), cors)) as serving:
        told = {"origin": "https://app.example", "access_control_request_method": "POST"}
        answer = await serving.ask("/chat", b"", method="OPTIONS", **told)
    assert (answer.status, "x-tokenhouse-remaining" in answer.headers) == (200, False)


async def test_a_part_of_an_application_may_be_metered_alone(house: Tokenhouse):
    inner = app(meter(house))
    async with served(
        Starlette(routes=[Mount("/api", inner), Route("/chat", whole, methods=["POST"])])
    ) as serving:
        assert "x-tokenhouse-remaining" in (await serving.ask("/api/chat", HELLO, **TRUSTED)).headers
        assert "x-tokenhouse-remaining" not in (await serving.ask("/chat", HELLO, **TRUSTED)).headers
    assert (await ended(house)).charge == 34


async def test_a_file_that_the_server_sends_is_charged_by_what_was_recorded(house: Tokenhouse):
    said: list[str] = []

    async def files(scope, receive, send):
        tokenhouse_call(scope).record(Usage(input=7))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.pathsend", "path": "speech.mp3"})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}"}

    async def send(message: dict[str, Any]) -> None:
        said.append(message["type"])

    headers = [(name.encode(), value.encode()) for name, value in TRUSTED.items()]
    scope = {"type": "http", "method": "POST", "path": "/chat", "headers": headers}
    metered = TokenMiddleware(files, house, endpoints=["/chat"], account=TrustedHeader(secret=SECRET))
    await metered(scope, receive, send)
    assert said == ["http.response.start", "http.response.pathsend"]
    assert (await ended(house)).charge == 7

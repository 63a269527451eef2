"""The demo served: answers at a plausible speed, misbehaves when asked to, and logs what it produced.

Two ways in: as an ASGI application, and in process through `Demo.send`. Either way a caller that goes away
stops the production, and the log says how far it had come.
"""

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, Self

import msgspec

from tokenhouse.edges.headers import first
from tokenhouse.errors import InvalidInput, NotFound, TokenhouseError
from tokenhouse.providers.demo import MODELS, SHAPES, Chunk, Thought, Wish, think, wished
from tokenhouse.providers.demo.anthropic import counted
from tokenhouse.providers.demo.shape import CREATED_AT
from tokenhouse.providers.dialects import DIALECTS
from tokenhouse.providers.fields import changed, document_of
from tokenhouse.providers.native_errors import KINDS, native_error

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PATHS: Final = {
    "/v1/chat/completions": "openai-chat",
    "/v1/responses": "openai-responses",
    "/v1/completions": "openai-completions",
    "/v1/embeddings": "openai-embeddings",
    "/v1/messages": "anthropic-messages",
    "/v1/messages/count_tokens": "anthropic-messages",
}
COUNT: Final = "/count_tokens"
PRODUCED: Final = "/demo/produced"
CALLS: Final = "/demo/produced/calls"
BODY_MAX: Final = 64 * 1024 * 1024
CALLS_KEPT: Final = 100_000
"""Calls that the log remembers one by one; the sums are of all."""
HANG_S: Final = 3_600.0
SLOW_FIRST_S: Final = 0.5
SLOW_CHUNK_S: Final = 0.1
BROKEN: Final = "The demo was asked to fail here."

_encode: Final = msgspec.json.Encoder().encode


class Body(Protocol):
    """The bytes of an answer as they come. Whoever does not read them to the end closes them."""

    def __aiter__(self) -> Self:
        """Return itself."""

    async def __anext__(self) -> bytes:
        """Return the next bytes."""

    async def aclose(self) -> None:
        """Stop the production."""


class Answer(NamedTuple):
    """What `send` returns."""

    status: int
    headers: list[tuple[str, str]]
    body: Body


class Call(msgspec.Struct, kw_only=True):
    """One line of the log: what a call has produced, and how it ended."""

    id: str
    """The caller's `x-request-id`, or a number of our own."""
    dialect: str
    model: str
    tokens_input: int = 0
    tokens_output: int = 0
    """Output tokens of the chunks that were handed over: what a provider would bill."""
    chunks: int = 0
    ended: str = "running"
    """`whole`, `cancelled` (the caller went away), `unread` (it went before we looked), or the misbehaviour
    that was asked for."""


class Log:
    """What was produced: sums of everything, the last calls one by one, and each in a file if wanted."""

    def __init__(self, file: Path | None = None) -> None:
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self.sums = {"calls": 0, "running": 0, "tokens_input": 0, "tokens_output": 0}
        self.ended: dict[str, int] = {}
        self._file = None if file is None else os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def begin(self, call: Call) -> None:
        """Note a call that is being answered."""
        self.calls.append(call)
        self.sums["running"] += 1

    def end(self, call: Call) -> None:
        """Note how a call ended. The line is in the file when this returns, whatever becomes of us then."""
        self.sums["running"] -= 1
        self.sums["calls"] += 1
        self.sums["tokens_input"] += call.tokens_input
        self.sums["tokens_output"] += call.tokens_output
        self.ended[call.ended] = self.ended.get(call.ended, 0) + 1
        if self._file is not None:
            os.write(self._file, _encode(call) + b"\n")

    def document(self) -> dict[str, Any]:
        """Return the sums."""
        return {**self.sums, "ended": self.ended}

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Production:
    """The body of an answer, chunk by chunk. Ends in the log exactly once, however it ends."""

    def __init__(self, log: Log, call: Call, plan: Iterator[Chunk], wish: Wish, pause_s: float) -> None:
        self._log, self._call, self._plan, self._wish = log, call, plan, wish
        self._pause_s = pause_s
        self._ahead = next(plan, None)
        log.begin(call)

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next chunk. Raises: ConnectionResetError where `reset` was asked for."""
        if self._call.ended != "running":
            raise StopAsyncIteration
        try:
            return await self._next()
        except asyncio.CancelledError:
            self._end("cancelled")
            raise

    async def aclose(self) -> None:
        """Stop the production."""
        self._end("cancelled")

    async def _next(self) -> bytes:
        """Return the next chunk after its time, or misbehave."""
        behave = self._wish.behave
        if behave in {"cut", "reset", "hang"} and self._call.chunks >= self._wish.after:
            if behave == "hang":
                await asyncio.sleep(HANG_S)
            self._end(behave)
            if behave == "reset":
                raise ConnectionResetError(BROKEN)
            raise StopAsyncIteration
        if self._pause_s and self._call.chunks:
            await asyncio.sleep(self._pause_s)
        if behave == "error-mid-stream" and self._call.chunks >= self._wish.after:
            self._end(behave)
            return SHAPES[self._call.dialect].error(BROKEN)
        chunk, self._ahead = self._ahead, next(self._plan, None)
        assert chunk is not None  # noqa: S101 -- with the last one the production has ended
        self._call.chunks += 1
        self._call.tokens_output = chunk.tokens
        if self._ahead is None:
            self._end("whole")
        return chunk.data

    def _end(self, how: str) -> None:
        if self._call.ended == "running":
            self._call.ended = how
            self._log.end(self._call)


class _Document:
    """A body that is there already."""

    def __init__(self, content: bytes) -> None:
        self._rest = [content]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if not self._rest:
            raise StopAsyncIteration
        return self._rest.pop()

    async def aclose(self) -> None:
        self._rest.clear()


class Demo:
    """The demo provider. An ASGI application; `send` is the same without a socket.

    Args:
        first_s: seconds before the first byte of an answer.
        chunk_s: seconds before each further chunk; a whole answer takes as long as its chunks would.
        file: where the production log is written as well, a JSON line for each call that ended.
    """

    def __init__(self, *, first_s: float = 0.02, chunk_s: float = 0.005, file: Path | None = None) -> None:
        self.log = Log(file)
        self._first_s, self._chunk_s = first_s, chunk_s
        self._numbers = count(1)

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return the answer to one request. Header names are lower case.

        A caller that does not read the body to its end closes it: `await answer.body.aclose()`.
        """
        protocol = "anthropic" if path.startswith("/v1/messages") else "openai"
        if method == "GET":
            return self._page(path, protocol)
        name = PATHS.get(path)
        if name is None or method != "POST":
            return self._told(404, native_error(protocol, "not_found", f"There is no {method} {path}."))
        try:
            if path.endswith(COUNT):  # It names no cap, which the format itself asks for.
                body = changed(body, {"max_tokens": 1}) if document_of(body, frozenset()) else body
            request = DIALECTS[name].read(body)
            base, wish = wished(request.model, headers.get("x-demo", ""), request.document)
            thought = think(request, base, wish)
        except NotFound as no:
            return self._refused(protocol, "model_not_found", no)
        except InvalidInput as no:
            return self._refused(protocol, "invalid_request", no)
        if path.endswith(COUNT):
            return self._told(200, counted(thought))
        if wish.behave == "error" or (wish.behave == "error-mid-stream" and not request.stream):
            return self._failed(protocol, wish.status or 500)
        call = Call(
            id=headers.get("x-request-id") or f"demo-{next(self._numbers)}",
            dialect=name,
            model=base,
            tokens_input=thought.tokens_input,
        )
        return await self._answered(call, thought, wish)

    async def _answered(self, call: Call, thought: Thought, wish: Wish) -> Answer:
        """Return the answer after the time that it takes."""
        slow = wish.behave == "slow"
        first_s, pause_s = (SLOW_FIRST_S, SLOW_CHUNK_S) if slow else (self._first_s, self._chunk_s)
        streamed = thought.request.stream and call.dialect != "openai-embeddings"
        shape = SHAPES[call.dialect]
        plan = shape.chunks(thought) if streamed else _halves(shape.whole(thought), thought)
        if not streamed:
            wish = msgspec.structs.replace(wish, after=min(wish.after, 1))
            first_s, pause_s = first_s + pause_s * thought.tokens_output, 0
        body = Production(self.log, call, plan, wish, pause_s)
        try:
            if wish.behave == "hang" and not wish.after:
                await asyncio.sleep(HANG_S)
            if first_s:
                await asyncio.sleep(first_s)
        except asyncio.CancelledError:
            await body.aclose()
            raise
        kind = "text/event-stream; charset=utf-8" if streamed else "application/json"
        return Answer(200, [("content-type", kind), ("x-request-id", call.id)], body)

    def _page(self, path: str, protocol: str) -> Answer:
        """Return one of the documents that are asked for with GET."""
        if path == PRODUCED:
            return self._told(200, _encode(self.log.document()))
        if path == CALLS:
            return self._told(200, _encode(list(self.log.calls)))
        models = [_model(name) for name in MODELS]
        if path == "/v1/models":
            ends = {"first_id": models[0]["id"], "last_id": models[-1]["id"], "has_more": False}
            return self._told(200, _encode({"object": "list", "data": models} | ends))
        found = next((one for one in models if path == f"/v1/models/{one['id']}"), None)
        if found is not None:
            return self._told(200, _encode(found))
        return self._told(404, native_error(protocol, "not_found", f"There is no GET {path}."))

    def _refused(self, protocol: str, kind: str, no: TokenhouseError) -> Answer:
        """Return why a request cannot be answered."""
        return self._told(KINDS[kind].status, native_error(protocol, kind, no.message()))

    def _failed(self, protocol: str, status: int) -> Answer:
        """Return the error that was asked for."""
        kind = next((name for name, native in KINDS.items() if native.status == status), "internal")
        headers = [("retry-after", "1")] if status in {429, 503} else []
        return self._told(status, native_error(protocol, kind, BROKEN), headers)

    def _told(self, status: int, body: bytes, headers: list[tuple[str, str]] | None = None) -> Answer:
        """Return a document that nothing was produced for, and that no log tells of."""
        kind = ("content-type", "application/json")
        return Answer(status, [kind, ("content-length", str(len(body))), *(headers or [])], _Document(body))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "lifespan":
            return await self._lifespan(receive, send)
        body = await _body(receive)
        if body is None:
            return self._unread(scope)
        work = asyncio.create_task(self._respond(scope, body, send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not work.done():
                work.cancel()
            await asyncio.wait({work})
        return None if work.cancelled() else work.result()

    def _unread(self, scope: Scope) -> None:
        """Note a call that came and whose caller had gone before anybody looked: nothing was produced."""
        id_ = first(scope, b"x-request-id").decode("latin-1")
        if id_ and scope["method"] == "POST":
            call = Call(id=id_, dialect=PATHS.get(scope["path"], ""), model="", ended="unread")
            self.log.begin(call)
            self.log.end(call)

    async def _respond(self, scope: Scope, body: bytes, send: Send) -> None:
        """Send the answer as it is produced."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if len(body) > BODY_MAX:
            protocol = "anthropic" if scope["path"].startswith("/v1/messages") else "openai"
            answer = self._told(413, native_error(protocol, "too_large", f"At most {BODY_MAX} bytes."))
        else:
            answer = await self.send(scope["method"], scope["path"], headers, body)
        told = [(name.encode(), value.encode()) for name, value in answer.headers]
        try:
            await send({"type": "http.response.start", "status": answer.status, "headers": told})
            async for chunk in answer.body:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await answer.body.aclose()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Start and end with the server."""
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                self.log.close()
                return


async def _body(receive: Receive) -> bytes | None:
    """Return a request's body, or enough to see that it is too large; None: the caller has gone."""
    parts, size, more = list[bytes](), 0, True
    while more and size <= BODY_MAX:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
    return b"".join(parts)


async def _gone(receive: Receive) -> None:
    """Return when the caller has gone away."""
    while (await receive())["type"] != "http.disconnect":
        continue


def _halves(body: bytes, thought: Thought) -> Iterator[Chunk]:
    """Yield a whole answer in two parts, so that it can be cut; all of it is produced before either goes."""
    middle = len(body) // 2
    yield Chunk(body[:middle], thought.tokens_output)
    yield Chunk(body[middle:], thought.tokens_output)


def _model(name: str) -> dict[str, Any]:
    """Return a model as both vendors list it."""
    ours = {"id": name, "object": "model", "created": CREATED_AT, "owned_by": "tokenhouse"}
    return ours | {"type": "model", "display_name": name, "created_at": "2026-01-01T00:00:00Z"}

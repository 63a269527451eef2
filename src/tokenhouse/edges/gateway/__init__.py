"""The gateway: the paths of OpenAI and Anthropic, as their own SDKs call them, metered on the way.

gateway = Gateway(house, upstreams)      # a pure ASGI application
await upstreams.open()
...
await gateway.close()                    # every call under way is ended and charged
await upstreams.close()
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from tokenhouse.edges import methods
from tokenhouse.edges.credentials import Credential
from tokenhouse.edges.credentials.api_keys import PREFIX
from tokenhouse.edges.gateway.answers import Answers
from tokenhouse.edges.gateway.caller import Caller, GoneError, Receive, Scope, Send
from tokenhouse.edges.gateway.calls import Calls
from tokenhouse.edges.gateway.pages import Pages
from tokenhouse.edges.gateway.streamed import Streamed
from tokenhouse.edges.gateway.visit import CLOSING, Who
from tokenhouse.edges.gateway.whole import Whole
from tokenhouse.edges.requests import ACCOUNT
from tokenhouse.edges.upstream import Upstreams
from tokenhouse.errors import TokenhouseError
from tokenhouse.flow import spans
from tokenhouse.flow.keys import admit
from tokenhouse.house import Tokenhouse
from tokenhouse.providers.dialects import DIALECTS
from tokenhouse.store.keys import Key

log: Final = logging.getLogger("tokenhouse.gateway")

METERED: Final = {
    "/v1/chat/completions": "openai-chat",
    "/v1/responses": "openai-responses",
    "/v1/completions": "openai-completions",
    "/v1/embeddings": "openai-embeddings",
    "/v1/messages": "anthropic-messages",
}
COUNT_TOKENS: Final = "/v1/messages/count_tokens"
MODELS: Final = "/v1/models"
PATHS: Final = (*METERED, COUNT_TOKENS, MODELS, f"{MODELS}/")
"""What the gateway answers; the last one is a beginning."""
TAKEN: Final = dict.fromkeys((*METERED, COUNT_TOKENS), ("POST",)) | {MODELS: methods.GET}
"""What each path takes; that of one model takes what that of all does."""
NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Gateway:
    """The gateway of one process, over an open house and its upstreams.

    Callers show a key; `others` are further credentials that the deployment believes.
    """

    def __init__(self, house: Tokenhouse, upstreams: Upstreams, others: Sequence[Credential] = ()) -> None:
        self._house, self._upstreams, self._others = house, upstreams, others
        self._answers = Answers(house)
        self._pages = Pages(house, upstreams)
        self._body_max = house.desk.settings.body_bytes_max
        self.calls = Calls()
        """Every call under way, those of the chat among them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        caller = Caller(scope, receive, send)
        try:
            if self.calls.closing:
                raise CLOSING
            name = METERED.get(caller.path)
            if name is not None and caller.method == "POST":
                await self._meter(caller, name)
            else:
                await self._tell(caller)
        except GoneError:
            return
        except Exception as no:
            if caller.started:
                raise
            await self._refuse(caller, no)
        finally:
            scope[ACCOUNT] = caller.account

    async def close(self) -> None:
        """Take no more calls, end those under way, and return when each is charged."""
        await self.calls.close()

    async def _meter(self, caller: Caller, name: str) -> None:
        """Let a call through that costs something, and listen meanwhile whether its caller is still there."""
        with spans.step("identify") as span:
            key = await self._identify(caller)
            span.tell(**{spans.ACCOUNT: key.account})
        request = DIALECTS[name].read(await caller.body(self._body_max))
        admit(key, request.model)
        route = self._upstreams.routes.find(request.model, request.dialect.protocol)
        kind = Streamed if request.stream else Whole
        actor = f"key {key.prefix}" if key.id else f"account:{key.account}"
        who = Who(account=key.account, api_key=key.id, actor=actor)
        visit = kind(self._house, self._upstreams, self._answers, caller, who)
        await self.calls.run(caller, visit.about(request, route))

    async def _identify(self, caller: Caller) -> Key:
        """Return the key that a caller shows, or one without name and bounds for whom another proof names.

        Raises: Unauthenticated.
        """
        if self._others and not caller.secret.startswith(PREFIX):
            for credential in self._others:
                found = await credential.find({"headers": caller.headers, "client": caller.peer}, self._house)
                if found is not None:
                    caller.account = found.account
                    return Key(
                        id="", prefix="", account=found.account, name="", models=(), created_at=NO_TIME
                    )
        key = await self._house.authenticate(caller.secret)
        caller.account = key.account
        return key

    async def _tell(self, caller: Caller) -> None:
        """Answer what costs nothing."""
        path, method = caller.path, caller.method
        if path == COUNT_TOKENS and method == "POST":
            key = await self._identify(caller)
            body = await caller.body(self._body_max)
            return await self._pages.count_tokens(caller, key, body)
        taken = TAKEN.get(MODELS if path.startswith(f"{MODELS}/") else path, ())
        if method in taken and method in methods.GET:
            key = await self._identify(caller)
            return await self._pages.models(caller, key, path[len(MODELS) + 1 :])
        if taken and method == "OPTIONS":
            return await caller.answer(204, [methods.allow(taken)], b"")
        raise methods.refused(method, path, taken)

    async def _refuse(self, caller: Caller, no: Exception) -> None:
        """Answer a call that never began."""
        if not isinstance(no, TokenhouseError):
            log.error("%s %s", caller.method, caller.path, exc_info=no)
        protocol = protocol_of(caller.path, caller.header(b"anthropic-version"))
        told = await self._answers.refusal(no, protocol, caller.account)
        await caller.answer(told.status, told.headers, told.body)


def protocol_of(path: str, version: str) -> Literal["openai", "anthropic"]:
    """Return whose errors a caller understands, by what it calls and its header `anthropic-version`."""
    return "anthropic" if path.startswith("/v1/messages") or version else "openai"

"""One call on its way: credit set aside, provider asked, answer passed on, charged exactly once.

The caller may leave, and the server may stop, at any moment: `leave` breaks off what concerns the provider,
as the plan says, and nothing else; setting aside and charging always run to their end.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal, Self

from tokenhouse.edges.gateway.answers import Answers
from tokenhouse.edges.gateway.caller import Caller
from tokenhouse.edges.headers import Header, sent_back, sent_on
from tokenhouse.edges.routes import DEMO, Route
from tokenhouse.edges.upstream import Reply, Upstreams
from tokenhouse.errors import Busy, TokenhouseError, UpstreamTrouble
from tokenhouse.flow import spans
from tokenhouse.flow.call import Call, Ending, Needs
from tokenhouse.flow.report import BalanceView, view
from tokenhouse.flow.until import Until
from tokenhouse.house import Tokenhouse
from tokenhouse.providers.base import Measured, Request
from tokenhouse.rules.verdict import Member

log: Final = logging.getLogger("tokenhouse.gateway")

KEPT_BYTES_MAX: Final = 64 * 1024 * 1024
"""A whole answer beyond this is relayed as it comes, and charged by its length."""
PART_S: Final = 1.0
CLOSING: Final = Busy("closing", retry_after_s=5)
"""What is said when the server stops: by the time that is told, another one stands in its place."""
CUT: Final = Busy("closing_cut", retry_after_s=5)
"""The same to a caller whose answer had begun."""
HIDDEN: Final = b"[key]"
"""What stands in an error of a provider where it repeats the key that it was asked with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whose call it is: the account that pays, the key that it came with, and what its entries say."""

    account: str
    api_key: str
    actor: str


class Visit:
    """A call. `run` it as a task of its own, which nobody cancels; `leave` tells it to end."""

    _request: Request
    _route: Route
    _protocol: Literal["openai", "anthropic"]
    _call: Call
    _reply: Reply | None = None

    def __init__(
        self,
        house: Tokenhouse,
        upstreams: Upstreams,
        answers: Answers,
        caller: Caller,
        who: Who,
    ) -> None:
        self._house, self._upstreams, self._answers = house, upstreams, answers
        self._caller, self._who = caller, who
        self._left: Ending | None = None
        self._until: Until | None = None
        self._asked = False
        """Whether the provider may have begun to work."""
        self._standing: list[Member] = []
        """How the account stood when its credit was set aside; empty until then."""
        self._whole = bytearray()
        self._unkept = 0
        """Bytes of an answer that was too large to be kept."""

    def about(self, request: Request, route: Route) -> Self:
        """Say what is asked, and where; return this call, ready to run."""
        self._request, self._route = request, route
        self._protocol = "anthropic" if request.dialect.protocol == "anthropic" else "openai"
        return self

    async def run(self) -> None:
        """Make the call and end it."""
        who = self._who
        try:
            call = await self._house.begin(
                who.account, Needs.of(self._request), api_key=who.api_key, actor=who.actor
            )
        except Exception as no:  # noqa: BLE001 -- whatever it is, the caller waits for an answer
            return await self._refuse(no)
        return await self._make(call)

    async def _make(self, call: Call) -> None:
        """Make a call for which credit is set aside, and end it."""
        self._call = call
        self._standing = call.reservation.answer.path
        request = self._request
        with spans.call(request.dialect.name, request.model, self._route.upstream, call.cap) as span:
            trouble = await self._ask()
            span.tell(
                **{
                    spans.STATUS: self._reply and self._reply.status,
                    spans.OUTCOME: self._left,
                    spans.ERROR: None
                    if trouble is None
                    else getattr(trouble, "reason", type(trouble).__name__),
                }
            )
        if self._reply is not None and self._reply.status < 400:
            return await self._end(self._reply, trouble)
        if self._left is not None and self._asked and self._reply is None and trouble is None:
            await self._settle(Measured(), self._left)
            return await self._part()
        await self._release(self._left or ("error" if trouble is None else "upstream"))
        if trouble is not None:
            return await self._refuse(trouble)
        if self._reply is not None:
            return await self._pass_on_error(self._reply)
        return await self._part()

    def leave(self, why: Literal["disconnect", "cut"]) -> None:
        """End the call: its caller has left (`disconnect`), or this server stops (`cut`).

        The provider is read on to its end where a caller has left and the plan says `drain`.
        """
        if why == "disconnect":
            self._caller.gone = True
        if self._left is None or why == "cut":
            self._left = why
        if self._until is not None and self._breaks_off:
            self._until.end()

    @property
    def _breaks_off(self) -> bool:
        """Whether the provider is not to be listened to any longer."""
        drains = self._left == "disconnect" and self._call.plan.call.on_disconnect == "drain"
        return self._left is not None and not drains

    async def _ask(self) -> Exception | None:
        """Ask the provider and hear its answer, unless the caller has left; return what went wrong."""
        try:
            with Until(self._route.total_s) as until:
                if self._breaks_off:
                    return None
                self._until = until
                self._reply = await self._upstreams.send(self._route, *self._outgoing(), sent=self._on_sent)
                if self._reply.status < 400:
                    await self._hear(self._reply)
                else:
                    await self._keep(self._reply)
        except TimeoutError:
            if self._breaks_off:
                return None
            wait_s = f"{self._route.total_s:g}"
            return UpstreamTrouble("upstream_timeout", model=self._request.model, wait_s=wait_s)
        except TokenhouseError as trouble:
            return trouble
        except Exception as fault:
            log.exception("call of %s by %s", self._request.model, self._who.actor)
            return fault
        finally:
            self._until = None
            if self._reply is not None:
                await self._reply.close()
        return None

    def _on_sent(self) -> None:
        """The request is on its way: from now on the provider may work, and charge for it."""
        self._asked = True

    def _outgoing(self) -> tuple[str, dict[str, str], bytes, str]:
        """Return path, headers, body and query for the provider."""
        request, route, caller = self._request, self._route, self._caller
        dialect = self._upstreams.dialect(route, request.dialect.name)
        headers = sent_on(caller.headers)
        headers.setdefault("x-request-id", self._call.reservation.id)  # One name there and in our journal.
        spans.inject(headers)
        if route.upstream == DEMO:
            headers["x-demo"] = caller.header(b"x-demo")
        body = dialect.outgoing(request, self._call.cap, route.model)
        return caller.path, headers, body, caller.query_sent_on

    async def _hear(self, reply: Reply) -> None:
        """Hear the answer to its end."""
        raise NotImplementedError

    async def _end(self, reply: Reply, trouble: Exception | None) -> None:
        """Charge for the answer that was heard and finish with the caller."""
        raise NotImplementedError

    async def _keep(self, reply: Reply) -> None:
        """Hear an answer in one piece; one that is too large goes on to the caller unread."""
        while chunk := await reply.chunk():
            if self._unkept:
                self._unkept += len(chunk)
                await self._caller.more(chunk)
                continue
            self._whole += chunk
            if len(self._whole) > KEPT_BYTES_MAX:
                self._unkept = len(self._whole)
                await self._caller.start(reply.status, self._headers(reply, self._standing))
                await self._caller.more(bytes(self._whole))
                self._whole.clear()

    async def _pass_on_error(self, reply: Reply) -> None:
        """Give the caller the provider's own error, which costs nothing."""
        if self._unkept:
            return await self._caller.end()
        secret = self._upstreams.secret(self._route).encode()
        body = bytes(self._whole)
        if secret and secret in body:
            body = body.replace(secret, HIDDEN)
        return await self._caller.answer(reply.status, self._headers(reply, self._standing), body)

    async def _refuse(self, trouble: Exception) -> None:
        """Tell the caller why there is no answer."""
        if self._caller.gone:
            return
        if not isinstance(trouble, TokenhouseError):
            log.error("call of %s by %s", self._request.model, self._who.actor, exc_info=trouble)
        told = await self._answers.refusal(trouble, self._protocol, self._who.account)
        ours = self._told(self._standing) if self._standing else []
        await self._caller.answer(told.status, [*told.headers, *ours], told.body)

    async def _part(self) -> None:
        """Tell a caller that is still there that the server stops; nobody waits long for a slow one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PART_S):
                await self._refuse(CUT if self._caller.started else CLOSING)

    async def _settle(self, measured: Measured, ended: Ending) -> list[Member]:
        """Charge what was used and return how the account stands. A charge that fails stops no answer."""
        try:
            receipt = await self._call.settle(measured, ended)
        except TokenhouseError as trouble:
            log.critical("reservation %s is not settled: %s", self._call.reservation.id, trouble)
            receipt = None
        return self._standing if receipt is None else receipt.answer.path

    async def _release(self, note: str) -> None:
        """Charge nothing. Where even that cannot be written now, the reservation lapses by itself."""
        try:
            await self._call.release(note)
        except TokenhouseError as trouble:
            log.warning("reservation %s is left to lapse: %s", self._call.reservation.id, trouble)

    def _headers(self, reply: Reply, path: list[Member], balance: BalanceView | None = None) -> list[Header]:
        """Return the headers of an answer: the provider's, as far as they may, and ours."""
        return [*sent_back(reply.headers), *self._told(path, balance)]

    def _told(self, path: list[Member], balance: BalanceView | None = None) -> list[Header]:
        """Return the headers that say how the account stands."""
        seen = balance or view(self._who.account, path)
        return self._answers.standing(seen, path, self._protocol, self._request.model, self._who.api_key)

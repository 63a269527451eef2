"""Streamed answers: each chunk goes on before the next one is read, so a slow caller slows its provider."""

from collections.abc import Iterator
from typing import Final

from tokenhouse.edges.gateway.answers import as_comment, stopped
from tokenhouse.edges.gateway.visit import Visit
from tokenhouse.edges.upstream import Reply
from tokenhouse.errors import UpstreamTrouble
from tokenhouse.flow.call import Ending
from tokenhouse.flow.report import view
from tokenhouse.providers.base import Measured, Relay

STEP_BYTES: Final = 256
"""A stream that its account may outgrow is looked at again after so many bytes at the least."""


class Streamed(Visit):
    """A call whose answer comes piece by piece."""

    _relay: Relay
    _stopped = False
    _unseen = 0
    """Bytes of the stream that may go by before it is looked at again."""

    async def _hear(self, reply: Reply) -> None:
        """Relay the stream, until it ends or its account does."""
        self._relay = relay = self._request.dialect.relay(self._request)
        watched = self._call.plan.call.stop_stream
        while chunk := await reply.chunk():
            for part in _steps(chunk) if watched else (chunk,):
                shown = relay.feed(part)
                if shown:
                    await self._show(reply, shown)
                if watched and await self._outgrown(len(part)):
                    self._stopped = True
                    return

    async def _show(self, reply: Reply, shown: bytes) -> None:
        """Send the next part of the answer to a caller that is still there."""
        if self._caller.gone:
            return
        if not self._caller.started:
            await self._begin(reply)
        await self._caller.more(shown)

    async def _refuse(self, trouble: Exception) -> None:
        """Tell the caller why there is no answer, or why it ends here."""
        if not self._caller.started or self._caller.gone:
            return await super()._refuse(trouble)
        told = await self._answers.refusal(_inside(trouble), self._protocol, self._who.account)
        return await self._caller.end(self._relay.broken(told.body))

    async def _begin(self, reply: Reply) -> None:
        """Begin the answer, when its first bytes are there: until then a failure is an ordinary error."""
        path = self._standing
        balance = view(self._who.account, path)
        await self._caller.start(reply.status, self._headers(reply, path, balance))
        warning = await self._answers.warning(balance)
        if warning is not None:
            await self._caller.more(as_comment(warning))

    async def _end(self, reply: Reply, trouble: Exception | None) -> None:
        """Send what is left, charge, and close: whoever reads to the very end sees the charge made.

        A stream that broke off before anything of it was shown is no answer, and costs nothing.
        """
        rest = b"" if self._stopped or self._left else self._relay.finish()
        measured = self._relay.measured
        ended = self._ending(measured, trouble)
        if self._left:
            await self._settle(measured, ended)
            return await self._part()
        if ended == "cut" and not self._caller.started:
            await self._release(ended)
            return await self._refuse(trouble or self._broke_off)
        if ended in ("cut", "stopped"):
            no = stopped(self._who.account) if self._stopped else _inside(trouble or self._broke_off)
            told = await self._answers.refusal(no, self._protocol, self._who.account)
            rest += self._relay.broken(told.body)
        if not self._caller.started:
            await self._begin(reply)
        if rest:
            await self._caller.more(rest)
        await self._settle(measured, ended)
        return await self._caller.end()

    def _ending(self, measured: Measured, trouble: Exception | None) -> Ending:
        """Return how the stream ended."""
        if self._left:
            return self._left
        if self._stopped:
            return "stopped"
        if measured.error is not None:
            return "error"
        return "complete" if measured.finished and trouble is None else "cut"

    @property
    def _broke_off(self) -> UpstreamTrouble:
        return UpstreamTrouble("upstream_broke_off", model=self._request.model)

    async def _outgrown(self, size: int) -> bool:
        """Whether the stream, now longer by `size` bytes, is more than its account can pay."""
        self._unseen -= size
        if self._unseen > 0:
            return False
        left = await self._call.bytes_left(self._relay.measured.text)
        self._unseen = max(left, STEP_BYTES)
        return left < 0


def _inside(trouble: Exception) -> Exception:
    """Return what is said of a trouble inside a stream, of which what came is charged."""
    if isinstance(trouble, UpstreamTrouble) and trouble.reason == "upstream_timeout":
        return UpstreamTrouble("upstream_late", **trouble.facts)
    return trouble


def _steps(chunk: bytes) -> Iterator[bytes]:
    """Yield a chunk in pieces so small that a stream is not far beyond its account's end when it is seen."""
    for at in range(0, len(chunk), STEP_BYTES):
        yield chunk[at : at + STEP_BYTES]

"""Whole answers: kept until they have come, charged, and then sent with the balance after the charge."""

from tokenhouse.edges.gateway.answers import with_member
from tokenhouse.edges.gateway.visit import Visit
from tokenhouse.edges.upstream import Reply
from tokenhouse.errors import UpstreamTrouble
from tokenhouse.flow.report import view
from tokenhouse.providers.base import Measured
from tokenhouse.providers.ears import UNREADABLE, document_in


class Whole(Visit):
    """A call whose answer comes in one piece."""

    _heard = False

    async def _hear(self, reply: Reply) -> None:
        """Keep the answer."""
        await self._keep(reply)
        self._heard = True

    async def _end(self, reply: Reply, trouble: Exception | None) -> None:
        """Charge for the answer and send it; one that broke off is no answer, and costs nothing."""
        if self._unkept:
            return await self._end_unkept()
        if trouble is None and not self._heard:
            await self._settle(Measured(), self._left or "cut")
            return await self._part()
        body = bytes(self._whole)
        measured = self._request.dialect.measure(self._request, body)
        if trouble is None and _broken(measured, body):
            trouble = UpstreamTrouble("upstream_broke_off", model=self._request.model)
        if trouble is not None:
            await self._release("cut")
            return await self._refuse(trouble)
        path = await self._settle(measured, self._left or ("complete" if measured.error is None else "error"))
        if self._caller.gone:
            return None
        balance = view(self._who.account, path)
        warning = await self._answers.warning(balance)
        if warning is not None:
            body = with_member(body, warning)
        return await self._caller.answer(reply.status, self._headers(reply, path, balance), body)

    async def _end_unkept(self) -> None:
        """Charge an answer that has gone by without being kept; one that broke off is left without an end."""
        ended = self._left or ("complete" if self._heard else "cut")
        await self._settle(Measured(bytes_unread=self._unkept, marks=("unread",)), ended)
        if self._heard:
            await self._caller.end()


def _broken(measured: Measured, body: bytes) -> bool:
    """Whether an answer ends in the middle: nothing of it was understood, for it is no JSON."""
    if measured.usage is not None or measured.finished or measured.error is not None:
        return False
    try:
        document_in(body)
    except UNREADABLE:
        return True
    return False

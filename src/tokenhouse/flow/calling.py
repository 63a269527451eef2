"""Calling: the part of the house through which model calls go, and which loses none of their charges."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tokenhouse.errors import InvalidInput, Refused
from tokenhouse.flow import call
from tokenhouse.flow.call import Call, Needs
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.ending import end
from tokenhouse.flow.settle_later import SettleLater
from tokenhouse.providers.base import Measured
from tokenhouse.providers.dialects import DIALECTS
from tokenhouse.rules.amounts import shown
from tokenhouse.rules.usage import Usage
from tokenhouse.store.spool import Spool


class Recorded:
    """A call in an application's own hands: what it records is charged when its block ends."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.measured: Measured | None = None

    @property
    def cap(self) -> int | None:
        """The cap on the answer's output that the provider must be sent; None: none of ours."""
        return self.call.cap

    def record(self, usage: Usage | None = None, *, text: str = "") -> None:
        """Note what the call used, as the provider says; or the text that it produced, to be counted.

        Noted again, as where one call asks a provider twice, it adds up.
        """
        before = self.measured or Measured()
        if usage is not None and before.usage is not None:
            usage = before.usage + usage
        usage = before.usage if usage is None else usage
        self.measured = Measured(usage=usage, text=before.text + text, finished=True)


class Calling:
    """Model calls: set aside before, charged after. Each method is one flow."""

    _desk: Desk
    _later: SettleLater | None = None
    _settling: asyncio.Task[None] | None = None

    async def begin(self, ref: str, needs: Needs, *, api_key: str = "", actor: str = "") -> Call:
        """Set aside what a call can cost and return it; end it by its `settle` or `release`.

        Where the account cannot pay the worst case, the call's `cap` is the largest output that it can.
        Raises: AccountClosed, ModelRefused, LimitReached, InsufficientCredit, NotFound, Busy.
        """
        try:
            return await call.begin(self._desk, self.settle_kept(), ref, needs, api_key=api_key, actor=actor)
        except Refused as no:
            self._desk.refused(ref, no)
            raise

    async def callable_models(self, ref: str, models: Iterable[str]) -> list[str]:
        """Return those of `models` that every plan on an account's way up allows, and that have a price."""
        return await call.callable_models(self._desk, ref, models)

    @asynccontextmanager
    async def call(
        self,
        ref: str,
        request: Mapping[str, Any] | Needs,
        *,
        dialect: str = "openai-chat",
        api_key: str = "",
        actor: str = "",
    ) -> AsyncIterator[Recorded]:
        """Run one model call: `record` its usage inside the block, and it is charged at its end.

        `request` is what goes to the provider, in the wire format `dialect`, or what you know of it yourself.
        A block that raises before it recorded anything costs nothing. One that ends without a record is
        charged its input, as we count it, for a call was made and nobody said what it produced.
        """
        needs = request if isinstance(request, Needs) else _needs(request, dialect)
        recorded = Recorded(await self.begin(ref, needs, api_key=api_key, actor=actor))
        try:
            yield recorded
        except BaseException:
            if recorded.measured is None:
                await recorded.call.release("failed")
            else:
                await recorded.call.settle(recorded.measured, "error")
            raise
        await recorded.call.settle(recorded.measured or Measured())

    def settle_kept(self) -> SettleLater:
        """See to it that charges on disk, of this process or of one that died, are settled from now on."""
        if self._later is None:
            self._later = SettleLater(self._desk, Spool(self._desk.spool))
            self._settling = asyncio.create_task(self._later.run(), name="tokenhouse kept charges")
        return self._later

    def kept(self) -> tuple[int, int]:
        """Return how many charges wait on disk, and how many bytes they take there."""
        return (0, 0) if self._later is None else self._later.kept()

    async def _close_calls(self) -> None:
        """Let every settle under way end in the database or on disk."""
        if self._settling is not None:
            await end(self._settling)
        if self._later is not None:
            await self._later.close()


def _needs(request: Mapping[str, Any], dialect: str) -> Needs:
    """Return what a request in a provider's wire format needs. Raises: InvalidInput that names the field."""
    if dialect not in DIALECTS:
        raise InvalidInput("choice_unknown", field="dialect", value=shown(dialect), known=", ".join(DIALECTS))
    if not isinstance(request, Mapping):
        raise InvalidInput("table_wanted", field="request", value=shown(request))
    try:
        body = msgspec.json.encode(request)
    except (TypeError, ValueError, UnicodeEncodeError, RecursionError) as trouble:
        raise InvalidInput("value_unstorable", field="request", value="", problem=str(trouble)) from None
    return Needs.of(DIALECTS[dialect].read(body))

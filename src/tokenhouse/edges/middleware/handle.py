"""The metered call as the application sees it: what it may spend, and what it says that it used."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from tokenhouse.flow.call import Call
from tokenhouse.flow.report import BalanceView
from tokenhouse.providers.base import Measured
from tokenhouse.providers.usages import find_usage, read_usage
from tokenhouse.rules.usage import Usage

log: Final = logging.getLogger("tokenhouse.middleware")

PLACE: Final = "tokenhouse.call"
"""Where in the ASGI scope the call stands."""


class MeteredCall:
    """The call that the middleware has set credit aside for; found by `tokenhouse_call(request)`."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._usage: Usage | None = None
        self._texts: list[str] = []
        self._ended = False

    @property
    def account(self) -> str:
        """The outside name of the account that pays."""
        return self._call.reservation.account

    @property
    def cap(self) -> int | None:
        """The cap on output tokens to send to the provider, lest it cost too much; None: none of ours."""
        return self._call.cap

    @property
    def balance(self) -> BalanceView:
        """Where the account stood when the credit was set aside: level, remaining, estimated turns."""
        return self._call.balance

    def record(self, usage: object = None, *, text: str = "") -> None:
        """Note what a model call used: what the provider says, or the text that it produced, to be counted.

        Goes before anything that the answer says. Several records add up, one for each model call; texts
        count where no usage was recorded at all. One that comes when the answer has ended is too late.

        Args:
            usage: a `Usage`; a vendor's usage object, or a whole answer, as a table or as its SDK returns it.
            text: what the model wrote, where its provider says no usage.
        """
        if self._ended:
            log.error("usage of %s was recorded after its answer had ended; it is not charged", self.account)
            return
        read = _read(usage)
        if read is not None:
            self._usage = read if self._usage is None else self._usage + read
        elif usage is not None:
            log.error("no usage is known in %.200r; the answer is counted instead", usage)
        if text:
            self._texts.append(text)

    def recorded(self) -> Measured | None:
        """Return what was recorded, if anything, and take nothing more."""
        self._ended = True
        if self._usage is None and not self._texts:
            return None
        return Measured(usage=self._usage, text="".join(self._texts), finished=True)


def tokenhouse_call(request: Any) -> MeteredCall:
    """Return the metered call of a request: Starlette's, FastAPI's or Django's, or a bare ASGI scope.

    Raises: LookupError where the request is none that the middleware meters.
    """
    scope = request if isinstance(request, Mapping) else request.scope
    if PLACE not in scope:
        raise LookupError("this request is not metered: no endpoint of TokenMiddleware fits it")
    call: MeteredCall = scope[PLACE]
    return call


def _read(usage: object) -> Usage | None:
    """Return the usage in what an application has in its hands."""
    if isinstance(usage, Usage):
        return usage
    plain = usage.model_dump() if hasattr(usage, "model_dump") else usage
    if not isinstance(plain, Mapping):
        return None
    found = find_usage(plain)
    if found is not None and found.usage is not None:
        return found.usage
    reading = read_usage(plain)
    return None if reading is None else reading.usage

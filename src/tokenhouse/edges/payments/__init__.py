"""Payment providers: who is one, is proven here, and what it says is put into our words.

One module a provider. Each reads a message as it came, proves that its provider sent it - by a signature over
the raw body, or by asking the provider itself - and hands what it tells to the house. Whoever proves nothing
is turned away, and the attempt is on record. Only here is a network called, and no transaction is open then.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Never

from tokenhouse.edges.payments.callback import ShopCallback
from tokenhouse.edges.payments.stripe import StripePayments
from tokenhouse.edges.payments.toss import TossPayments
from tokenhouse.errors import NotFound
from tokenhouse.flow.payments import Heard
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings
from tokenhouse.store.orders import Order


class Providers:
    """The providers that a deployment has set up. It is opened within the event loop that it is used in.

    Raises: StartRefused for a secret that is empty, short or known to everybody.
    """

    def __init__(self, settings: Settings) -> None:
        chosen = settings.payments
        tolerance_s = chosen.tolerance_s
        self._callback = ShopCallback(chosen.callback, tolerance_s) if chosen.callback else None
        self._stripe = StripePayments(chosen.stripe, tolerance_s) if chosen.stripe else None
        self._toss = TossPayments(chosen.toss) if chosen.toss else None

    @property
    def callback(self) -> ShopCallback:
        """The shop of our own. Raises: NotFound where there is none."""
        return self._callback or _off("callback")

    @property
    def stripe(self) -> StripePayments:
        """Stripe. Raises: NotFound where it is not set up."""
        return self._stripe or _off("stripe")

    @property
    def toss(self) -> TossPayments:
        """Toss Payments. Raises: NotFound where it is not set up."""
        return self._toss or _off("toss")

    async def gives_back(self, house: Tokenhouse, order: Order) -> bool:
        """Whether the money of an order can be given back over its provider from here."""
        doors = {"stripe": self._stripe, "toss": self._toss}
        door = doors.get(order.provider)
        return door is not None and door.took(await house.payments_of(order.id)) is not None

    async def give_back(
        self, house: Tokenhouse, order: Order, total: int, *, reason: str, actor: str, address: str
    ) -> Heard | None:
        """Give the money of an order back where it was paid, until so much of it is; then the credit goes.

        None where that is not ours to do: it was paid elsewhere, or its provider is not set up.
        """
        doors = {"stripe": self._stripe, "toss": self._toss}
        door = doors.get(order.provider)
        if door is None:
            return None
        decided = {"reason": reason, "actor": actor, "address": address}
        return await house.give_back(order.id, door, total=total, **decided)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Make ready what calls a provider; at the end let the connections go."""
        calling = [one for one in (self._stripe, self._toss) if one is not None]
        for one in calling:
            await one.open()
        try:
            yield
        finally:
            for one in calling:
                await one.close()


def _off(provider: str) -> Never:
    """Say that a provider is not set up."""
    raise NotFound("payments_off", provider=provider)

"""A shop for tests: packages, signed calls of a shop of our own, and what an operator sees of them."""

import json
from datetime import datetime
from typing import Any

from standardwebhooks import Webhook

from tests.edges.api.conftest import Service

SECRET = "whsec_" + "qL3pBv9TzX8mW2kRr7Jd0sYhFnUe5aGc"
"""What the shop signs with."""
STRIPE_KEY = "sk_test_51Habcd0EFGHijklMNOPqrstUVWXyz01"
STRIPE_SECRET = "whsec_Zt4Qw8Lr1Xn6Vb3Mk9Jp2Hs7Gf5Dd0Ca"
TOSS_KEY = "test_sk_D5GePWvyJnrK0W0k6q8gLzN97Eoq"
CALLBACK = "/api/v1/payments/callback"
LARGE = {
    "title": {"en": "Large", "ko": "라지"},
    "credit": "50000",
    "prices": {"KRW": 9900, "USD": 799, "EUR": 749, "JPY": 1100},
}


class Shop:
    """What a shop does: sells, and says what was paid, with its signature."""

    def __init__(self, service: Service, clock: Any, secret: str = SECRET) -> None:
        self.service, self.clock, self.secret = service, clock, secret
        self._events = 0

    async def stock(self, **packages: dict[str, Any]) -> None:
        """Put packages on sale."""
        for name, document in (packages or {"large": LARGE}).items():
            await self.service.ok("PUT", f"/api/v1/packages/{name}", who="operator", json=document)

    async def buy(self, who: str, provider: str = "callback", **asked: Any) -> Any:
        """Have somebody buy for themselves, and return the answer."""
        body = {"package": "large", "currency": "KRW", "provider": provider, **asked}
        return await self.service.ok("POST", "/api/v1/accounts/me/orders", who=who, json=body)

    async def order(self, who: str, provider: str = "callback", **asked: Any) -> str:
        """Have somebody buy, and return the order's id."""
        return (await self.buy(who, provider, **asked))["order"]["id"]

    def signed(self, said: dict[str, Any] | bytes, *, event: str = "", secret: str = "") -> dict[str, Any]:
        """Return a message of the shop as the client sends it: body and headers."""
        self._events += 1
        event = event or f"msg_{self._events}"
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        return {"content": body, "headers": self.headers(event, body, self.clock(), secret or self.secret)}

    def headers(self, event: str, body: bytes, at: datetime, secret: str) -> dict[str, str]:
        """Return the headers of a message that was sent then."""
        return {
            "content-type": "application/json",
            "webhook-id": event,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(event, at, body.decode()),
        }

    def paid(self, order: str, **other: Any) -> dict[str, Any]:
        """Return what the shop says of an order that was paid."""
        return {
            "type": "payment.completed",
            "order": order,
            "payment": f"pay-{order}",
            "amount": 9900,
            "currency": "KRW",
            "method": "card",
        } | other

    async def says(self, said: dict[str, Any], **how: Any) -> Any:
        """Have the shop say something, and return what we made of it."""
        return await self.service.ok("POST", CALLBACK, **self.signed(said, **how))

    async def credit(self, who: str) -> int:
        """Return what somebody can spend."""
        return (await self.service.house.balance(who)).available

    async def events(self, **wanted: str) -> list[tuple[str, str]]:
        """Return verdict and reason of everything that was said, in order of these, as an auditor sees it."""
        page = await self.service.ok("GET", "/api/v1/payment-events", who="auditor", params=wanted)
        return sorted((one["verdict"], one["reason"]) for one in page["items"])

    async def sound(self) -> None:
        """See that every law of the ledger holds, and that no secret is on record."""
        verdict = await self.service.house.verify()
        assert verdict.clean, verdict.findings

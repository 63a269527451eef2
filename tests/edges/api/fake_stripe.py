"""Stripe for tests: its API as far as we ask it, over a real socket, and its events."""

import json
from typing import Any
from urllib.parse import parse_qs

import stripe

from tests.edges.api.paying import STRIPE_SECRET
from tests.edges.gateway.provider import Asked, Says


class FakeStripe:
    """Stripe's API as far as we ask it, and its webhooks, signed by its library.

    It keeps an answer under its idempotency key, be it a failure, and gives nothing twice under one.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.says: Says | None = None
        self.answers: Says | None = None
        """What is answered to whoever wants money back."""
        self.cut: Says | None = None
        """What becomes of an answer on its way, after the work was done."""
        self.refunds: dict[str, list[dict[str, Any]]] = {}
        """Payment -> its refunds, the newest first, as Stripe lists them."""
        self.port = 0
        self._kept: dict[str, tuple[dict[str, str], Says]] = {}
        self._events = 0

    def __call__(self, asked: Asked) -> Says:
        path, _, query = asked.path.partition("?")
        form = {name: values[0] for name, values in parse_qs(asked.body.decode() or query).items()}
        if asked.method == "GET" and path == "/v1/refunds":
            return Says.whole(listed(self.refunds.get(form["payment_intent"], [])))
        self.asked.append((f"{asked.method} {asked.path}", form, asked.headers))
        if path == "/v1/refunds":
            key = asked.headers["idempotency-key"]
            if key not in self._kept:
                self._kept[key] = (form, self.answers or self._refund(form))
            first, answer = self._kept[key]
            if first != form:
                answer = refused("idempotency_error", "Keys are for the same request")
            return self.cut or answer
        if self.says is not None:
            return self.says
        order = form.get("client_reference_id", "")
        page = {"id": f"cs_test_{order[-8:]}", "object": "checkout.session", "url": "https://pay.test/c"}
        return Says.whole(page)

    def _refund(self, form: dict[str, str]) -> Says:
        """Give back what is asked for, if the payment still holds it."""
        intent, amount = form["payment_intent"], int(form["amount"])
        if amount > 799 - self.given(intent):
            return refused("invalid_request_error", "Refund amount is greater than unrefunded amount")
        ours = {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}
        return Says.whole(self.refund(intent, amount, **ours))

    def refund(self, intent: str, amount: int, **metadata: str) -> dict[str, Any]:
        """Give back so much of a payment, as somebody does on Stripe's own pages."""
        made = {"id": f"re_{len(self.refunds)}_{len(self.refunds.get(intent, []))}_{intent[-4:]}"}
        made |= {"object": "refund", "status": "succeeded", "amount": amount, "currency": "usd"}
        made |= {"payment_intent": intent, "metadata": metadata}
        self.refunds.setdefault(intent, []).insert(0, made)
        return made

    def given(self, intent: str) -> int:
        """Return how much of a payment is given back."""
        return sum(one["amount"] for one in self.refunds.get(intent, []) if one["status"] == "succeeded")

    def event(self, kind: str, one: dict[str, Any], event: str = "") -> bytes:
        self._events += 1
        event = event or f"evt_{self._events}"
        document = {"id": event, "object": "event", "type": kind, "data": {"object": one}}
        return json.dumps(document).encode()

    def signed(self, body: bytes, at: float, secret: str = STRIPE_SECRET) -> dict[str, Any]:
        header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(at))
        return {"content": body, "headers": {"stripe-signature": header}}


def listed(found: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": found, "has_more": False, "url": "/v1/refunds"}


def refused(kind: str, text: str) -> Says:
    return Says.whole({"error": {"type": kind, "message": text}}, status=400)


def session(order: str, **other: Any) -> dict[str, Any]:
    return {
        "id": f"cs_test_{order[-8:]}",
        "client_reference_id": order,
        "payment_status": "paid",
        "payment_intent": f"pi_{order[-8:]}",
        "amount_total": 799,
        "currency": "usd",
        "metadata": {"order": order},
    } | other


def charge(order: str, refunded: int) -> dict[str, Any]:
    return {
        "id": "ch_1",
        "payment_intent": f"pi_{order[-8:]}",
        "amount": 799,
        "amount_refunded": refunded,
        "currency": "usd",
        "metadata": {},
    }

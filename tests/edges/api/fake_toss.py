"""Toss Payments for tests: its API as far as we ask it, over a real socket, and its webhooks."""

import base64
from typing import Any

from tests.edges.api.paying import TOSS_KEY
from tests.edges.gateway.provider import Asked, Says


class FakeToss:
    """Toss' payments as its API tells of them.

    It keeps an answer under its idempotency key, be it a failure, and gives nothing twice under one.
    """

    def __init__(self) -> None:
        self.payments: dict[str, dict[str, Any]] = {}
        self.asked: list[Asked] = []
        self.says: Says | None = None
        self.answers: Says | None = None
        """What is answered to whoever wants money back."""
        self.cut: Says | None = None
        """What becomes of a cancel's answer on its way, after the work was done."""
        self.later = False
        """Whether cancels end later, as those of wallets abroad do."""
        self.port = 0
        self._kept: dict[str, Says] = {}

    def agreed(self, order: str, key: str = "pay_key_1", amount: int = 9900) -> str:
        """Have a person agree in the window."""
        self.payments[key] = {
            "paymentKey": key,
            "orderId": order,
            "status": "IN_PROGRESS",
            "totalAmount": amount,
            "balanceAmount": amount,
            "currency": "KRW",
            "method": "카드",
            "card": {"number": "53275010****7398"},
            "cancels": None,
        }
        return key

    def __call__(self, asked: Asked) -> Says:
        self.asked.append(asked)
        assert asked.headers["authorization"] == "Basic " + base64.b64encode(f"{TOSS_KEY}:".encode()).decode()
        if asked.path.endswith("/cancel"):
            key = asked.headers["idempotency-key"]
            if key not in self._kept:
                self._kept[key] = self.answers or self._cancel(asked.path.split("/")[-2], asked.document)
            return self.cut or self._kept[key]
        if self.says is not None:
            return self.says
        if asked.path == "/v1/payments/confirm":
            return self._confirm(asked.document)
        *_, what, name = asked.path.split("/")
        by_order = (one for one in self.payments.values() if one["orderId"] == name)
        found = next(by_order, None) if what == "orders" else self.payments.get(name)
        return Says.whole(found) if found else self._no("NOT_FOUND_PAYMENT", 404)

    def _confirm(self, said: dict[str, Any]) -> Says:
        found = self.payments.get(said["paymentKey"])
        if found is None or found["orderId"] != said["orderId"] or found["totalAmount"] != said["amount"]:
            return self._no("INVALID_REQUEST", 400)
        if found["status"] == "DONE":
            return self._no("ALREADY_PROCESSED_PAYMENT", 400)
        found["status"] = "DONE"
        return Says.whole(found)

    def _cancel(self, name: str, said: dict[str, Any]) -> Says:
        found = self.payments[name]
        if found["status"] == "CANCELED":
            return self._no("ALREADY_CANCELED_PAYMENT", 400)
        if said["cancelAmount"] > found["balanceAmount"]:
            return self._no("NOT_CANCELABLE_AMOUNT", 403)
        self.cancel(name, said["cancelAmount"], said["cancelReason"])
        return Says.whole(found)

    def cancel(self, name: str, amount: int, reason: str = "by hand") -> None:
        """Give back so much of a payment, as somebody does on Toss' own pages."""
        found = self.payments[name]
        found["balanceAmount"] -= amount
        found["status"] = "PARTIAL_CANCELED" if found["balanceAmount"] else "CANCELED"
        found["cancels"] = found["cancels"] or []
        made = {"transactionKey": f"{name}-{len(found['cancels'])}", "cancelAmount": amount}
        status = "IN_PROGRESS" if self.later else "DONE"
        found["cancels"].append(made | {"cancelReason": reason, "cancelStatus": status})

    def cancel_ended(self, name: str, status: str) -> dict[str, Any]:
        """Have the last cancel of a payment end, as wallets abroad do; return the webhook of it."""
        found = self.payments[name]
        cancel = found["cancels"][-1]
        cancel["cancelStatus"] = status
        if status == "ABORTED":
            found["balanceAmount"] += cancel["cancelAmount"]
            paid = found["balanceAmount"] == found["totalAmount"]
            found["status"] = "DONE" if paid else "PARTIAL_CANCELED"
        return webhook("CANCEL_STATUS_CHANGED", **cancel)

    def given(self, name: str) -> int:
        """Return how much of a payment is given back."""
        return self.payments[name]["totalAmount"] - self.payments[name]["balanceAmount"]

    def _no(self, code: str, status: int) -> Says:
        return Says.whole({"code": code, "message": f"거절: {code}"}, status=status)


def confirming(order: str, key: str, amount: int = 9900) -> dict[str, Any]:
    path = f"/api/v1/accounts/me/orders/{order}/confirm"
    return {"method": "POST", "path": path, "who": "alice", "json": {"payment_key": key, "amount": amount}}


def webhook(event: str = "PAYMENT_STATUS_CHANGED", **data: Any) -> dict[str, Any]:
    return {"eventType": event, "createdAt": "2026-11-21T12:00:00", "data": data}

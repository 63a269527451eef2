"""What `test_hostile` tries on the verbs about orders, packages, coupons, subscriptions and payments."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tests.hostile import (
    ALICE,
    AMOUNT,
    BAD_TEXT,
    CHOICE,
    FLAG,
    ID,
    KNOWN_REF,
    MEGABYTE,
    NAN,
    NO_ID,
    NO_TEXT,
    NO_TIME,
    NO_WHOLE,
    PAGE,
    POSITIVE,
    PRICE,
    REF,
    WHO,
    Verb,
    texts,
)
from tokenhouse.flow.payments import Told

BELOW = [one for one in NO_ID if one != ""]
"""What no page begins below; "" is the first page."""
SHARE = [None, NAN, 5, -1, 1.5, "x", "", "-0.1", "1.01", Decimal("NaN"), Decimal(2), b"1", [], {}, True]
WHOLE = [None, *NO_WHOLE, -1, 2**63]
NAMES = [None, 5, "nothing", ["nothing"], [5], [None], ["\0"], ["\ud800"], {"nothing": 1}]
CODE = [*REF, "x", "WELCOME-2026-NOBODY", "'; drop table coupons"]
ADDRESS = [one for one in NO_TEXT if one is not None]
LAST_DAY = datetime.max.replace(tzinfo=UTC)


class Nothing:
    """A provider that never took anything."""

    provider = shown = "nothing"

    def took(self, _: list[str]) -> None:
        return None

    async def refunds(self, _: str) -> list[Any]:
        return []

    async def refund(self, _: Any) -> list[Any]:
        return []


TOLD = Told(provider="manual", event="evt_1", kind="paid", digest=b"\0" * 32)


def package(**more: Any) -> dict[str, Any]:
    return {"name": "hostile", "credit": 10, "prices": {"KRW": 1_000}} | more


PACKAGES = [
    *(None, 5, "x", b"x", [], {}, {"name": "hostile"}, {5: "x"}, package(nothing=1), package(version=7)),
    *(package(name=one) for one in ("", 5, None, "a b", "\0", "\ud800", MEGABYTE)),
    *(package(credit=one) for one in (0, -1, 1.5, "1", True, None, NAN, 2**63, 10**400)),
    *(package(bonus=one) for one in (-1, "x", NAN, Decimal("NaN"), Decimal("Infinity"), 11, None, [])),
    *(package(credit_days=one) for one in (-1, 1.5, "1", 36_501, 2**63, None)),
    *(package(prices=one) for one in (None, 5, [], {}, {"XXX": 1}, {"KRW": 0}, {"KRW": -1}, {"KRW": 1.5})),
    *(package(prices=one) for one in ({"KRW": 10**12 + 1}, {"KRW": None}, {5: 1}, {"krw": 1})),
    *(package(title=one) for one in (5, "x", {"fr": "x"}, {"en": ""}, {"en": "a\0b"}, {"en": "x" * 121})),
    *(package(plans=one) for one in (5, "points", ["nothing"], [5], ["\0"])),
    *(package(plan=one) for one in (5, None, "nothing", "\0", "\ud800", MEGABYTE)),
    *(package(every=one) for one in ("day", "", 5, None)),
    *(package(active=one) for one in FLAG),
]

SHOP: dict[str, Verb] = {
    "order": Verb(
        ALICE | {"credit": 5},
        {
            "ref": KNOWN_REF,
            "credit": POSITIVE,
            "order_type": [None, *CHOICE],
            "price": PRICE,
            **texts("note"),
        },
    ),
    "complete_order": Verb(
        ALICE | {"order": "pending"},
        {"ref": KNOWN_REF, "order": ID, **texts("actor", "reason"), "address": ADDRESS},
    ),
    "fail_order": Verb(
        ALICE | {"order": "pending"},
        {"ref": KNOWN_REF, "order": ID, **texts("actor", "reason"), "address": ADDRESS},
    ),
    "refund_order": Verb(
        ALICE | {"order": "completed"},
        {
            "ref": KNOWN_REF,
            "order": ID,
            "refunded_minor": [one for one in AMOUNT if one is not None] + [1],
            "address": ADDRESS,
            **WHO,
        },
    ),
    "orders": Verb(ALICE, {"ref": KNOWN_REF, "before": BELOW, "rows_max": PAGE}),
    "find_order": Verb(
        {"order": "pending"}, {"order": ID, "ref": [one for one in KNOWN_REF if one is not None]}
    ),
    "preview_refund": Verb(
        {"order": "completed"},
        {"order": ID, "refunded_minor": [one for one in AMOUNT if one is not None] + [1]},
    ),
    "order_of_refund": Verb({"provider": "toss", "refund": "txrd_1"}, {"provider": REF, "refund": REF}),
    "payments_of": Verb({"order": "completed"}, {"order": ID}),
    "all_orders": Verb(
        {},
        {
            "account": [one for one in KNOWN_REF if one is not None],
            "state": CHOICE,
            "provider": BAD_TEXT,
            "since": NO_TIME,
            "until": NO_TIME,
            "before": BELOW,
            "rows_max": PAGE,
        },
    ),
    "sales_receipt": Verb(
        ALICE | {"order": "completed"},
        {"ref": KNOWN_REF, "order": [*ID, "pending"], "locale": [None, *CHOICE]},
    ),
    "write_package": Verb({"document": package()}, {"document": PACKAGES, **texts("actor")}),
    "write_coupons": Verb(
        {"credit": 5},
        {
            "code": [*BAD_TEXT, None, "x", "'; drop table coupons"],
            "count": [None, *NO_WHOLE, 0, -1, 1_001, 2**63],
            "credit": [*AMOUNT, 0],
            "discount": [*SHARE, "0.5"],
            "credit_days": [*WHOLE, 36_501],
            "uses_max": [*(one for one in WHOLE if one is not None), 0, 2**31],
            "valid_from": [*NO_TIME, LAST_DAY, date(2030, 1, 1)],
            "valid_until": [*NO_TIME, LAST_DAY, datetime(2020, 1, 1, tzinfo=UTC)],
            "only_plans": NAMES,
            "only_packages": NAMES,
            **texts("note", "actor"),
        },
    ),
    "coupons": Verb(
        {}, {"rows_max": PAGE, "state": [None, *filter(None, CHOICE)], **texts("after", "search")}
    ),
    "redemptions": Verb(
        {"code": "coupon"},
        {"code": CODE, "before": [one for one in NO_ID if one is not None], "rows_max": PAGE},
    ),
    "end_coupon": Verb({"code": "coupon"}, {"code": CODE}),
    "buy": Verb(
        ALICE | {"package": "package", "currency": "KRW"},
        {
            "ref": KNOWN_REF,
            "package": [*REF, "nothing"],
            "currency": [None, "XXX", "krw", *CHOICE],
            "provider": [None, "stripe", "coupon", *CHOICE],
            "quantity": [*POSITIVE, 10_001],
            "coupon": [None, *(one for one in CODE if one)],
            **texts("key", "note"),
        },
    ),
    "redeem": Verb(ALICE | {"code": "coupon"}, {"ref": KNOWN_REF, "code": CODE, **texts("key")}),
    "subscription": Verb(ALICE, {"ref": [*KNOWN_REF, "alice"]}),
    "cancel_subscription": Verb(ALICE, {"ref": [*KNOWN_REF, "alice"], "at_once": FLAG}),
    "hear_payment": Verb(
        {"told": TOLD},
        {
            "told": [
                *(None, 5, "x", b"x", [], {}, {"provider": "manual"}),
                *(replace(TOLD, event=one) for one in REF),
                *(replace(TOLD, provider=one) for one in REF),
                *(replace(TOLD, kind=one) for one in (None, 5, "", "nothing")),
                *(replace(TOLD, digest=one) for one in (None, "x" * 32, b"", b"\0" * 31)),
            ]
        },
    ),
    "give_back": Verb(
        {"order": "completed", "door": Nothing(), "total": 1, "reason": "Why"},
        {
            "order": ID,
            "door": [None, 5, "stripe", {}, []],
            "total": [*POSITIVE, 10**12],
            **texts("reason", "actor", "address"),
        },
    ),
    "refuse_payment": Verb(
        {"provider": "stripe", "event": "evt_1", "digest": b"\0" * 32, "reason": "signature_wrong"},
        {
            "provider": REF,
            "event": [None, *NO_TEXT],
            "digest": [None, 5, "x" * 32, b"", b"\0" * 31, b"\0" * 33, []],
            "reason": REF,
        },
    ),
    "bind_payment": Verb({"order": "pending", "payment": "pi_1"}, {"order": ID, "payment": REF}),
    "payment_events": Verb(
        {},
        {
            "provider": BAD_TEXT,
            "verdict": CHOICE,
            "order": BELOW,
            "unmatched": FLAG,
            "before": BELOW,
            "rows_max": PAGE,
        },
    ),
}

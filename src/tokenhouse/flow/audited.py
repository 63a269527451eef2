"""Audited: what the audit log says of a thing that was changed, in the same words from every edge."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tokenhouse.flow.rates import Added
from tokenhouse.rules.amounts import Unit, digits
from tokenhouse.rules.operations import Done
from tokenhouse.rules.plans import POINTS, Plan
from tokenhouse.rules.shop import Package
from tokenhouse.store.accounts import Account
from tokenhouse.store.keys import Key
from tokenhouse.store.orders import Order
from tokenhouse.store.shop import Coupon

Told = dict[str, Any]

ACCOUNT: Final = (
    "ref",
    "kind",
    "parent",
    "plan",
    "state",
    "own_credit",
    "name",
    "email",
    "locale",
    "time_zone",
    "tags",
    "created_at",
)
"""What is told of an account."""


def changed(before: Told, after: Told) -> tuple[Told, Told]:
    """Return what differs between two states of a thing: how it was, and how it is."""
    names = [name for name in after if after[name] != before[name]]
    return {name: before[name] for name in names}, {name: after[name] for name in names}


def account(one: Account) -> Told:
    """Return who an account is."""
    return {name: getattr(one, name) for name in ACCOUNT}


def moved(done: Done, unit: Unit, **facts: str) -> Told:
    """Return how much credit was moved, by its operation's id."""
    return {"amount": digits(done.amount, unit), "unit": unit.name, "id": done.id, **facts}


def key(one: Key) -> Told:
    """Return which key it is; nobody learns its secret."""
    return {"id": one.id, "prefix": one.prefix, "role": one.role, "models": list(one.models)}


def plan(one: Plan) -> Told:
    """Return a plan's document, every default filled in, decimals exact as text."""
    filled: Told = msgspec.to_builtins(one)
    del filled["version"]
    return filled


def package(one: Package, unit: Unit) -> Told:
    """Return a package's document; its credit in whole units, its prices in minor ones."""
    return {**msgspec.to_builtins(one), "credit": digits(one.credit, unit)}


def coupons(made: Sequence[Coupon], unit: Unit) -> Told:
    """Return how many coupons were made, and what each gives or takes off: a share of the price."""
    first = made[0]
    return {"coupons": len(made), "credit": digits(first.credit, unit), "discount": first.discount / POINTS}


def order(one: Order) -> Told:
    """Return whose an order is, and where it stands; its credit in the smallest unit, money in minor ones."""
    return {
        "account": one.ref,
        "state": one.state,
        "credit": one.credit,
        "refunded_minor": one.refunded_minor,
    }


def rates(added: Added) -> Told:
    """Return of which models prices were written, and of which they wait for a decision."""
    return {
        "written": [one.model for one in added.written],
        "held": [one.model for one in added.held],
    }

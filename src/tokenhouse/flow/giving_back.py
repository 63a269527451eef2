"""Giving back: money goes back over its provider once, whoever asks for it, however often, in whatever order.

    what has it given back? -> hear of what is new -> is there a rest? -> note the try -> ask -> hear of it

What we ask a provider for is on record before. A try of which nobody knows what became of it is repeated as
the same, under the same key; one that was refused is over, and the next one has another key.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final, Protocol, runtime_checkable

from tokenhouse.errors import Busy, InvalidInput
from tokenhouse.flow import audited, payments
from tokenhouse.flow import orders as step
from tokenhouse.flow.audit_trail import drafted
from tokenhouse.flow.desk import Desk, checked_text, checked_whole
from tokenhouse.flow.payments import Heard, Told
from tokenhouse.flow.refunding import Returned
from tokenhouse.rules.amounts import shown
from tokenhouse.store import audit_log, refunds
from tokenhouse.store.audit_log import Audited
from tokenhouse.store.orders import Order
from tokenhouse.store.refunds import RefundTry, TryEnd

TURNS: Final = 8
"""How often we look again, after each try and where somebody else gives money of the same order back."""
OPEN_FOR: Final = timedelta(hours=24)
"""After this long a try that its provider does not know never reached it. Stripe keeps keys as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a provider is asked to give back: so much of a payment, under a key of its own, and why."""

    order: Order
    payment: str
    key: str
    minor: int
    note: str


@runtime_checkable
class Door(Protocol):
    """The way to a provider that can give money back."""

    provider: str
    shown: str
    """What people call it."""

    def took(self, payments: list[str]) -> str | None:
        """Return the provider's name of what it took, of all names of an order's payments."""

    async def refunds(self, payment: str) -> list[Returned]:
        """Return what it has given back of a payment. Raises: InvalidInput, UpstreamTrouble."""

    async def refund(self, wanted: Wanted) -> list[Returned]:
        """Have it give money back; return at least that refund, as it then stands.

        Idempotent by the key. Raises: InvalidInput for its no, UpstreamTrouble where nobody knows.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """That so much of an order is given back in all: who decided it, why, and from where."""

    total: int
    actor: str
    reason: str
    address: str


async def give_back(desk: Desk, door: Door, order: str, decision: Decision) -> Heard | None:
    """Give money of an order back over its provider until so much of it is, and take its credit for it.

    First the provider is asked what it gave back already, by us or by its own pages; only the rest is asked
    for. None where it never took anything. Nothing of ours changes unless it agrees. Idempotent.

    Raises: InvalidInput for its no, or while a greater try is open; UpstreamTrouble where nobody knows
    whether it did: asked again, it is the same refund.
    """
    if not isinstance(door, Door):
        raise InvalidInput("table_wanted", field="door", value=shown(door))
    one = first = await step.find_anywhere(desk, order)
    checked_text(decision.reason, "reason", most=1_000)
    checked_text(decision.actor, "actor")
    checked_text(decision.address, "address")
    checked_whole(decision.total, "refunded_minor", 1, one.price_minor)
    payment = door.took(await payments.payments_of(desk, one))
    if payment is None:
        return None
    way = _Way(desk=desk, door=door, payment=payment, decision=decision)
    heard = Heard(verdict="duplicate", reason="refund_known", order=one)
    for _ in range(TURNS):
        told = await door.refunds(payment)
        found, reached = await way.resolved(one, told)
        if told:
            heard = await way.heard(one, told, reached, heard)
        if reached and found is not None:
            await way.end(one, found, "given")
            found = None
        one = await step.find_anywhere(desk, order)
        made = sum(each.minor for each in told if not each.failed)
        rest = decision.total - max(one.refunded_minor, made)
        if heard.error is not None or rest <= 0:
            await way.kept(first, one, heard)
            return replace(heard, order=one)
        if found is not None and found.minor > rest:
            facts = {"order": one.id, "expected": str(found.total)}
            raise InvalidInput("refund_open", field="refunded_minor", value=decision.total, **facts)
        asked = await way.begun(one, rest, found)
        if asked is not None:
            heard = await way.asked(one, asked, told, heard)
            one = await step.find_anywhere(desk, order)
            if heard.error is not None or one.refunded_minor >= decision.total:
                return replace(heard, order=one)
    raise Busy("busy", retry_after_s=1, waiting=TURNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """The way of one decision to its provider."""

    desk: Desk
    door: Door
    payment: str
    decision: Decision

    async def resolved(self, one: Order, told: Sequence[Returned]) -> tuple[RefundTry | None, int]:
        """Return the try that is still open, and the total that it has reached if its provider knows it."""
        async with self.desk.pool.acquire() as connection:
            found = await refunds.find_refund_try(connection, one)
        if found is None:
            return None, 0
        mine = next((each for each in told if each.ours == _key(one, found)), None)
        if mine is not None and not mine.failed:
            return found, found.total
        if mine is not None or self.desk.clock() - found.at > OPEN_FOR:
            await self.end(one, found, "refused" if mine else "lost", mine.problem if mine else "")
            return None, 0
        return found, 0

    async def heard(self, one: Order, told: Sequence[Returned], reached: int, before: Heard) -> Heard:
        """Have the house hear what its provider has given back; what was known changes nothing."""
        state = "\n".join(f"{each.ref} {each.minor} {each.failed}" for each in told)
        digest = sha256(f"{self.payment}\n{reached}\n{state}".encode()).digest()
        said = Told(
            provider=self.door.provider,
            event=f"asked {digest[:16].hex()}",
            kind="refunded",
            digest=digest,
            order=one.id,
            payments=(self.payment,),
            price_minor=one.price_minor,
            currency=one.currency,
            refunded_minor=reached or None,
            refunds=tuple(told),
        )
        after = await payments.hear(self.desk, said)
        return after if after.verdict in ("accepted", "refused") else before

    async def begun(self, one: Order, rest: int, found: RefundTry | None) -> RefundTry | None:
        """Note a try, or that one is repeated, and who decided it; None where another was faster."""
        chosen, now = self.decision, self.desk.clock()
        whole = chosen.total == one.price_minor
        kept = self.decided(one, replace(one, state="refunded" if whole else one.state), chosen.total)
        line: dict[str, Any] = {"minor": rest, "total": chosen.total, "note": chosen.reason, "at": now}
        async with self.desk.pool.acquire() as connection, connection.transaction():
            asked = found or await refunds.write_refund_try(connection, one, **line)
            if asked is not None:
                await audit_log.write_audit(connection, kept)
        return asked

    async def kept(self, before: Order, after: Order, heard: Heard) -> None:
        """Tell the audit log of a decision for which nothing was asked: its provider had done it before."""
        if heard.verdict == "accepted":
            kept = self.decided(before, after, after.refunded_minor)
            async with self.desk.pool.acquire() as connection:
                await audit_log.write_audit(connection, kept)

    def decided(self, before: Order, after: Order, total: int) -> Audited:
        """Return what the audit log keeps of the decision."""
        was, then = audited.order(before), audited.order(replace(after, refunded_minor=total))
        line: dict[str, Any] = {"before": was, "after": then, "reason": self.decision.reason}
        return self.draft("order.refund", one=after, **line)

    def draft(self, action: str, *, one: Order, **line: Any) -> Audited:
        """Return a line of the audit log, with who decided and from where."""
        chosen = self.decision
        who = {"actor": chosen.actor, "address": chosen.address}
        return drafted(self.desk, action=action, subject=one.id, **who, **line)

    async def asked(self, one: Order, asked: RefundTry, told: list[Returned], before: Heard) -> Heard:
        """Ask the provider, and have the house hear what it did. Raises: InvalidInput, UpstreamTrouble."""
        key = _key(one, asked)
        wanted = Wanted(order=one, payment=self.payment, key=key, minor=asked.minor, note=asked.note)
        try:
            made = await self.door.refund(wanted)
        except InvalidInput as no:
            await self.end(one, asked, "refused", str(no.facts.get("problem", "")))
            if await self.door.refunds(self.payment) == told:
                raise
            return before  # Somebody else gave money back meanwhile: we look again.
        after = list({each.ref: each for each in (*told, *made)}.values())
        mine = next((each for each in made if each.ours == key), None)
        if mine is not None and mine.failed:
            await self.heard(one, after, 0, before)
            await self.end(one, asked, "refused", mine.problem)
            facts = {"provider": self.door.shown, "problem": mine.problem}
            raise InvalidInput("payment_refused", field="order", value=one.id, **facts)
        heard = await self.heard(one, after, asked.total, before)
        await self.end(one, asked, "given")
        return heard

    async def end(self, one: Order, asked: RefundTry, state: TryEnd, problem: str = "") -> None:
        """Note what became of a try; in the audit log too, if it was refused."""
        told = {"provider": self.door.provider, "minor": asked.minor, "problem": problem}
        kept = self.draft("order.refund_refused", one=one, after=told)
        async with self.desk.pool.acquire() as connection, connection.transaction():
            news = await refunds.write_refund_try_ended(connection, one, asked.nth, state, self.desk.clock())
            if news and state == "refused":
                await audit_log.write_audit(connection, kept)


def _key(one: Order, asked: RefundTry) -> str:
    """Return the key under which a provider is asked for a try, by which we know its refund again."""
    return f"{one.id}-{asked.nth}"

"""Call: one model call from its estimate to its charge. Edges bring a request and an answer; this decides.

The worst case is set aside; where an account cannot pay it, the largest output that it can pay becomes the
call's cap. What the provider says was used is charged; where it says nothing, what was relayed is counted.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, Literal

import msgspec

from tokenhouse.errors import InsufficientCredit, InvalidInput, LimitReached, ModelRefused
from tokenhouse.flow import estimate, settle, spans
from tokenhouse.flow.desk import ADDRESSES_MAX, Desk, checked_text, checked_whole
from tokenhouse.flow.report import BalanceView, read_path
from tokenhouse.flow.reserve import Reservation, reserve
from tokenhouse.flow.settle import Receipt
from tokenhouse.flow.settle_later import Owed, SettleLater
from tokenhouse.providers import tokens
from tokenhouse.providers.base import Measured, Request
from tokenhouse.providers.fields import CHOICES_MAX
from tokenhouse.providers.tokens import BYTES_PER_TOKEN, Counted
from tokenhouse.rules.charges import Tariff
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.quotes import OUTPUT_LEAST, Quote, quote, shortened, tariff_of, within
from tokenhouse.rules.usage import TOKENS_MAX, Usage
from tokenhouse.rules.verdict import Member, barred, headroom, payer_of
from tokenhouse.store.accounts import Address
from tokenhouse.store.batch import Answer
from tokenhouse.store.chat import TurnEnd

COUNTED_AT_ONCE: Final = 65_536
"""Bytes of a prompt up to which it is counted on the way: a millisecond at the most."""
BOUND_SHARE: Final = 64
"""A longer one is bounded by its bytes while that bound costs at most this part of what the account has."""
BYTES_MOST: Final = 4
"""Bytes of a character at most."""

Ending = Literal["complete", "disconnect", "cut", "error", "stopped"]
"""The answer was whole; the caller left; the provider left; the provider failed in the middle; we ended it,
for its account could pay no more."""


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a call before it is made. `output`: the caller's cap on one answer, None for none."""

    model: str
    protocol: str = "own"
    """The wire format of the request, or "own" where an application says itself what it needs."""
    bound: int
    """Input tokens at most, found without counting; of a body that is counted at once, its length will do."""
    count: Callable[[], Counted]
    """Counts the input tokens; called when the bound is not good enough, at most once."""
    output: int | None = None
    choices: int = 1
    reads: tuple[str, ...] = ("input",)
    """Kinds of `Usage` that its text may be charged as: a cache that is written costs more than the text."""
    writes: tuple[str, ...] = ("output", "reasoning")
    """Kinds that its answer may be charged as."""

    @classmethod
    def of(cls, request: Request, model: str | None = None) -> "Needs":
        """Return what a request of a known wire format needs; `model` where it is priced by another name."""
        dialect, document, named = request.dialect.name, request.document, model or request.model
        size = len(request.body)
        return cls(
            model=named,
            protocol=dialect,
            bound=size if size <= COUNTED_AT_ONCE else tokens.bound(dialect, document, named),
            count=lambda: tokens.count(dialect, document, named),
            output=request.cap,
            choices=request.choices,
            reads=_reads(request),
            writes=_writes(document),
        )


class Call:
    """A call that may go ahead: credit is set aside for it. End it by `settle` or `release`, once."""

    def __init__(self, desk: Desk, later: SettleLater, needs: Needs, terms: "_Terms", actor: str) -> None:
        self._desk, self._later, self._needs, self._terms, self._actor = desk, later, needs, terms, actor
        self.plan, self.price, self.reservation = terms.plan, terms.price, terms.reservation
        self.cap = _cap(needs, terms)
        """The cap on one answer's output that the provider must be sent; None: as the caller has it."""
        self.owed: Owed | None = None
        """What `settle` charged, or what waits to be charged; None as long as there is nothing to charge."""

    @property
    def balance(self) -> BalanceView:
        """Where the account stood when the credit was set aside."""
        return self.reservation.balance

    async def settle(
        self, measured: Measured, ended: Ending = "complete", turn: TurnEnd | None = None
    ) -> Receipt | None:
        """Charge what the call used; None if that waits on disk for the database. Never refused.

        The answer of a `turn` of the chat, and its session's figures, are written with the charge.

        An answer of which nothing came is not charged where its provider failed, nor where its caller left
        and the plan says `free-if-nothing`.
        """
        nothing = not measured.text and not measured.bytes_unread and measured.usage is None
        free = ended in ("error", "cut") or self.plan.call.on_disconnect == "free-if-nothing"
        if ended != "complete" and nothing and free:
            return await self.release(ended)
        with spans.step("measure", **{spans.OUTCOME: ended}) as span:
            usage, source = await self._usage(measured)
            charge = self._charge(usage, measured)
            span.tell(**{spans.CHARGE: charge, **spans.used(usage)})
        facts: dict[str, Any] = {} if self.cap is None else {"cap": self.cap}
        if ended != "complete":
            facts["ended"] = ended
        if ended == "disconnect":
            facts["on_disconnect"] = self.plan.call.on_disconnect
        if measured.marks:
            facts["marks"] = list(measured.marks)
        if measured.model and measured.model != self._needs.model:
            facts["answered"] = measured.model[:200]
        if turn is not None:
            facts["session"] = turn.session
        self.owed = Owed(
            account=self.reservation.account,
            reservation=self.reservation.id,
            charge=charge,
            usage=usage,
            model=self._needs.model,
            rate=self.price.rate.version,
            source=source,
            actor=self._actor,
            facts=facts,
            turn=turn,
        )
        counts, needs = self._desk.counts, self._needs
        counts.ended(needs.protocol, needs.model, ended)
        counts.used(needs.model, charge, usage, estimated=source == "estimated")
        with spans.step("settle", **{spans.RESERVATION: self.reservation.id, spans.CHARGE: charge}):
            return await self._later.settle(self.owed)

    async def release(self, note: str = "") -> Receipt:
        """End the call without a charge: nothing was produced."""
        self._desk.counts.ended(self._needs.protocol, self._needs.model, "released")
        with spans.step("settle", **{spans.RESERVATION: self.reservation.id, spans.CHARGE: 0}):
            return await settle.release(
                self._desk, self.reservation.account, self.reservation.id, actor=self._actor, note=note
            )

    async def bytes_left(self, text: str) -> int:
        """Return by how many bytes an answer, `text` so far, surely may grow and still be paid for.

        Negative for one that it cannot pay. Exact by the model's vocabulary, of which no token is shorter
        than a byte; so whoever looks again only after so many bytes looks more and more often near the end.
        """
        payer = payer_of(self.reservation.answer.path)
        endless = shortened(self._terms.asked, 0) + Usage(output=TOKENS_MAX)
        paid = within(self.price, endless, self.reservation.held + max(headroom(payer), 0)).tokens_output
        if len(text) * BYTES_MOST <= paid // 2:
            return paid - len(text) * BYTES_MOST
        return paid - await _count_text(self._needs.model, text)

    async def _usage(self, measured: Measured) -> tuple[Usage, str]:
        """Return the usage to charge, and who says so: the provider, or our own count of what came."""
        if measured.usage is not None:
            return measured.usage, "provider"
        output = await _count_text(self._needs.model, measured.text)
        output += self._unread(measured.bytes_unread, output)
        if measured.usage_input is not None:
            return measured.usage_input + Usage(output=output), "estimated"
        counted = self._terms.counted
        if counted is None:
            counted = await asyncio.to_thread(self._needs.count)
        return _input(counted) + Usage(output=output), "estimated"

    def _unread(self, size: int, output: int) -> int:
        """Return the tokens of what could not be read beside `output`: no more than the caller asked for."""
        needs, found = self._needs, -(-size // BYTES_PER_TOKEN)
        return found if needs.output is None else min(found, max(needs.output * needs.choices - output, 0))

    def _charge(self, usage: Usage, measured: Measured) -> int:
        """Return the charge: one price for all, or each model's own where several ran within the call."""
        if len(measured.parts) < 2:
            return self.price.charge(usage)
        total = 0
        for model, part in measured.parts:
            try:
                total += estimate.price(self._desk, self.plan, model).charge(part)
            except ModelRefused:
                total += self.price.charge(part)
        return total


class _Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a call was admitted by. `counted` is None where the bound on its input was good enough."""

    plan: Plan
    price: Tariff
    asked: Usage
    quoted: Quote
    counted: Counted | None
    reservation: Reservation


async def begin(
    desk: Desk, later: SettleLater, ref: str, needs: Needs, *, api_key: str = "", actor: str = ""
) -> Call:
    """Set aside what a call needs, by its payer's terms as they stand, and return it.

    Order: the terms that this process saw last are tried first; where the writer has seen others since, or
    they lead to a no, they are read again. Plans and rates change seldom, so this ends.

    Raises: as `reserve`, and ModelRefused where nobody knows what the model costs.
    """
    if needs.output is not None:
        checked_whole(needs.output, "output", 0, TOKENS_MAX)
    checked_whole(needs.choices, "choices", 1, CHOICES_MAX)
    address = await desk.address(ref)
    with spans.step("estimate", **{spans.ACCOUNT: ref, spans.MODEL: needs.model}):
        plan, room = await _seen(desk, address)
        counted = needs.count() if needs.bound <= COUNTED_AT_ONCE else None
    while True:
        version = desk.catalog.version
        try:
            price = estimate.price(desk, plan, needs.model)
            if counted is None and price.charge(Usage(input=needs.bound)) * BOUND_SHARE > room:
                counted = await asyncio.to_thread(needs.count)
            terms = await _admit(desk, ref, needs, plan, price, counted, api_key)
        except (InsufficientCredit, LimitReached, ModelRefused) as no:
            if isinstance(no, LimitReached) and str(no.facts["limit"]).startswith("requests/"):
                raise
            final = counted is not None or isinstance(no, ModelRefused)
            path = await read_path(desk, address)
            now, room = _see(desk, address, path)
            if final and (now, desk.catalog.version) == (plan, version):
                if (bar := barred(path, needs.model)) is not None:
                    await desk.told(Answer(bar, path), address)
                raise
            plan = now
            if not final:
                counted = await asyncio.to_thread(needs.count)
            continue
        now, room = _see(desk, address, terms.reservation.answer.path)
        if now == plan:
            return Call(desk, later, needs, terms, actor)
        await settle.release(desk, ref, terms.reservation.id, actor=actor, note="terms changed")
        plan = now


async def callable_models(desk: Desk, ref: str, models: Iterable[str]) -> list[str]:
    """Return those of `models` that an account may call: allowed by every plan on its way up, and priced."""
    if isinstance(models, str | bytes) or not isinstance(models, Iterable):
        raise InvalidInput("text_expected", field="models", value=type(models).__name__)
    named = [checked_text(model, "models") for model in models]
    path = await read_path(desk, await desk.address(ref))
    plans, payer = [member.plan for member in path], payer_of(path).plan
    rates, now = desk.catalog.rates, desk.now()
    return [
        model
        for model in named
        if all(plan.allows(model) for plan in plans) and tariff_of(payer, rates, model, now) is not None
    ]


async def _admit(
    desk: Desk, ref: str, needs: Needs, plan: Plan, price: Tariff, counted: Counted | None, api_key: str
) -> _Terms:
    """Set aside what a call needs under these terms."""
    output = plan.call.output if needs.output is None else needs.output
    asked = _dearest(needs, price, counted or Counted(needs.bound), output * needs.choices)
    quoted = quote(plan, price, needs.model, asked, output_least=OUTPUT_LEAST * needs.choices)
    with spans.step("reserve", **{spans.ACCOUNT: ref, spans.AMOUNT: quoted.amount}) as span:
        reservation = await reserve(
            desk,
            ref,
            quoted.amount,
            least=quoted.least,
            tokens=quoted.tokens,
            model=needs.model,
            api_key=api_key,
            lapse_charge=quoted.input_charge,
            key=None,
        )
        span.tell(**{spans.RESERVATION: reservation.id})
    return _Terms(
        plan=plan, price=price, asked=asked, quoted=quoted, counted=counted, reservation=reservation
    )


def _cap(needs: Needs, terms: _Terms) -> int | None:
    """Return the cap on one answer's output that the provider must be sent; None: as the caller has it."""
    how = terms.plan.reserve
    if not terms.quoted.amount or how.how != "worst-case" or not how.cap_output:
        return None
    paid = within(terms.price, terms.asked, terms.reservation.held).tokens_output // needs.choices
    return paid if needs.output is None or paid < needs.output else None


def _dearest(needs: Needs, price: Tariff, counted: Counted, output: int) -> Usage:
    """Return the dearest usage that a call can come to: what was counted, in the kinds that cost most."""
    tier = price.of(_input(counted))
    price_of = partial(getattr, tier)
    read, written = max(needs.reads, key=price_of), max(needs.writes, key=price_of)
    return Usage(
        **{read: counted.tokens - counted.audio, written: output},
        audio_input=counted.audio,
    )


def _reads(request: Request) -> tuple[str, ...]:
    """Return the kinds that a request's text may be charged as. OpenAI writes caches unasked."""
    if request.dialect.protocol == "openai":
        return ("input", "cache_write")
    if b'"cache_control"' not in request.body:
        return ("input",)
    return ("input", "cache_write", "cache_write_1h") if b'"1h"' in request.body else ("input", "cache_write")


def _writes(document: dict[str, Any]) -> tuple[str, ...]:
    """Return the kinds that a request's answer may be charged as."""
    modalities = document.get("modalities")
    sound = isinstance(modalities, list) and "audio" in modalities
    return ("output", "reasoning", "audio_output") if sound else ("output", "reasoning")


async def _seen(desk: Desk, address: Address) -> tuple[Plan, int]:
    """Return the payer's plan, and what it could still set aside, as this process saw them last."""
    known = desk.terms.get(address.account)
    if known is None:
        return await _read(desk, address)
    return desk.catalog.plan(known[0]), known[1]


async def _read(desk: Desk, address: Address) -> tuple[Plan, int]:
    """Return the same as it is stored."""
    return _see(desk, address, await read_path(desk, address))


def _see(desk: Desk, address: Address, path: list[Member]) -> tuple[Plan, int]:
    """Return the same of accounts that were just looked at, and remember it."""
    payer = payer_of(path)
    if len(desk.terms) >= ADDRESSES_MAX:
        desk.terms.clear()
    room = max(headroom(payer), 0)
    desk.terms[address.account] = (payer.plan.name, room)
    return desk.catalog.plan(payer.plan.name), room


def _input(counted: Counted) -> Usage:
    """Return a count of a prompt as usage."""
    return Usage(input=counted.tokens - counted.audio, audio_input=counted.audio)


async def _count_text(model: str, text: str) -> int:
    """Return how many tokens a produced text is; a long one is counted beside the loop."""
    vocabulary = tokens.vocabulary(model)
    if len(text) <= COUNTED_AT_ONCE:
        return vocabulary.count(text)
    return await asyncio.to_thread(vocabulary.count, text)

"""The desk: what every step works with, and the way of one operation through the writer and back."""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from os import urandom
from pathlib import Path
from time import time_ns
from typing import Any, Final
from unicodedata import category

import msgspec

from tokenhouse.errors import (
    AccountClosed,
    InsufficientCredit,
    InvalidInput,
    KeyReused,
    LimitReached,
    ModelRefused,
    NotFound,
    Refused,
    TokenhouseError,
)
from tokenhouse.flow.bell import Bell
from tokenhouse.flow.bus import Bus
from tokenhouse.flow.channels import Channels
from tokenhouse.flow.keyring import Keyring
from tokenhouse.flow.pace import Pace
from tokenhouse.flow.passwords import Lodge
from tokenhouse.flow.refusals import Refusals
from tokenhouse.flow.remembered import Remembered
from tokenhouse.flow.under_way import UnderWay
from tokenhouse.rules.amounts import Named, shown
from tokenhouse.rules.counts import Counts
from tokenhouse.rules.operations import Done, Mismatch, Operation, Refusal, Unknown
from tokenhouse.rules.periods import FOREVER, Instant, instant, moment
from tokenhouse.settings import Settings
from tokenhouse.store import accounts
from tokenhouse.store.accounts import Address
from tokenhouse.store.audit_log import Audited
from tokenhouse.store.batch import Answer, Ask, OrderEnd
from tokenhouse.store.catalog import Catalog
from tokenhouse.store.chat import TurnEnd
from tokenhouse.store.pool import Pool
from tokenhouse.store.writer import Writer

ADDRESSES_MAX: Final = 200_000
"""Addresses that a process remembers.

They never change, so forgetting them costs a query and nothing else.
"""

REFUSALS: Final[dict[str, type[Refused]]] = {
    "account_closed": AccountClosed,
    "model_refused": ModelRefused,
    "limit_reached": LimitReached,
    "insufficient_credit": InsufficientCredit,
}
OF_THE_VALUE: Final = ("credit_maximum", "more_than_given", "more_than_charged", "no_own_credit")
"""Refusals that are about what was asked for, and stay so until something else is asked."""
UNKNOWN: Final = {"reservation": "reservation_unknown", "charge": "charge_unknown", "grant": "grant_unknown"}
NOW: Final = {"insufficient_credit": "insufficient_credit_now"}
"""What is said of a refusal that time alone will not lift, where the unit belongs into it."""
UNTIL: Final = {"limit_reached": "limit_reached_until", "insufficient_credit": "insufficient_credit_until"}
"""What is said of a refusal that time alone will lift."""

VARIANT: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""A random hex digit -> one whose two highest bits are 10, as RFC 9562 wants it."""
UNSPEAKABLE: Final = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of what no line of text holds: controls, surrogates, ends of lines and paragraphs."""
HEX_ID: Final = re.compile(r"[0-9a-f]{32}")

kept_of_the_next: ContextVar[Callable[[Any], Audited] | None] = ContextVar("kept_of_the_next", default=None)
"""What the audit log is to keep of the next change that a task makes; told what was made, it says it."""

_encode: Final = msgspec.json.Encoder().encode


class Chance:
    """Random bytes of the operating system, fetched by the thousand: asking for ten costs as much."""

    __slots__ = ("_bytes", "_used")

    def __init__(self) -> None:
        self._bytes, self._used = "", 0

    def digits(self) -> str:
        """Return twenty random hex digits."""
        if self._used >= len(self._bytes):
            self._bytes, self._used = urandom(10_000).hex(), 0
        self._used += 20
        return self._bytes[self._used - 20 : self._used]


@dataclass(slots=True)
class Sweep:
    """The sweeps of one cell's lapsed reservations: how many have started, and whose turn it is."""

    started: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True, kw_only=True)
class Desk:
    """One process's way to the ledger. `clock` is the only clock there is."""

    settings: Settings
    pool: Pool
    writer: Writer
    catalog: Catalog
    clock: Callable[[], datetime]
    system_time: bool
    """Whether that clock is the machine's."""
    bus: Bus
    refusals: Refusals
    pace: Pace
    remembered: Remembered
    spool: Path
    """Where charges wait that this database could not take: a folder of its own for each database."""
    addresses: dict[str, Address] = field(default_factory=dict)
    terms: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Account -> its payer's plan and what that could still set aside, as last seen; only ever a guess."""
    sweeps: dict[int, Sweep] = field(default_factory=dict)
    chance: Chance = field(default_factory=Chance)
    keyring: Keyring = field(default_factory=Keyring)
    counts: Counts = field(default_factory=Counts)
    bell: Bell = field(default_factory=Bell)
    channels: Channels = field(default_factory=Channels)
    lodge: Lodge = field(default_factory=Lodge)
    under_way: UnderWay = field(default_factory=UnderWay)
    card_key: bytes | None = field(default=None, repr=False)
    """What this deployment signs card tokens with, once it was needed."""

    def now(self) -> Instant:
        """Return the house's time; the system's own is asked without a date in between."""
        return time_ns() // 1_000 if self.system_time else instant(self.clock())

    def new_id(self) -> str:
        """Return a fresh operation id: a UUIDv7 of the house's time, in hex."""
        return new_id(self.now(), self.chance.digits())

    async def address(self, ref: str) -> Address:
        """Return where an account is. Raises: InvalidInput, NotFound."""
        known = self.addresses.get(ref) if type(ref) is str else None
        if known is None:
            checked_text(ref, "account", least=1)
            async with self.pool.acquire() as connection:
                known = await accounts.find_address(connection, ref)
            if known is None:
                raise NotFound("account_unknown", account=ref)
            self.remember(known)
        return known

    def refused(self, ref: str, no: Refused) -> None:
        """Count a call that was refused; its account is one that this process knows."""
        self.counts.refusals[no.code] += 1
        self.pace.refused()
        address = self.addresses.get(ref)
        if address is not None:
            self.refusals.count(address, no.code, self.now())

    def remember(self, address: Address) -> None:
        """Keep an address."""
        if len(self.addresses) >= ADDRESSES_MAX:
            self.addresses.clear()
        self.addresses[address.ref] = address

    async def carry_out(
        self,
        address: Address,
        operation: Operation,
        *,
        key: str | None = None,
        order: OrderEnd | None = None,
        turn: TurnEnd | None = None,
    ) -> Answer:
        """Have one operation done, durably, and return its answer.

        Idempotent: under a `key`, the first answer comes again. A caller that is cancelled while it waits
        takes nothing back: the operation may have been done.

        Raises: the refusal, NotFound, KeyReused, Busy, DatabaseTrouble.
        """
        return await self.told(await self.ask(address, operation, key=key, order=order, turn=turn), address)

    async def told(self, answer: Answer, address: Address) -> Answer:
        """Return an answer that says yes. Raises: what any other means to a caller."""
        if type(answer.outcome) is not Done:
            no = await self._meant(answer, address)
            no.path = answer.path
            raise no
        return answer

    async def ask(
        self,
        address: Address,
        operation: Operation,
        *,
        key: str | None = None,
        order: OrderEnd | None = None,
        turn: TurnEnd | None = None,
    ) -> Answer:
        """Have one operation decided, and done if the rules say yes; a no is an answer as well.

        Raises: InvalidInput, Busy, DatabaseTrouble.
        """
        digest, kept = b"", kept_of_the_next.get()
        if key is not None:
            checked_text(key, "key", least=1)
            plain = msgspec.structs.replace(operation, id="")
            digest = blake2b(_encode((type(operation).__name__, plain)), digest_size=16).digest()
        ask = Ask(
            cell=address.cell,
            path=address.path,
            ref=address.ref,
            operation=operation,
            answer=self.writer.future(),
            key=key or "",
            digest=digest,
            order=order,
            turn=turn,
            kept=kept,
        )
        self.writer.submit(ask)
        answer = await ask.answer
        if kept is not None and type(answer.outcome) is Done and not answer.outcome.replayed:
            kept_of_the_next.set(None)
        self.bell.heed(address.cell, operation, answer)
        self.pace.heed(operation, answer.outcome)
        return answer

    async def _meant(self, answer: Answer, address: Address) -> TokenhouseError:
        """Return what an expected no means to a caller."""
        no = answer.outcome
        if isinstance(no, Unknown):
            return NotFound(UNKNOWN[no.what], id=no.id, account=address.ref)
        if isinstance(no, Mismatch):
            return KeyReused(id=no.id, account=address.ref, first=no.first, second=no.second)
        assert isinstance(no, Refusal)  # noqa: S101 -- the only one left
        facts = {
            name: getattr(no, name) for name in no.__struct_fields__ if name not in ("code", "resets_at")
        }
        facts["account"] = await self.ref(address, no.account)
        unit = answer.path[0].plan.unit
        if not no.limit.startswith("requests/"):
            facts["unit"] = unit.name
        if no.code in OF_THE_VALUE:
            return InvalidInput(no.code, field="amount", value=no.amount + no.short_by, **facts)
        stop = next(plan.stop for balance, plan in answer.path if balance.account == no.account)
        facts["status"], facts["stop_code"] = stop.status, stop.code
        if no.code == "insufficient_credit":
            facts["purchase_url"] = self.settings.purchase_url
            facts |= {"missing": Named(no.short_by, unit), "free": Named(no.available, unit)}
        facts["resets_at"] = None if no.resets_at >= FOREVER else moment(no.resets_at)
        reason = (NOW if facts["resets_at"] is None else UNTIL).get(no.code, no.code)
        return REFUSALS[no.code](reason, **facts)

    async def ref(self, address: Address, account: int) -> str:
        """Return the outside name of an account on an address' path."""
        if account == address.account:
            return address.ref
        async with self.pool.acquire() as connection:
            return (await accounts.list_refs(connection, address.cell, [account]))[account]


def new_id(now: Instant, chance: str) -> str:
    """Return a UUIDv7 (RFC 9562) in hex of an instant and twenty random hex digits."""
    return f"{now // 1000 & 0xFFFFFFFFFFFF:012x}7{chance[:3]}{VARIANT[chance[3]]}{chance[4:19]}"


def checked_text(value: object, field: str, *, least: int = 0, most: int = 200) -> str:
    """Return `value` if it is text of one line that the journal can hold, of `least` to `most` characters.

    Every script is welcome, with what joins and turns its letters; control characters and lone surrogates
    are not.

    Raises: InvalidInput that names the field.
    """
    if type(value) is str and least <= len(value) <= most and value.isprintable():
        return value
    if not isinstance(value, str):
        raise InvalidInput("text_expected", field=field, value=type(value).__name__)
    if not least <= len(value) <= most:
        raise InvalidInput(
            "text_length", field=field, value=value[:40], length=len(value), least=least, most=most
        )
    if not value.isprintable() and any(category(character) in UNSPEAKABLE for character in value):
        raise InvalidInput("text_unprintable", field=field, value=ascii(value[:40]))
    return value


def checked_list(value: object, field: str) -> Sequence[Any]:
    """Return `value` if it is a list or tuple, whatever it holds. Raises: InvalidInput."""
    if not isinstance(value, list | tuple):
        raise InvalidInput("list_wanted", field=field, value=shown(value))
    return value


def checked_choice(value: object, field: str, known: Sequence[str]) -> str:
    """Return `value` if it is one of those that are known. Raises: InvalidInput that names them."""
    if not isinstance(value, str) or value not in known:
        raise InvalidInput("choice_unknown", field=field, value=shown(value), known=", ".join(known))
    return value


def checked_flag(value: object, field: str) -> bool:
    """Return `value` if it is True or False. Raises: InvalidInput."""
    if not isinstance(value, bool):
        raise InvalidInput("choice_unknown", field=field, value=shown(value), known="true, false")
    return value


def checked_whole(value: object, field: str, low: int, high: int) -> int:
    """Return `value` if it is a whole number from `low` to `high`. Raises: InvalidInput."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInput("out_of_range", field=field, value=shown(value), low=low, high=high)
    return value


def checked_id(value: object, field: str) -> str:
    """Return an operation id as 32 hex digits; dashes may stand in it. Raises: InvalidInput."""
    text = checked_text(value, field, least=1, most=36).replace("-", "").lower()
    if not HEX_ID.fullmatch(text):
        raise InvalidInput("id_invalid", field=field, value=text)
    return text

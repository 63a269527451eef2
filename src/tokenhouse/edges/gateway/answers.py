"""Answers: what the gateway adds to a provider's, and what it says itself; in the language of the account."""

import asyncio
from typing import Any, Final, Literal

import msgspec

from tokenhouse.edges import problems
from tokenhouse.edges.headers import WARNED, Header, limited, standing
from tokenhouse.edges.problems import Answer
from tokenhouse.errors import InsufficientCredit, NotFound, Refused, TokenhouseError
from tokenhouse.flow.report import BalanceView
from tokenhouse.flow.wording import near_end
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.verdict import Member

LOCALE_KEPT_S: Final = 60.0
LOCALES_MAX: Final = 50_000

_encode: Final = msgspec.json.Encoder().encode


class Answers:
    """What one gateway says. It remembers for a minute which language an account speaks."""

    def __init__(self, house: Tokenhouse) -> None:
        self._house = house
        self._settings = house.desk.settings
        self._locales: dict[str, tuple[str, float]] = {}

    async def refusal(
        self, error: Exception, protocol: Literal["openai", "anthropic"], account: str
    ) -> Answer:
        """Return the answer to a call that failed; where somebody said no, also how its account stands.

        `account` is "" where nobody knows yet who calls.
        """
        clock = self._house.desk.clock
        told = problems.answer(error, protocol, await self.locale(account), now=clock())
        if not account or not isinstance(error, Refused | NotFound):
            return told
        try:
            balance = await self._house.balance(account)
        except TokenhouseError:
            return told
        return told._replace(headers=[*told.headers, *standing(balance, clock())])

    def standing(
        self, balance: BalanceView, path: list[Member], protocol: str, model: str, key: str
    ) -> list[Header]:
        """Return the headers that say where an account stands after a call."""
        now = self._house.desk.clock()
        return [
            *standing(balance, now),
            *limited(path, protocol, model=model, api_key=key, now=now),
        ]

    async def warning(self, balance: BalanceView) -> dict[str, Any] | None:
        """Return what an account near its end is told inside an answer; None for all others."""
        if balance.level not in WARNED or not self._settings.warning_in_body:
            return None
        told = {
            "level": balance.level.upper(),
            "message": near_end(balance, await self.locale(balance.account)),
            "remainingTokens": balance.remaining,
            "estimatedTurns": balance.estimated_turns,
            "purchaseUrl": self._settings.purchase_url,
        }
        return {name: fact for name, fact in told.items() if fact is not None}

    async def locale(self, account: str) -> str:
        """Return the language of an account; the deployment's where it has none, or cannot be asked now."""
        now = asyncio.get_running_loop().time()
        known = self._locales.get(account)
        if known is not None and now - known[1] < LOCALE_KEPT_S:
            return known[0]
        found: str = self._settings.locale
        if account:
            try:
                found = (await self._house.describe(account)).locale or found
            except TokenhouseError:
                return found
        if len(self._locales) >= LOCALES_MAX:
            self._locales.clear()
        self._locales[account] = found, now
        return found


def stopped(account: str) -> InsufficientCredit:
    """Return why a stream ends here."""
    return InsufficientCredit("stream_stopped", account=account)


def with_member(body: bytes, told: dict[str, Any]) -> bytes:
    """Return a JSON object with one more member, `tokenhouse`, at its end; anything else as it is."""
    end = body.rstrip()
    if not end.startswith(b"{") or not end.endswith(b"}") or len(end) < len(b'{"":0}'):
        return body
    return end[:-1] + b',"tokenhouse":' + _encode(told) + b"}"


def as_comment(told: dict[str, Any]) -> bytes:
    """Return it as a comment of an event stream, which every client passes over."""
    return b": tokenhouse " + _encode(told) + b"\n\n"

"""The demo account: in development, something to call with from the first minute on, and lines that do it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tokenhouse.errors import ModelRefused, NotFound
from tokenhouse.rules.usage import Usage

if TYPE_CHECKING:
    from pathlib import Path

    from tokenhouse.flow.report import BalanceView
    from tokenhouse.house import Tokenhouse
    from tokenhouse.settings import Settings

REF: Final = "demo"
MODEL: Final = "demo"
FILE: Final = "demo.key"
ACTOR: Final = "tokenhouse serve"
RATE: Final = {"model": "demo*", "input": "0.5", "output": "2"}
"""What a million tokens of the demo cost where a plan goes by rates, in whole units."""
GIFT_DIGITS_LEAST: Final = 5


@dataclass(frozen=True, kw_only=True)
class Demo:
    """An account to try with."""

    made: bool
    """Whether it was opened just now."""
    secret: str
    file: Path
    balance: BalanceView


async def demo(house: Tokenhouse, settings: Settings) -> Demo | None:
    """Return the demo account with a key that works; an empty house gets one. Idempotent.

    None outside of development, where nobody should find an account that they did not open, and in a house
    whose accounts are others. The key is kept in a file that only its owner reads, so that every start can
    show a call that works.
    """
    if settings.environment != "development":
        return None
    made = not await house.accounts(rows_max=1)
    if made:
        await house.account(REF, name="Demo", actor=ACTOR)
        await _endow(house)
    else:
        try:
            await house.describe(REF)
        except NotFound:
            return None
    file = settings.folder / FILE
    secret = await _secret(house, file)
    return Demo(made=made, secret=secret, file=file, balance=await house.balance(REF))


async def _endow(house: Tokenhouse) -> None:
    """See to it that the account can call the demo under whatever plan it got."""
    try:
        await house.quote(REF, MODEL, Usage(input=1))
    except ModelRefused as no:
        if no.reason == "rate_unknown":
            unit = (await house.balance(REF)).unit.name
            await house.write_rate({**RATE, "unit": unit}, actor=ACTOR)
    balance = await house.balance(REF)
    if balance.remaining <= 0:  # Its plan gives nothing by itself.
        await house.grant(REF, 10 ** max(balance.unit.decimals, GIFT_DIGITS_LEAST), actor=ACTOR)


async def _secret(house: Tokenhouse, file: Path) -> str:
    """Return the key that an earlier start has kept, if it still opens the account; else a new one, kept."""
    kept = _kept(file)
    key = await house.find_key(kept)
    if key is not None and key.account == REF and key.state(house.desk.now()) == "active":
        return kept
    made = await house.create_key(REF, name=f"{ACTOR}: {FILE}", actor=ACTOR)
    _keep(file, made.secret)
    return made.secret


def _kept(file: Path) -> str:
    """Return what a file says; nothing, if there is none."""
    try:
        return file.read_text(encoding="ascii").strip()
    except (FileNotFoundError, ValueError):
        return ""


def _keep(file: Path, secret: str) -> None:
    """Write a file that only its owner reads; another start that does so as well leaves one of the two."""
    aside = file.with_name(f"{FILE}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(secret + "\n")
    aside.replace(file)


def curl(url: str, secret: str, *, stream: bool = False) -> str:
    """Return a command line that makes one call; bash takes it as it stands."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": "안녕하세요!"}]}
    sent = json.dumps(body | ({"stream": True} if stream else {}), ensure_ascii=False)
    heads = f"-H 'authorization: Bearer {secret}' -H 'content-type: application/json'"
    how = "-sN" if stream else r"-sw '\n'"  # A document does not end its line by itself.
    return f"curl {how} {url}/v1/chat/completions {heads} -d '{sent}'"


def python(url: str, secret: str) -> str:
    """Return how a program with OpenAI's SDK begins."""
    return f'OpenAI(base_url="{url}/v1", api_key="{secret}")'

"""Ledger scripts on the real house, over a real PostgreSQL, with crashes."""

import asyncio
import hashlib
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Self

from tests.script import (
    Command,
    Facts,
    Runner,
    done,
    ends_of,
    plan_document,
    standing,
    until,
    usage_of,
    whole,
)
from tokenhouse import Tokenhouse
from tokenhouse.errors import InvalidInput, KeyReused, NotFound, Refused
from tokenhouse.flow.desk import OF_THE_VALUE
from tokenhouse.flow.fund import Price
from tokenhouse.settings import Settings


class OnHouse(Runner):
    """Scripts on the real house, over a real database. `prefix` keeps its accounts apart from others'."""

    def __init__(self, dsn: str, *, prefix: str = "", **settings: Any) -> None:
        super().__init__()
        self.dsn, self.prefix = dsn, prefix
        self.settings = Settings(**settings)
        self.ids: dict[tuple[str, str], str] = {}
        self.house: Tokenhouse | None = None
        self._opened: Any = None
        self._cut_s: float | None = None

    async def answer(self, command: Command) -> Facts:
        """Carry out one command; after a `cut`, crash in the middle of it and repeat it."""
        if self._cut_s is not None and command.verb != "cut":
            wait_s, self._cut_s = self._cut_s, None
            first = asyncio.create_task(super().answer(command))
            await asyncio.sleep(wait_s)
            await self.crash("", command)
            first.cancel()
            with suppress(BaseException):
                await first
        return await super().answer(command)

    async def __aenter__(self) -> Self:
        self._opened = Tokenhouse.open(self.dsn, settings=self.settings, clock=lambda: self.now)
        self.house = await self._opened.__aenter__()
        unit = next(iter(self.house.desk.catalog.plans.values())).unit
        named = {"name": unit.name, "symbol": unit.symbol, "decimals": unit.decimals}
        await self.house.write_plan({"name": "plain", "unit": named})
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.__aexit__(None, None, None)

    async def crash(self, _account: str, _command: Command) -> Facts:
        """Let everything fall as it stands, nothing drained, and open the house anew."""
        desk = self.house.desk
        tasks, desk.writer._tasks = desk.writer._tasks, []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(BaseException):
                await task
        desk.pool.terminate()
        await self.__aexit__()
        await self.__aenter__()
        return {}

    def cut(self, _account: str, command: Command) -> Facts:
        self._cut_s = whole(command.label) / 1_000
        return {}

    async def plan(self, _account: str, command: Command) -> Facts:
        await self.house.write_plan(plan_document(command))
        return {}

    async def account(self, account: str, command: Command) -> Facts:
        own = {"yes": True, "no": False, "": None}[command.get("own")]
        below = command.get("below")
        profile = {"plan": command.get("plan", "plain"), "time_zone": command.get("zone"), "own_credit": own}
        parent = self.prefix + below if below else None
        await self.house.account(self.prefix + account, parent=parent, **profile)
        if command.get("grant"):
            await self.house.grant(self.prefix + account, command.number("grant"))
        return {"outcome": "ok", **await self.show(account, command)}

    async def reserve(self, account: str, command: Command) -> Facts:
        made = self.house.reserve(
            self.prefix + account,
            command.amount,
            least=command.number("least", command.amount),
            tokens=command.number("tokens"),
            model=command.get("model"),
            api_key=command.get("api_key"),
            lapse_charge=command.number("lapse_charge"),
            key=command.label,
        )
        return await self._facts(account, command, made)

    async def settle(self, account: str, command: Command) -> Facts:
        usage = usage_of(command) if command.get("usage") else None
        charge = command.amount if len(command.words) > 1 else None
        ended = self.house.settle(
            self.prefix + account, self._id(account, command.label), charge, usage=usage
        )
        return await self._facts(account, command, ended)

    async def release(self, account: str, command: Command) -> Facts:
        ended = self.house.release(self.prefix + account, self._id(account, command.label))
        return await self._facts(account, command, ended)

    async def charge(self, account: str, command: Command) -> Facts:
        usage = usage_of(command) if command.get("usage") else None
        charge = command.amount if len(command.words) > 1 else None
        terms = {"model": command.get("model"), "api_key": command.get("api_key"), "key": command.label}
        charged = self.house.charge(self.prefix + account, charge, usage=usage, **terms)
        return await self._facts(account, command, charged)

    async def grant(self, account: str, command: Command) -> Facts:
        given = self.house.grant(
            self.prefix + account,
            command.amount,
            source=command.get("source", "bonus"),
            priority=command.number("priority"),
            expires_at=ends_of(command),
            key=command.label,
        )
        return await self._facts(account, command, given)

    async def claw_back(self, account: str, command: Command) -> Facts:
        grant = self._id(account, command.get("of"))
        taken = self.house.claw_back(self.prefix + account, grant, command.amount, key=command.label)
        return await self._facts(account, command, taken)

    async def refund(self, account: str, command: Command) -> Facts:
        charge = self._id(account, command.get("of"))
        given = self.house.refund(self.prefix + account, charge, command.amount, key=command.label)
        return await self._facts(account, command, given)

    async def adjust(self, account: str, command: Command) -> Facts:
        moved = self.house.adjust(self.prefix + account, command.amount, key=command.label)
        return await self._facts(account, command, moved)

    async def amend(self, account: str, command: Command) -> Facts:
        state, plan = command.get("state") or None, command.get("plan") or None
        amended = self.house.amend(self.prefix + account, state=state, plan=plan, key=command.label)
        return await self._facts(account, command, amended)

    async def order(self, account: str, command: Command) -> Facts:
        price = Price(minor=1_000, method="card", transaction_id=f"{self.prefix}{account}/{command.label}")
        order = await self.house.order(self.prefix + account, command.amount, price=price)
        repeated = self.ids.get((account, command.label)) == order.id
        self.ids[account, command.label] = order.id
        return {"outcome": "replay" if repeated else "ok", **await self.show(account, command)}

    async def complete(self, account: str, command: Command) -> Facts:
        order = self.ids[account, command.label]
        return await self._facts(account, command, self.house.complete_order(self.prefix + account, order))

    async def fail(self, account: str, command: Command) -> Facts:
        order = self.ids[account, command.label]
        return await self._facts(account, command, self.house.fail_order(self.prefix + account, order))

    async def return_order(self, account: str, command: Command) -> Facts:
        order = self.ids[account, command.label]
        return await self._facts(account, command, self.house.refund_order(self.prefix + account, order))

    async def upkeep(self, _account: str, _command: Command) -> Facts:
        return {"lapsed": (await self.house.sweep()).lapsed}

    async def show(self, account: str, _command: Command) -> Facts:
        return standing(await self.house.balance(self.prefix + account))

    def _id(self, account: str, label: str) -> str:
        """Return the id of the operation that the script calls `label`; one that is not there has one too."""
        return self.ids.get((account, label)) or hashlib.blake2b(label.encode(), digest_size=16).hexdigest()

    async def _facts(self, account: str, command: Command, work: Awaitable[Any]) -> Facts:
        """Return what came of a verb of the house, in a script's words."""
        try:
            answer = await work
        except Refused as no:
            facts = {
                "outcome": f"refused {no.code}",
                "short": no.facts["short_by"],
                "limit": no.facts["limit"],
                "until": until(no.facts["resets_at"]),
                "by": no.facts["account"].removeprefix(self.prefix),
            }
        except InvalidInput as no:
            if no.reason not in OF_THE_VALUE:
                raise
            facts = {"outcome": f"refused {no.reason}", "short": no.facts["short_by"]}
        except NotFound:
            facts = {"outcome": "unknown"}
        except KeyReused:
            facts = {"outcome": "mismatch"}
        else:
            facts = self._answered(account, command, answer)
        return await self.show(account, command) | facts

    def _answered(self, account: str, command: Command, answer: Any) -> Facts:
        """Remember the id of what was done, and return what it moved."""
        if command.verb == "reserve":
            self.ids[account, command.label] = answer.id
            outcome = "replay" if answer.replayed else "ok"
            return {"outcome": outcome, "amount": answer.held, "uncovered": 0, "written_off": 0, "late": "no"}
        if not hasattr(answer, "replayed"):
            return {"outcome": "ok"}
        if command.verb in {"charge", "grant"}:
            self.ids[account, command.label] = answer.id
        return done(answer)

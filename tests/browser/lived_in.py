"""A house that is lived in: three weeks of a small company's calls, money, notices and changes, by a seed.

Every screen has something to show in it: this is where each is looked at, and where its picture is taken.
"""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.browser.site import Person, Site
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Callback, Payments

SETTINGS: dict[str, Any] = {
    "plan": "chat-tokens",
    "payments": Payments(
        callback=Callback(
            secret="whsec_" + "qL3pBv9TzX8mW2kRr7Jd0sYhFnUe5aGc",
            checkout_url="https://shop.test/pay?order={order}",
        ),
        seller="Hanbit Studio",
    ),
}
DAYS = 21
TEAM = ("minjun", "seoyeon", "dohyun", "haeun", "jiwoo")
PEOPLE = ("bora", "carol", "daniel", "eunji", "farid", "gabriel")
MODELS = ("demo-small", "demo-large")
PACKAGES = {
    "small": {
        "title": {"en": "Small", "ko": "스몰"},
        "credit": "20000",
        "prices": {"KRW": 4_900, "USD": 399},
    },
    "large": {
        "title": {"en": "Large", "ko": "라지"},
        "credit": "100000",
        "prices": {"KRW": 19_800, "USD": 1_499},
    },
}


@dataclass(frozen=True, kw_only=True)
class LivedIn:
    """Who lives there, and what can be looked at by its id."""

    owner: Person
    """Who may see everything, and has an account of their own."""
    order: str
    """An order of the owner that was paid."""
    session: str
    """A conversation of the owner."""


async def live_in(site: Site) -> LivedIn:
    """Live in a new house until today."""
    service, house = site.service, site.house
    site.clock.move(days=-DAYS)
    owner = await site.person("jisu@hanbit.example", "owner", "jisu", name="한지수")
    await site.person("auditor@hanbit.example", "auditor", name="Marta Kowalska")
    for name in PEOPLE:
        await house.account(name)
    await operated(service, "POST", "/accounts", ref="hanbit", kind="company", name="Hanbit Studio")
    for name in TEAM:
        await operated(service, "POST", "/accounts", ref=name, parent="hanbit", name=name.title())
    await operated(service, "POST", "/accounts/hanbit/grants", amount="2000000", reason="Contract of 2026")
    for name, document in PACKAGES.items():
        await operated(service, "PUT", f"/packages/{name}", **document)
    await called(site, Random(7))
    order = await bought(site)
    session = await talked(site)
    await looked_after(site)
    return LivedIn(owner=owner, order=order, session=session)


async def operated(service: Any, method: str, path: str, **body: Any) -> Any:
    """Do something as an operator's program."""
    return await service.ok(method, f"/api/v1{path}", who="operator", json=body)


async def called(site: Site, chance: Random) -> None:
    """Let everybody call a model on every day, some more than others."""
    busy = {name: chance.randint(300, 2_600) for name in ("jisu", *TEAM, *PEOPLE)} | {
        "bora": 5_100,
        "carol": 4_650,
    }
    for _ in range(DAYS):
        for _ in range(2):
            calls = []
            for name, tokens in busy.items():
                spoken = int(tokens * chance.uniform(0.3, 1.4))
                usage = Usage(input=spoken * 2 // 3, output=spoken - spoken * 2 // 3)
                calls.append(site.house.charge(name, usage=usage, model=chance.choice(MODELS)))
            await asyncio.gather(
                *calls, return_exceptions=True
            )  # Some are refused in the end, as it should be.
            site.clock.move(hours=12)


async def bought(site: Site) -> str:
    """Let orders be paid, refused, given back and forgotten; return one of the owner that was paid."""
    service = site.service
    by_hand = {"package": "large", "currency": "KRW", "provider": "manual"}
    orders = {}
    for name, who in (("paid", "jisu"), ("back", "jisu"), ("failed", "carol"), ("open", "bora")):
        answer = await service.ok("POST", "/api/v1/accounts/me/orders", who=who, json=by_hand)
        orders[name] = answer["order"]["id"]
        site.clock.move(minutes=7)
    for name in ("paid", "back"):
        await operated(service, "POST", f"/orders/{orders[name]}/complete", reason="Seen on the account")
    await operated(service, "POST", f"/orders/{orders['back']}/refund", reason="Bought twice")
    await operated(service, "POST", f"/orders/{orders['failed']}/fail", reason="Never paid")
    await operated(service, "POST", "/coupons", code="WELCOME-2026", credit="10000", note="For newcomers")
    await operated(service, "POST", "/coupons", code="SPRING-SALE", discount="0.15", uses_max=100)
    await service.ok("POST", "/api/v1/accounts/me/coupons", who="daniel", json={"code": "WELCOME-2026"})
    return str(orders["paid"])


async def talked(site: Site) -> str:
    """Let the owner talk to the demo, make keys, and return the conversation."""
    site.service.app._gateway._upstreams.demo._first_s = 0
    site.service.app._gateway._upstreams.demo._chunk_s = 0
    for name in ("laptop", "nightly report"):
        await site.service.ok("POST", "/api/v1/accounts/me/keys", who="jisu", json={"name": name})
    made = await site.service.ok("POST", "/api/v1/chat/sessions", who="jisu", json={"title": "안녕하세요"})
    for said in ("안녕하세요!", "What is a token?"):
        body = {"message": said}
        await site.service.ok("POST", f"/api/v1/chat/sessions/{made['id']}/messages", who="jisu", json=body)
        site.clock.move(seconds=40)
    return str(made["id"])


async def looked_after(site: Site) -> None:
    """Let the jobs run and an operator do what operators do."""
    service = site.service
    await operated(
        service, "POST", "/accounts/eunji/adjustments", amount="-500", reason="Charged twice by hand"
    )
    await operated(service, "PATCH", "/accounts/farid", state="suspended", reason="Asked for it")
    hook = {"channel": "webhook", "url": "https://hooks.hanbit.example/tokens", "name": "Operations"}
    await operated(service, "POST", "/endpoints", **hook, reason="Told to the team")
    for job in (await service.ok("GET", "/api/v1/jobs", who="operator"))["items"]:
        if job["name"] in ("lapse", "orders", "subscriptions", "retention"):
            await operated(service, "POST", f"/jobs/{job['name']}/run")
    await site.house.fold()
    await site.house.notify()
    await operated(service, "POST", "/verifications", reason="Monthly check")
    await site.service.ok(
        "POST", "/api/v1/simulations", who="operator", json={"source": "history", "plans": ["points"]}
    )
    people = b"id,name,email,used,bought\n901,Noa,noa@example.com,120,0\n902,Omar,omar@example.com,x,0\n"
    await service.ok("POST", "/api/v1/imports", who="operator", content=people, params={"name": "people.csv"})

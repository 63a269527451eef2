"""Packages: what a deployment sells."""

from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Path, Query
from pydantic import Field

from tokenhouse.edges.api.caller import RANK, House, Operator, User
from tokenhouse.edges.api.money import Money, money_of
from tokenhouse.edges.api.shapes import Amount, Digits, Shape, amount, parsed, unit_of
from tokenhouse.flow import audited
from tokenhouse.flow.audit_trail import at_once
from tokenhouse.flow.buying import ONLY_KRW, RENEWS
from tokenhouse.flow.terms import title_of
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.shop import CURRENCIES, Currency, Provider, Renewal
from tokenhouse.rules.shop import Package as Stored

router = APIRouter(prefix="/api/v1/packages", tags=["packages"])

Plan = Annotated[str, Field(min_length=1, max_length=63)]
Titles = Annotated[
    dict[Literal["en", "ko"], Annotated[str, Field(min_length=1, max_length=120)]],
    Field(examples=[{"en": "Large", "ko": "라지"}], description="Language -> what people call it."),
]


class Package(Shape):
    """Something that can be bought; with a `plan`, a subscription to it."""

    name: str
    version: int
    title: dict[str, str]
    credit: Annotated[Amount, Field(description="Credit that is paid for.")]
    bonus: Annotated[Amount, Field(description="Credit that comes on top.")]
    credit_days: Annotated[int, Field(description="For how many days its credit lives; 0 is for ever.")]
    prices: list[Money]
    plans: Annotated[list[str], Field(description="Plans whose accounts may buy it; none means any.")]
    plan: Annotated[str, Field(description="The plan that a subscription brings.")]
    plan_title: Annotated[str, Field(description="What people call that plan.")]
    every: Annotated[Renewal, Field(description="How often a subscription is paid for.")]
    active: bool


class PaidOver(Shape):
    """A way to pay, and what can be paid so."""

    provider: Provider
    currencies: list[Currency]
    subscriptions: bool
    page: Annotated[bool, Field(description="Whether it is paid on a page of its own: `checkout.url`.")]


class Packages(Shape):
    """What is sold, and how it can be paid."""

    items: list[Package]
    paid_over: list[PaidOver]
    purchase_url: Annotated[str | None, Field(description="Where else this deployment sells.")]


class NewPackage(Shape):
    """A package, or a newer version of one: orders under way keep theirs."""

    title: Titles = Field(default_factory=dict)
    credit: Annotated[Digits | None, Field(description="Credit that is paid for.", examples=["100000"])] = (
        None
    )
    bonus: Annotated[
        str, Field(max_length=20, examples=["0.10"], description="Share of it that comes on top.")
    ] = "0"
    credit_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    prices: Annotated[
        dict[Currency, Annotated[int, Field(ge=1, le=10**12)]],
        Field(min_length=1, examples=[{"KRW": 9900}], description="Currency -> price in minor units."),
    ]
    plans: Annotated[tuple[Plan, ...], Field(max_length=100)] = ()
    plan: Annotated[str, Field(max_length=63)] = ""
    every: Renewal = "month"
    active: bool = True


@router.get("")
async def list_packages(
    caller: User,
    house: House,
    every_one: Annotated[
        bool, Query(alias="all", description="With those that are not sold now; for auditors and above.")
    ] = False,
) -> Packages:
    """List what can be bought, the smallest first."""
    with_all = every_one and RANK[caller.role] >= RANK["auditor"]
    found = sorted(await house.packages(), key=lambda one: (one.credit, one.name))
    payments = house.desk.settings.payments
    own_page = payments.callback is not None and payments.callback.checkout_url != ""
    ways = [
        PaidOver(
            provider=name,  # type: ignore[arg-type]  # The settings know these alone.
            currencies=["KRW"] if name == ONLY_KRW else list(get_args(Currency)),
            subscriptions=name in RENEWS,
            page=name == "stripe" or (name == "callback" and own_page),
        )
        for name in payments.providers
    ]
    url = house.desk.settings.purchase_url
    return Packages(
        items=[shown(one, house) for one in found if with_all or one.active], paid_over=ways, purchase_url=url
    )


@router.put("/{name}")
async def write_package(
    name: Annotated[str, Path(max_length=63, pattern=r"^[a-z0-9][a-z0-9._-]*$", examples=["large"])],
    asked: NewPackage,
    caller: Operator,
    house: House,
) -> Package:
    """Add a package, or a newer version of one. Written as it is, nothing changes."""
    before = next((one for one in await house.packages() if one.name == name), None)
    document = {
        **asked.model_dump(exclude={"credit"}),
        "name": name,
        "credit": parsed(asked.credit, house, "credit") if asked.credit is not None else 0,
    }
    async with at_once(house.desk):
        written = await house.write_package(document, actor=caller.actor)
        if before is None or before.version != written.version:
            unit = unit_of(house)
            was, now = before and audited.package(before, unit), audited.package(written, unit)
            await caller.record(house, "package.write", name, before=was, after=now)
    return shown(written, house)


def shown(one: Stored, house: Tokenhouse) -> Package:
    """Return a package as the API says it."""
    unit = unit_of(house)
    return Package(
        name=one.name,
        version=one.version,
        title=one.title,
        credit=amount(one.credit, unit),
        bonus=amount(one.bonus_credit, unit),
        credit_days=one.credit_days,
        prices=[money_of(one.price(name), name) for name in CURRENCIES if name in one.prices],
        plans=list(one.plans),
        plan=one.plan,
        plan_title=title_of(house.desk, one.plan),
        every=one.every,
        active=one.active,
    )

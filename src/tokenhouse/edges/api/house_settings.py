"""Settings: what this server runs with and how it stands: each setting, what `doctor` finds, the providers.

No secret is ever in an answer: of one it is told whether it is set.
"""

import time
from datetime import datetime
from importlib.metadata import version
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field

from tokenhouse import messages
from tokenhouse.edges.api.caller import Auditor, House, Operator
from tokenhouse.edges.api.shapes import Shape, amount, unit_of
from tokenhouse.edges.routes import DEMO
from tokenhouse.edges.upstream import Upstreams
from tokenhouse.errors import NotFound
from tokenhouse.flow import examine
from tokenhouse.flow.examine import Finding
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import without_userinfo
from tokenhouse.settings.described import Origin, in_force, meanings

router = APIRouter(prefix="/api/v1", tags=["service"])


class Setting(Shape):
    """A setting in force."""

    name: Annotated[str, Field(examples=["lanes", "upstream.openai.key"])]
    value: Annotated[Any, Field(description="Null where it is not set, and of every secret.")]
    is_set: bool
    is_secret: bool
    origin: Annotated[
        Origin,
        Field(description="`program`: given when it was started, or changed in the file since then."),
    ]
    meaning: Annotated[str, Field(description="In the caller's language.")]


class Examined(Shape):
    """What was found out about one subject, as `tokenhouse doctor` says it."""

    subject: str
    title: str
    verdict: examine.Verdict
    said: str
    remedy: Annotated[str, Field(description='What to do about it; "" where nothing is to be done.')]


class FailureCount(Shape):
    """How often a provider failed in one way."""

    reason: Annotated[str, Field(examples=["429", "upstream_timeout"])]
    calls: int


class Provider(Shape):
    """A provider, and how it did since this process started."""

    name: str
    protocol: str
    place: Annotated[str, Field(description="Without what opens it.")]
    models: list[str]
    answered: int
    failed: int
    failures: list[FailureCount]


class HouseSettings(Shape):
    """What this server runs with, and how it stands."""

    version: str
    address: Annotated[str, Field(description="Where people reach it.")]
    workers: int
    unit: str
    settings: list[Setting]
    examined: list[Examined]
    providers: list[Provider]


class ProviderAnswer(Shape):
    """A provider answered when it was asked for its models."""

    name: str
    models: int
    took_ms: int


def upstreams_of(request: Request) -> Upstreams:
    """Return the providers behind this process."""
    found: Upstreams = request.app.state.upstreams
    return found


Providers = Annotated[Upstreams, Depends(upstreams_of)]


@router.get("/settings")
async def show_house_settings(caller: Auditor, house: House, upstreams: Providers) -> HouseSettings:
    """Return what this server runs with and how it stands. For auditors; secrets are in no answer."""
    chosen, said = house.desk.settings, meanings(caller.locale)
    found = [one for one in await house.examine() if one.subject != "settings"]
    return HouseSettings(
        version=version("tokenhouse"),
        address=without_userinfo(chosen.place),
        workers=chosen.workers,
        unit=amount(0, unit_of(house)).unit,
        settings=[
            Setting(
                name=one.place,
                value=one.value,
                is_set=one.is_set,
                is_secret=one.is_secret,
                origin=one.origin,
                meaning=said[one.kind],
            )
            for one in in_force(chosen)
        ],
        examined=[_examined(one, caller.locale, house) for one in found],
        providers=_providers(upstreams, house),
    )


@router.post("/providers/{name}/check")
async def check_provider(
    name: Annotated[str, Path(max_length=63, examples=["demo"])],
    caller: Operator,
    house: House,
    upstreams: Providers,
) -> ProviderAnswer:
    """Ask a provider for its models, and say whether it answered. It charges nothing."""
    if name not in [one.name for one in _providers(upstreams, house)]:
        raise NotFound("upstream_unknown", name=name)
    await caller.record(house, "provider.check", name)  # First: it may be asked, and nobody hear the answer.
    began = time.perf_counter()
    models = await upstreams.list_models(name)
    took_ms = round((time.perf_counter() - began) * 1_000)
    return ProviderAnswer(name=name, models=len(models), took_ms=took_ms)


def _providers(upstreams: Upstreams, house: Tokenhouse) -> list[Provider]:
    """Return the providers in the order of the settings, the demo last."""
    known = [
        (one.name, one.protocol, without_userinfo(one.url), list(one.models))
        for one in house.desk.settings.upstream
    ]
    if upstreams.demo is not None:
        patterns = [pattern for pattern, route in upstreams.routes.patterns if route.upstream == DEMO]
        known.append((DEMO, "openai", "", patterns))
    return [
        Provider(
            name=name,
            protocol=protocol,
            place=place,
            models=models,
            answered=sum(upstreams.took[name].numbers) if name in upstreams.took else 0,
            failed=sum(calls for (of, _), calls in upstreams.failed.items() if of == name),
            failures=[
                FailureCount(reason=reason, calls=calls)
                for (of, reason), calls in upstreams.failed.most_common()
                if of == name
            ],
        )
        for name, protocol, place, models in known
    ]


def _examined(found: Finding, locale: str, house: Tokenhouse) -> Examined:
    """Return a finding in the caller's language."""
    zone = ZoneInfo(house.desk.settings.time_zone)

    def cell(value: object) -> str:
        if isinstance(value, bool):
            return messages.say("cli.yes" if value else "cli.no", locale)
        if isinstance(value, int):
            return f"{value:,}"
        if isinstance(value, datetime):
            return value.astimezone(zone).isoformat(" ", "seconds")
        return "-" if value in (None, "") else str(value)

    return Examined(
        subject=found.subject,
        title=messages.say(f"doctor.{found.subject}", locale),
        verdict=found.verdict,
        said=examine.said(found, locale, cell),
        remedy=examine.remedy(found, locale),
    )

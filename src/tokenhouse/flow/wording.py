"""Wording: what a notice says to a person, in their language and their time zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from tokenhouse import messages
from tokenhouse.errors import InvalidInput
from tokenhouse.flow.report import BalanceView
from tokenhouse.rules import amounts
from tokenhouse.rules.amounts import Unit
from tokenhouse.rules.notices import Kind, percents
from tokenhouse.rules.periods import moment, zone_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom a notice is worded: language, time zone, and where more can be bought."""

    locale: str
    zone: str
    purchase_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A notice as a person reads it. `link` is the page where more can be bought, if that helps."""

    title: str
    text: str
    link: str | None


def worded(kind: Kind, level: str, percent: int, facts: Mapping[str, Any], reader: Reader) -> Words:
    """Return what a notice says: what was used and what is left, both, and when and how there is more."""
    unit = Unit(*facts["unit"])
    locale, figures = reader.locale, ("amount", "remaining", "used")
    told: dict[str, Any] = {
        name: amounts.named(facts[name], unit, locale) for name in figures if name in facts
    }
    if kind == "level":
        used, left = percents(percent)
        told |= {"used": used, "left": left}
        sentences = [messages.say(f"notice.level_{_stage(level, facts['remaining'])}", locale, **told)]
        if facts.get("resets_at") is not None:
            sentences.append(messages.say("notice.resets", locale, at=shown_at(facts["resets_at"], reader)))
    else:
        if "expires_at" in facts:
            told["at"] = shown_at(facts["expires_at"], reader)
        sentences = [messages.say(f"notice.{kind}", locale, **told)]
    link = reader.purchase_url if kind == "level" else None
    if link:
        sentences.append(messages.say("purchase.at", locale, purchase_url=link))
    return Words(
        title=messages.say(f"notice.{kind}_title", locale, **told), text=" ".join(sentences), link=link
    )


def near_end(view: BalanceView, locale: str) -> str:
    """Return what an account with little left is told inside an answer: what was used, and what is left."""
    return messages.say(
        f"near_end.{_stage(view.level, view.remaining)}",
        locale,
        used=f"{view.used_percent:g}",
        left=f"{max(100 - view.used_percent, 0):g}",
        remaining=amounts.named(view.remaining, view.unit, locale),
    )


def _stage(level: str, remaining: int) -> str:
    """Return what the sentences of a level go by: where calls are let through past the end, none is left."""
    return "over" if level == "critical" and remaining <= 0 else level


def shown_at(at: int, reader: Reader) -> str:
    """Return an instant as the reader's clock shows it, with the name of the zone."""
    zone = known_zone(reader.zone)
    local = moment(at).astimezone(zone)
    facts = {"year": local.year, "month": local.month, "day": local.day, "time": f"{local:%H:%M}"}
    return messages.say("notice.time", reader.locale, zone=zone.key, **facts)


def known_zone(name: str) -> ZoneInfo:
    """Return the zone of a name that some import may have brought; UTC where no clock knows it."""
    try:
        return zone_of(name or "UTC")
    except InvalidInput:
        return ZoneInfo("UTC")

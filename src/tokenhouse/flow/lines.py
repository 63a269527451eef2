"""Lines: one line of an import, checked, and as it waits to become an account or a chat session."""

from datetime import datetime
from typing import Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.flow import points
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.flow.identify import checked_profile
from tokenhouse.flow.points import Move
from tokenhouse.flow.tables import Row, invalid_line
from tokenhouse.rules.amounts import shown
from tokenhouse.rules.periods import zone_of
from tokenhouse.store.importing import Waiting

PAST: Final = ("used", "bought", "turns")
PROFILE: Final = (
    "ref",
    "kind",
    "parent",
    "plan",
    "own_credit",
    "name",
    "email",
    "locale",
    "time_zone",
    "tags",
    "created_at",
)
USERS: Final = (*PROFILE, *PAST)
SESSIONS: Final = ("ref", "session", "title", "tokens", "turns", "created_at")
COUNT_MAX: Final = 10**15
YES_NO: Final = {
    "true": True, "t": True, "yes": True, "1": True, "false": False, "f": False, "no": False, "0": False,
}  # fmt: skip

_encode: Final = msgspec.json.Encoder().encode


def user(desk: Desk, file: str, row: Row) -> Waiting:
    """Return one line of users, checked. Raises: InvalidInput that names line and column."""
    values = row.values
    try:
        _known_plan(desk, values.get("plan", ""))
        parent = checked_text(values.get("parent", ""), "parent")
        own = _yes_no(values.get("own_credit", ""), default=not parent)
        plan = values.get("plan") or None
        profile = checked_profile(
            ref=values["ref"],
            kind=values.get("kind") or "user",
            plan=plan,
            own_credit=own or bool(parent),
            tags=_tags(values.get("tags", "")),
            name=values.get("name", ""),
            email=values.get("email", ""),
            locale=values.get("locale", ""),
            time_zone=values.get("time_zone", ""),
        )
        created_at = _when(desk, values.get("created_at", ""))
        document = {
            "kind": profile.kind, "plan": plan, "own_credit": own, "name": profile.name,
            "email": profile.email, "locale": profile.locale, "time_zone": profile.time_zone,
            "tags": profile.tags or None, "created_at": created_at,
        }  # fmt: skip
        moves = _past(values)
        if moves and parent:
            raise InvalidInput("import_past_below", field="used", value="")
        tells = moves is not None and not parent
    except InvalidInput as problem:
        raise invalid_line(file, row.line, _column(problem), problem) from None
    return Waiting(
        row.line, profile.ref, parent, _encode(document).decode(), _encode(moves).decode() if tells else None
    )


def _known_plan(desk: Desk, name: str) -> None:
    """Raise where no plan has this name."""
    if name and name not in desk.catalog.plans:
        known = ", ".join(desk.catalog.plans)
        raise InvalidInput("choice_unknown", field="plan", value=shown(name), known=known)


def _past(values: dict[str, str]) -> list[Move] | None:
    """Return what the columns used, bought and turns tell; None where there are none or all are empty."""
    if not any(values.get(name) for name in PAST):
        return None
    used, bought, turns = (whole(values.get(name, ""), name) for name in PAST)
    moves = [Move(kind="purchase", amount=bought)] if bought else []
    return [*moves, Move(kind="charge", amount=used, turns=turns)] if used or turns else moves


def session(desk: Desk, file: str, row: Row) -> Waiting:
    """Return one line of chat sessions, checked. Raises: InvalidInput that names line and column."""
    values = row.values
    try:
        account = checked_text(values["ref"], "ref", least=1)
        session = checked_text(values["session"], "session", least=1)
        document = {
            "title": checked_text(values.get("title", ""), "title"),
            "tokens": whole(values.get("tokens", ""), "tokens"),
            "turns": whole(values.get("turns", ""), "turns"),
            "created_at": _when(desk, values.get("created_at", "")),
        }
    except InvalidInput as problem:
        raise invalid_line(file, row.line, _column(problem), problem) from None
    return Waiting(row.line, session, account, _encode(document).decode())


def pointed(file: str, plan: str, person: points.Person) -> Waiting:
    """Return one person of a `points.json` as a line of users."""
    try:
        profile = checked_profile(ref=person.ref, email=person.email, tags=person.tags)
    except InvalidInput as problem:
        raise invalid_line(file, person.line, _column(problem), problem) from None
    document = {
        "kind": "user", "plan": plan, "own_credit": True, "name": "", "email": profile.email, "locale": "",
        "time_zone": "", "tags": profile.tags, "created_at": person.created_at,
    }  # fmt: skip
    return Waiting(person.line, profile.ref, "", _encode(document).decode(), _encode(person.moves).decode())


def whole(text: str, field: str) -> int:
    """Return a count of its digits, with or without commas; nothing is 0. Raises: InvalidInput."""
    bare = text.replace(",", "")
    if not bare:
        return 0
    if not (bare.isascii() and bare.isdigit() and len(bare) <= 16 and int(bare) <= COUNT_MAX):
        raise InvalidInput("import_count", field=field, value=shown(text), most=COUNT_MAX)
    return int(bare)


def _yes_no(text: str, *, default: bool) -> bool:
    """Return a yes or no as tables write it."""
    if not text:
        return default
    if text.lower() not in YES_NO:
        raise InvalidInput("choice_unknown", field="own_credit", value=shown(text), known="true, false")
    return YES_NO[text.lower()]


def _tags(text: str) -> dict[str, str] | None:
    """Return tags of their JSON."""
    try:
        return msgspec.json.decode(text, type=dict[str, str]) if text else None
    except msgspec.DecodeError:
        raise InvalidInput("table_wanted", field="tags", value=shown(text)) from None


def _when(desk: Desk, text: str) -> datetime:
    """Return a moment of its ISO 8601 text: in our zone without an offset, now without a text."""
    if not text:
        return desk.clock()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("instant_unreadable", field="created_at", value=shown(text)) from None
    return found if found.tzinfo else found.replace(tzinfo=zone_of(desk.settings.time_zone))


def _column(problem: InvalidInput) -> str:
    """Return the column that an error is about."""
    field = str(problem.facts.get("field", ""))
    return {"account": "ref"}.get(field, field)

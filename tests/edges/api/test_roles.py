"""Who may call what: every route there is, against every role there is.

    python -m tests.edges.api.test_roles      writes roles.txt anew: read the difference before you commit it

`roles.txt` is complete by construction: it lists what the application itself says of its routes, and a route
that nobody thought of fails the first test. The second one calls each of them as everybody.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from fastapi.routing import iter_route_contexts

from tests.edges.api.conftest import Service
from tokenhouse.edges import api
from tokenhouse.edges.api.caller import RANK, _As
from tokenhouse.edges.api.thin import Thin

TABLE: Final = Path(__file__).parent / "roles.txt"
ANYBODY: Final = "anybody"
"""The least role of routes that ask nobody who calls."""
PARAMETER: Final = re.compile(r"\{(\w+)(?::\w+)?\}")
OWNED: Final = ("ref", "account", "user", "user_id", "userId")
"""What names an account in a path, a query or a body."""
BODIES: Final[dict[str, dict[str, Any]]] = {
    "/api/v1/quotes": {"model": "demo", "usage": {"input": 1}},
    "/api/v1/accounts/{ref}/coupons": {"code": "SPRING-2026"},
    "/api/v1/accounts/{ref}/orders": {"package": "large", "currency": "KRW", "provider": "manual"},
    "/api/v1/accounts/{ref}/orders/{order}/confirm": {"payment_key": "tgen_2026", "amount": 0},
}
"""Bodies that hold what a route needs before it looks at whose account is meant."""
ONES_OWN: Final = ("/api/chat", "/api/v1/chat/")
"""Where nobody acts for somebody else: whoever calls has an account, or is told that it needs one."""
READS: Final = ("/api/v1/quotes",)
"""What changes nothing, though it is no GET."""
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
CALLERS: Final = ("nobody", "bob", "alice", "auditor", "operator", "owner")


class Place(NamedTuple):
    """A route: its method and path, the least role that may call it, and what of it names an account."""

    method: str
    path: str
    role: str
    owned: tuple[str, ...]

    def __str__(self) -> str:
        own = " own" if self.owned and self.role == "user" else ""
        return f"{self.method:<7}{self.path:<66}{self.role}{own}"

    def filled(self, account: str) -> str:
        """Return the path with an account's name where one belongs, and ids of nothing elsewhere."""
        ids = {"seq": "1", "ref": account, **dict.fromkeys(OWNED, account)}
        return PARAMETER.sub(lambda found: ids.get(found[1], "0" * 32), self.path)

    @property
    def reads(self) -> bool:
        """Whether a call of it changes nothing."""
        return self.method == "GET" or self.path in READS


def places() -> list[Place]:
    """Return every route of the application, in the order of their paths."""
    found = []
    for context in iter_route_contexts(api.assembled().routes):
        route: Any = context.original_route
        named = (*PARAMETER.findall(context.path or ""), *_inputs(route))
        owned = tuple(dict.fromkeys(name for name in named if name in OWNED))
        methods = set(context.methods or ()) & set(METHODS)
        found += [Place(method, context.path or "", _least(route), owned) for method in methods]
    return sorted(found, key=lambda place: (place.path, METHODS.index(place.method)))


def _least(route: Any) -> str:
    """Return the least role that a route asks for, by what it depends on."""
    if isinstance(route, Thin):
        return route._admit.role
    asked = [needed.role for needed in _dependencies(getattr(route, "dependant", None))]
    return max(asked, key=lambda role: RANK[role], default=ANYBODY)


def _dependencies(dependant: Any) -> Iterator[_As]:
    """Yield every role that a route depends on, however deep."""
    for below in dependant.dependencies if dependant is not None else ():
        if isinstance(below.call, _As):
            yield below.call
        yield from _dependencies(below)


def _inputs(route: Any) -> Iterator[str]:
    """Yield the names of what a route takes beside its path."""
    dependant = getattr(route, "dependant", None)
    for parameter in dependant.query_params if dependant is not None else ():
        yield parameter.alias
    body = getattr(route, "body_field", None)
    yield from getattr(getattr(body, "field_info", None), "annotation", None).model_fields if body else ()


def table() -> str:
    """Return the table as it is written."""
    return "".join(f"{place}\n" for place in places())


def test_every_route_is_in_the_table_with_the_role_that_it_asks_for():
    assert table() == TABLE.read_text(encoding="utf-8"), "run `python -m tests.edges.api.test_roles`"


def test_what_asks_nobody_who_calls_is_known_by_name():
    asked = {place.path for place in places() if place.role == ANYBODY}
    assert asked == {
        "/api/docs",
        "/api/docs/start.js",
        "/api/docs/{name}",
        "/api/openapi.json",
        "/api/v1/health",
        "/api/v1/ready",
        "/api/v1/version",
        "/api/v1/session",
        "/api/v1/session/link",
        "/api/v1/session/owner",
        "/api/v1/card",
        "/api/v1/payments/callback",
        "/api/v1/payments/stripe",
        "/api/v1/payments/toss",
        "/api/v1/user-quota/payment-callback",
    }


@pytest.mark.row("C10", "D9", "B5")
async def test_every_route_lets_in_whom_it_may_and_nobody_else(service: Service):
    wrong = []
    for place in places():
        for who in CALLERS:
            answer = await _asked(service, place, who)
            problem = _wrong(place, who, answer.status_code)
            if problem:
                wrong.append(f"{place.method} {place.path} as {who}: {problem}: {answer.text[:160]}")
    assert "\n".join(wrong) == ""


async def _asked(service: Service, place: Place, who: str) -> Any:
    """Call a route about alice's account."""
    named = {name: "alice" for name in place.owned if f"{{{name}" not in place.path}
    body = {"json": named | BODIES.get(place.path, {})} if place.method != "GET" else {}
    return await service.call(
        place.method,
        place.filled("alice"),
        who=None if who == "nobody" else who,
        params=named if place.method == "GET" else None,
        **body,
    )


def _wrong(place: Place, who: str, status: int) -> str:
    """Return what is wrong with an answer; "" for nothing."""
    if status >= 500:
        return f"{status}"
    if place.role == ANYBODY:
        return ""
    if who == "nobody":
        return "" if status == 401 else f"{status}, not 401"
    if not _may(place, who):
        return "" if status == 403 else f"{status}, not 403"
    return f"{status}, not let in" if status in (401, 403) else ""


def _may(place: Place, who: str) -> bool:
    """Return whether somebody may call a route about alice's account."""
    if who == "bob":
        return place.role == "user" and not place.owned
    if who == "alice":
        return place.role == "user"
    if place.path.startswith(ONES_OWN):
        return False
    if place.owned and place.role == "user" and not place.reads:
        return RANK[who] >= RANK["operator"]
    return RANK[who] >= RANK[place.role]


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
    print(f"wrote {TABLE.name}: {len(places())} routes")

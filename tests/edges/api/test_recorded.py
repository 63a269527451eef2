"""What an operator changes and its record in the audit log are one: neither is there without the other.

Every route that changes something for others is called with a log that takes nothing, and all that the
database holds is what it was; then with one that does, and there is a record; and once more where that
changes nothing, and there is no other one. A route that nobody thought of fails the first test.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import pytest

from tests.edges.api import test_roles
from tests.edges.api.conftest import Service
from tests.edges.api.paying import LARGE
from tokenhouse.store.pool import Connection, connect

V1: Final = "/api/v1"
WHY: Final = {"reason": "because"}
MONTHLY: Final = {"plan": "small", "every": "month", "prices": {"KRW": 5_000}}
ABSURD: Final = [{"model": "oops", "per": 1, "input": "996000", "output": "1"}]

MUTE: Final = """
create function tokenhouse.mute() returns trigger language plpgsql as $$ begin raise 'mute'; end $$;
create trigger mute before insert on tokenhouse.audit_log for each row execute function tokenhouse.mute();
"""
"""How a log is made that takes nothing."""
LOUD: Final = "drop trigger mute on tokenhouse.audit_log; drop function tokenhouse.mute()"
TABLES: Final = """
select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'tokenhouse' and c.relkind in ('r', 'p') and not c.relispartition
  and c.relname <> 'audit_log'
order by c.relname
"""
"""All that there is, but for the log itself."""

Asked = tuple[str, dict[str, Any]]
"""A path that is filled in, and what is sent there."""
Prepare = Callable[[Service], Awaitable[Asked]]


class Case(NamedTuple):
    """A route, what makes it ready to be called, and whether the second call changes nothing."""

    route: str
    prepare: Prepare
    once: bool = False

    def __str__(self) -> str:
        return self.route


def plain(path: str, **body: Any) -> Prepare:
    """Need nothing but alice."""

    async def prepare(service: Service) -> Asked:
        await service.key("alice")
        return path, {"json": body} if body else {}

    return prepare


async def _refund(service: Service) -> Asked:
    await service.house.account("alice")
    charge = await service.house.charge("alice", 50)
    return f"{V1}/accounts/alice/charges/{charge.id}/refunds", {"json": {"amount": "5", **WHY}}


async def _claw_back(service: Service) -> Asked:
    await service.house.account("alice")
    grant = await service.house.grant("alice", 50)
    return f"{V1}/accounts/alice/grants/{grant.id}/claw-back", {"json": {"amount": "5", **WHY}}


async def _used_up(service: Service) -> Asked:
    await service.house.account("alice")
    return "/api/ai-usage/test-usage", {"json": {"userId": "alice", "usagePercent": 50}}


async def _used_less(service: Service) -> Asked:
    await service.house.account("alice")
    for _ in range(3):
        await service.house.charge("alice", 20_000)
    return "/api/ai-usage/test-usage", {"json": {"userId": "alice", "usagePercent": 10}}


async def _key(service: Service, account: str) -> str:
    role: Any = "user" if account else "auditor"
    return (await service.house.create_key(account, role=role)).key.id


async def _own_key(service: Service) -> Asked:
    await service.house.account("alice")
    return f"{V1}/accounts/alice/keys/{await _key(service, 'alice')}", {}


async def _role_key(service: Service) -> Asked:
    return f"{V1}/keys/{await _key(service, '')}", {}


async def _coupon(service: Service) -> str:
    await service.house.account("alice")
    return (await service.house.write_coupons(code="hello", credit=50))[0].code


async def _coupon_end(service: Service) -> Asked:
    return f"{V1}/coupons/{await _coupon(service)}/end", {"json": WHY}


async def _redeem(service: Service) -> Asked:
    code = await _coupon(service)
    return f"{V1}/accounts/alice/coupons", {"json": {"code": code}, "headers": {"idempotency-key": "k"}}


async def _package(service: Service, name: str, document: dict[str, Any]) -> None:
    await service.house.account("alice")
    await service.ok("PUT", f"{V1}/packages/{name}", who="owner", json=document)


async def _buy(service: Service) -> Asked:
    await _package(service, "large", LARGE)
    body = {"package": "large", "currency": "KRW", "provider": "manual"}
    return f"{V1}/accounts/alice/orders", {"json": body, "headers": {"idempotency-key": "k"}}


def order(what: str, *, paid: bool = False) -> Prepare:
    """Need an order of alice's."""

    async def prepare(service: Service) -> Asked:
        await _package(service, "large", LARGE)
        one = (await service.house.buy("alice", "large", currency="KRW")).id
        if paid:
            await service.house.complete_order("alice", one)
        return f"{V1}/orders/{one}/{what}", {"json": WHY}

    return prepare


def subscription(*, paid: bool, at_once: bool) -> Prepare:
    """Need a subscription of alice's."""

    async def prepare(service: Service) -> Asked:
        await service.house.write_plan({"name": "small", "signup": {"amount": 100}})
        await _package(service, "monthly", MONTHLY)
        one = await service.house.buy("alice", "monthly", currency="KRW")
        if paid:
            await service.house.complete_order("alice", one.id)
        return f"{V1}/accounts/alice/subscription", {"params": {"at_once": at_once}}

    return prepare


def endpoint(what: str, *, resting: bool = False) -> Prepare:
    """Need a webhook at which nobody is."""

    async def prepare(service: Service) -> Asked:
        made = (await service.house.create_endpoint("http://127.0.0.1:1/")).endpoint.id
        if resting:
            await service.house.disable_endpoint(made)
        return f"{V1}/endpoints/{made}/{what}", {} if what == "test" else {"json": WHY}

    return prepare


async def _given_up(service: Service) -> str:
    made = await service.house.create_endpoint("http://127.0.0.1:1/")
    return (await service.house.try_endpoint(made.endpoint.id)).id


async def _resend(service: Service) -> Asked:
    return f"{V1}/deliveries/{await _given_up(service)}/resend", {}


async def _resend_all(service: Service) -> Asked:
    await _given_up(service)
    return f"{V1}/deliveries/resend", {}


async def _person(service: Service) -> str:
    await service.house.account("alice")
    return (await service.house.create_person("a@example.com", account="alice")).person.id


async def _person_change(service: Service) -> Asked:
    return f"{V1}/people/{await _person(service)}", {"json": {"name": "A", **WHY}}


async def _person_link(service: Service) -> Asked:
    return f"{V1}/people/{await _person(service)}/link", {}


async def _person_out(service: Service) -> Asked:
    person = await _person(service)
    await service.house.enter((await service.house.invite(person)).link, "nine small green birds")
    return f"{V1}/people/{person}/sessions", {}


async def _withdraw(service: Service) -> Asked:
    await service.house.write_plan({"name": "small"})
    starts_at = {"document": {"name": "small", "title": "later"}, "starts_at": "2099-01-01T00:00:00Z", **WHY}
    ahead = await service.ok("POST", f"{V1}/plans", who="owner", json=starts_at)
    return f"{V1}/plans/small/versions/{ahead['version']}/withdraw", {"json": WHY}


async def _held(service: Service) -> Asked:
    await service.ok("POST", f"{V1}/rates", who="owner", json={"rates": ABSURD, **WHY})
    [held] = (await service.ok("GET", f"{V1}/rates/held", who="owner"))["items"]
    return f"{V1}/rates/held/{held['id']}/decision", {"json": {"accept": True, **WHY}}


async def _under_way(service: Service, kind: str, asked: str) -> str:
    """Have a work that some node does without an end, and return its id."""
    async with service.house.desk.pool.acquire() as connection:
        work = await connection.fetchval(
            "insert into tokenhouse.works (id, kind, asked, state, started_at, started_by, seen_at) "
            "values (gen_random_uuid(), $1, $2, 'running', $3, 'x', $3) returning id",
            *(kind, asked, service.house.desk.clock()),
        )
    return str(work.hex)


async def _verification(service: Service) -> Asked:
    work = await _under_way(service, "verify", '{"account": null, "cell": null}')
    return f"{V1}/verifications/{work}/cancel", {}


async def _import(service: Service) -> Asked:
    work = await _under_way(service, "import", '{"name": "a.csv", "form": "users"}')
    return f"{V1}/imports/{work}/cancel", {}


async def _file(service: Service) -> Asked:
    return f"{V1}/imports", {"content": b"ref\nbob\n", "params": {"name": "a.csv"}}


async def _gone(service: Service) -> Asked:
    await service.house.account("9")
    return f"{V1}/user-quota/users/9", {}


def of_user(path: str, **body: Any) -> Prepare:
    """Need a user's header, and a key under which it happens once."""

    async def prepare(service: Service) -> Asked:
        await service.house.account("7")
        return path, {"json": body, "headers": {"x-user-id": "7", "idempotency-key": "k"}}

    return prepare


ACCOUNT: Final = f"{V1}/accounts/{{ref}}"
RATE: Final = [{"model": "m", "input": "1", "output": "1"}]
USER: Final = {"user_id": 9, "name": "A", "state": "suspended"}
CASES: Final = (
    Case("POST /api/ai-usage/test-usage", _used_up, once=True),
    Case("POST /api/ai-usage/test-usage", _used_less, once=True),
    Case(f"POST {V1}/accounts", plain(f"{V1}/accounts", ref="new", **WHY), once=True),
    Case(f"PATCH {ACCOUNT}", plain(f"{V1}/accounts/alice", state="suspended", **WHY), once=True),
    Case(f"PATCH {ACCOUNT}", plain(f"{V1}/accounts/alice", name="A", **WHY), once=True),
    Case(f"POST {ACCOUNT}/adjustments", plain(f"{V1}/accounts/alice/adjustments", amount="-5", **WHY)),
    Case(f"POST {ACCOUNT}/charges/{{charge}}/refunds", _refund),
    Case(f"POST {ACCOUNT}/coupons", _redeem, once=True),
    Case(f"POST {ACCOUNT}/grants", plain(f"{V1}/accounts/alice/grants", amount="5", **WHY)),
    Case(f"POST {ACCOUNT}/grants/{{grant}}/claw-back", _claw_back),
    Case(f"POST {ACCOUNT}/keys", plain(f"{V1}/accounts/alice/keys", name="k")),
    Case(f"DELETE {ACCOUNT}/keys/{{key_id}}", _own_key, once=True),
    Case(
        f"PATCH {ACCOUNT}/notice-settings",
        plain(f"{V1}/accounts/alice/notice-settings", by_email=False),
        once=True,
    ),
    Case(f"POST {ACCOUNT}/orders", _buy, once=True),
    Case(f"DELETE {ACCOUNT}/subscription", subscription(paid=True, at_once=False), once=True),
    Case(f"DELETE {ACCOUNT}/subscription", subscription(paid=True, at_once=True)),
    Case(f"DELETE {ACCOUNT}/subscription", subscription(paid=False, at_once=False)),
    Case(f"POST {V1}/coupons", plain(f"{V1}/coupons", credit="5", note="r")),
    Case(f"POST {V1}/coupons/{{code}}/end", _coupon_end, once=True),
    Case(f"POST {V1}/deliveries/resend", _resend_all, once=True),
    Case(f"POST {V1}/deliveries/{{delivery_id}}/resend", _resend, once=True),
    Case(f"POST {V1}/endpoints", plain(f"{V1}/endpoints", url="http://127.0.0.1:1/", **WHY)),
    Case(f"POST {V1}/endpoints/{{endpoint_id}}/disable", endpoint("disable"), once=True),
    Case(f"POST {V1}/endpoints/{{endpoint_id}}/enable", endpoint("enable", resting=True), once=True),
    Case(f"POST {V1}/endpoints/{{endpoint_id}}/rotate", endpoint("rotate")),
    Case(f"POST {V1}/endpoints/{{endpoint_id}}/test", endpoint("test")),
    Case(f"POST {V1}/imports", _file),
    Case(f"POST {V1}/imports/{{import_id}}/cancel", _import, once=True),
    Case(f"POST {V1}/jobs/{{name}}/run", plain(f"{V1}/jobs/lapse/run")),
    Case(f"POST {V1}/keys", plain(f"{V1}/keys", role="auditor", **WHY)),
    Case(f"DELETE {V1}/keys/{{key_id}}", _role_key, once=True),
    Case(f"POST {V1}/orders/{{order}}/complete", order("complete"), once=True),
    Case(f"POST {V1}/orders/{{order}}/fail", order("fail"), once=True),
    Case(f"POST {V1}/orders/{{order}}/refund", order("refund", paid=True), once=True),
    Case(f"PUT {V1}/packages/{{name}}", plain(f"{V1}/packages/large", **LARGE), once=True),
    Case(f"POST {V1}/people", plain(f"{V1}/people", email="b@example.com", account="alice")),
    Case(f"PATCH {V1}/people/{{person}}", _person_change, once=True),
    Case(f"POST {V1}/people/{{person}}/link", _person_link),
    Case(f"DELETE {V1}/people/{{person}}/sessions", _person_out, once=True),
    Case(f"POST {V1}/plans", plain(f"{V1}/plans", document={"name": "small"}, **WHY), once=True),
    Case(f"POST {V1}/plans/{{name}}/versions/{{version}}/withdraw", _withdraw, once=True),
    Case(f"POST {V1}/presets/{{name}}", plain(f"{V1}/presets/quota", **WHY), once=True),
    Case(f"POST {V1}/rates", plain(f"{V1}/rates", rates=RATE, **WHY), once=True),
    Case(f"POST {V1}/rates/held/{{held_id}}/decision", _held),
    Case(f"POST {V1}/samples", plain(f"{V1}/samples")),
    Case(
        f"POST {V1}/user-quota/add-tokens",
        of_user(f"{V1}/user-quota/add-tokens", token_amount=5),
        once=True,
    ),
    Case(f"POST {V1}/user-quota/users", plain(f"{V1}/user-quota/users", **USER), once=True),
    Case(f"DELETE {V1}/user-quota/users/{{user}}", _gone, once=True),
    Case(f"POST {V1}/verifications", plain(f"{V1}/verifications", **WHY)),
    Case(f"POST {V1}/verifications/{{verification}}/cancel", _verification, once=True),
)
CHANGES_NOTHING: Final = {
    "DELETE /admin/token-stats/cache",
    "DELETE /api/admin/token-stats/cache",
    f"DELETE {V1}/statistics/cache",
    f"POST {V1}/providers/{{name}}/check",
}
"""What only looks, or forgets what was worked out."""
ELSEWHERE: Final = {
    f"POST {V1}/imports/{{import_id}}/carry-out",
    f"POST {V1}/rates/import",
}
"""What is tested with all it needs: in `test_imports`, its record stands with its end; `rates` as above."""
FOR_ONESELF: Final = ("/card-tokens", "/notices/read", "/read", "/checkout", "/confirm", "/messages")
"""What an account's people do themselves, and who acts for them does as they."""


def test_every_route_that_changes_something_for_others_is_here():
    known = {case.route for case in CASES} | CHANGES_NOTHING | ELSEWHERE
    found = {
        f"{place.method} {place.path}"
        for place in test_roles.places()
        if not place.reads
        and (place.role in ("operator", "owner") or (place.role == "user" and "ref" in place.owned))
        and not place.path.endswith(FOR_ONESELF)
    }
    assert found == known


@pytest.mark.row("C10")
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_change_and_its_record_are_one(service: Service, database: str, case: Case):
    await service.key("owner")
    path, how = await case.prepare(service)
    method = case.route.split(" ")[0]
    await service.house.desk.bell.settled()
    connection = await connect(database)
    try:
        before, kept = await held(connection), await records(connection)
        await connection.execute(MUTE)
        await service.no(500, method, path, who="owner", **how)
        assert await held(connection) == before, "nothing of it is left"
        await connection.execute(LOUD)
        await service.ok(method, path, who="owner", **how)
        after, told = await held(connection), await records(connection)
        assert after != before
        assert told > kept
        if case.once:
            await service.call(method, path, who="owner", **how)
            assert await records(connection) == told, "what changes nothing is not told"
        if work := set(service.house.desk.under_way.tasks.values()):
            await asyncio.wait(work)
    finally:
        await connection.close()


async def held(connection: Connection) -> dict[str, str]:
    """Return a hash of all that each table holds, but for when a key was used."""
    names = [row["relname"] for row in await connection.fetch(TABLES)]
    row = "(to_jsonb(t) - 'last_used_at')::text"
    each = " union all ".join(
        f"select '{name}', md5(coalesce(string_agg({row}, '|' order by {row}), '')) from tokenhouse.{name} t"
        for name in names
    )
    return dict(await connection.fetch(each))


async def records(connection: Connection) -> int:
    """Return how much the audit log keeps."""
    return int(await connection.fetchval("select count(*) from tokenhouse.audit_log"))

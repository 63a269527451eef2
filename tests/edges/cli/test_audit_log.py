"""The audit log keeps what is changed on the command line, in the words that the REST API has for it."""

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Clock, Postgres
from tests.edges.cli import reference
from tests.edges.cli.conftest import Run
from tests.edges.cli.test_orders import PACKAGE
from tests.edges.cli.test_rates import ABSURD, OWN
from tokenhouse import Tokenhouse
from tokenhouse.edges import channels
from tokenhouse.edges.cli import frame
from tokenhouse.store.audit_log import Audited

pytestmark = pytest.mark.row("C10")

Log = Callable[[], list[Audited]]
REFUSED = {("coupons", "make"): 2, ("people", "add"): 2}
"""What is refused the second time, and how a command says so."""
Write = Callable[[str, str], str]


@pytest.fixture
def log(postgres: Postgres, database: str, clock: Clock) -> Log:
    """Return a look into the audit log: what is new in it, the oldest first."""
    seen = 0

    async def read() -> list[Audited]:
        async with Tokenhouse.open(database, clock=clock) as house:
            return await house.audit_log(rows_max=1_000)

    def new() -> list[Audited]:
        nonlocal seen
        found = [one for one in reversed(postgres.run(read())) if one.id > seen]
        seen = max((one.id for one in found), default=seen)
        return found

    return new


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a writer of a file, which gives its path."""

    def written(name: str, text: str) -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return written


async def buy(dsn: str, clock: Clock) -> list[str]:
    """Have alice order twice; return the orders."""
    async with Tokenhouse.open(dsn, clock=clock) as house:
        return [(await house.buy("alice", "large", currency=one)).id for one in ("KRW", "USD")]


async def give_up(dsn: str, clock: Clock) -> str:
    """Try a webhook that nobody answers; return the delivery that was given up."""
    async with Tokenhouse.open(dsn, clock=clock) as house, channels.opened(house):
        made = await house.create_endpoint("http://127.0.0.1:1/")
        return (await house.try_endpoint(made.endpoint.id)).id


async def sign_in(dsn: str, clock: Clock) -> None:
    """Have the only person there is sign in."""
    async with Tokenhouse.open(dsn, clock=clock) as house:
        [person] = await house.people()
        await house.enter((await house.invite(person.id)).link, "nine small green birds")


def facts(one: Audited) -> tuple[str, str, Any, Any, str]:
    """Return what a record says, but for when and who."""
    return one.action, one.subject, one.before, one.after, one.reason


def test_every_command_that_changes_something_leaves_one_record(
    cli: Run, log: Log, write: Write, postgres: Postgres, database: str, clock: Clock
) -> None:
    ran = set()

    def kept(action: str, subject: str, *words: str) -> None:
        parts = 1 if words[1:2] and f"{words[0]} {words[1]}" not in signed else 2
        ran.add(" ".join(words[:parts]))
        cli(*words, "--actor", "kim")
        assert [(one.action, one.subject, one.actor) for one in log()] == [(action, subject, "kim")], words

    signed = {
        frame.path_of(context).replace("-", " ", 1)
        for context in reference.contexts()
        if any(isinstance(one, frame.Actor) for one in context.command.params)
    }
    kept("account.create", "alice", "accounts", "open", "alice")
    kept("account.amend", "alice", "accounts", "set", "alice", "--state", "suspended")
    kept("account.grant", "alice", "grant", "alice", "5")
    kept("key.create", "alice", "keys", "create", "alice")
    [key] = cli("keys", "list", "alice", "--json").document["keys"]
    kept("key.revoke", "alice", "keys", "revoke", key["id"])
    kept("person.create", "a@example.com", "people", "add", "a@example.com", "--account", "alice")
    kept("person.invite", "a@example.com", "people", "link", "a@example.com")
    kept("person.change", "a@example.com", "people", "change", "a@example.com", "--name", "A")
    postgres.run(sign_in(database, clock))
    log()
    kept("person.sign_out", "a@example.com", "people", "sign-out", "a@example.com")
    kept("plan.write", "quota", "plans", "use-preset", "quota")
    kept("plan.write", "small", "plans", "write", write("plan.toml", 'name = "small"\n'))
    later = write("plan.toml", 'name = "small"\ntitle = "later"\n')
    ahead = cli("plans", "write", later, "--from", "2099-01-01T00:00:00Z", "--json").document["plan"][
        "version"
    ]
    log()
    kept("plan.withdraw", "small", "plans", "withdraw", "small", str(ahead))
    kept("rate.add", "own", "rates", "add", write("rates.toml", ABSURD))
    [held] = cli("rates", "quarantine", "--json").document["held"]
    kept("rate.accept", str(held["id"]), "rates", "quarantine", "--accept", str(held["id"]))
    kept("package.write", "large", "packages", "write", write("large.toml", PACKAGE))
    first, second = postgres.run(buy(database, clock))
    kept("order.complete", first, "orders", "complete", first, "--reason", "paid")
    kept("order.refund", first, "orders", "refund", first, "--reason", "back")
    kept("order.fail", second, "orders", "fail", second, "--reason", "never paid")
    kept("coupon.make", "HELLO", "coupons", "make", "--code", "hello", "--credit", "5")
    kept("coupon.end", "HELLO", "coupons", "end", "hello")
    kept("import.users", "users.csv", "import", "users", write("users.csv", "ref\nbob\n"))
    kept("import.sessions", "s.csv", "import", "sessions", write("s.csv", "ref,session\nbob,1\n"))
    kept("account.initialise", "*", "init")
    kept("job.run", "watch", "jobs", "run", "watch")
    dead = postgres.run(give_up(database, clock))
    kept("delivery.resend", dead, "deliveries", "resend", dead)
    # The two that are left want a deployment of another unit, and record as those beside them do.
    assert signed - ran == {"import points", "rates import"}


def test_a_record_says_how_it_was_how_it_is_and_why(cli: Run, log: Log, write: Write) -> None:
    cli("accounts", "open", "alice")
    [made] = log()
    assert made.actor == f"cli:{getpass.getuser()}"
    assert (made.after["ref"], made.after["plan"]) == ("alice", "chat-tokens")
    cli("accounts", "set", "alice", "--state", "suspended", "--note", "late")
    cli("grant", "alice", "5", "--note", "sorry", "--source", "refund")
    amended, given = log()
    assert facts(amended) == ("account.amend", "alice", {"state": "active"}, {"state": "suspended"}, "late")
    assert {**given.after, "id": ""} == {"amount": "5", "unit": "token", "id": "", "source": "refund"}
    assert given.reason == "sorry"
    secret = cli("keys", "create", "alice", "--json").document["secret"]
    [key] = log()
    assert secret.startswith(key.after["prefix"])
    assert secret not in str(key)
    cli("rates", "add", write("rates.toml", OWN))
    [added] = log()
    assert added.after == {"written": ["HCX-005", "gpt-4o*"], "held": []}
    cli("import", "users", write("more.csv", "ref\nalice\nbob\ncarol\n"))
    cli("init")
    imported, initialised = log()
    assert imported.after == {"lines": 3, "made": 2, "kept": 1, "balances": 0}
    assert initialised.after == {"waiting": 2}


def test_what_changes_nothing_is_not_recorded(cli: Run, log: Log, write: Write, clock: Clock) -> None:
    plan, rates, package = (
        write("plan.toml", 'name = "small"\n'),
        write("rates.toml", OWN),
        write("large.toml", PACKAGE),
    )
    cli("plans", "write", plan, "--dry-run")
    cli("rates", "add", rates, "--dry-run")
    cli("init", "--dry-run")
    cli("init")
    cli("import", "users", write("none.csv", "ref\n"))
    cli("rates", "quarantine", "--discard", "999", code=4)
    assert log() == []
    twice = [
        ("accounts", "open", "alice"),
        ("accounts", "set", "alice", "--state", "suspended"),
        ("grant", "alice", "5", "--key", "once"),
        ("plans", "write", plan),
        ("rates", "add", rates),
        ("packages", "write", package),
        ("coupons", "make", "--code", "hello", "--credit", "5"),
        ("coupons", "end", "hello"),
        ("import", "users", write("users.csv", "ref\nbob\n")),
        ("init",),
        ("people", "add", "a@example.com", "--account", "alice"),
        ("people", "change", "a@example.com", "--name", "A"),
    ]
    for words in twice:
        cli(*words)
    assert len(log()) == len(twice)
    for words in twice:
        cli(*words, code=REFUSED.get(words[:2], 0))
    assert log() == []
    made = cli("keys", "create", "alice", "--json").document
    for _ in range(2):
        cli("keys", "revoke", made["id"])
        clock.move(seconds=1)
    assert [one.action for one in log()] == ["key.create", "key.revoke"]


def test_whoever_has_no_name_is_the_command_line(cli: Run, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise OSError("no such user")

    monkeypatch.setattr(getpass, "getuser", nobody)
    cli("accounts", "open", "alice")
    assert [one.actor for one in log()] == ["cli"]

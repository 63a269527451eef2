"""Every constraint of the schema keeps its sentence: each is hit once, by hand, behind the rules' back."""

import asyncpg
import pytest

from tokenhouse import Tokenhouse
from tokenhouse.store.pool import connect

BALANCE = "update tokenhouse.balances set {} where account = 1"
ORDER = (
    "insert into tokenhouse.orders (cell, id, account, type, state, credit, price_minor, currency, "
    "created_at, ended_at) "
    "values (1, gen_random_uuid(), 1, {type}, {state}, {credit}, {price}, {currency}, now(), {ended})"
)
GOOD_ORDER = {
    "type": "'purchase'",
    "state": "'pending'",
    "credit": "1",
    "price": "0",
    "currency": "'KRW'",
    "ended": "null",
}
ACCOUNT = (
    "insert into tokenhouse.accounts (cell, id, ref, kind, own_credit, created_at) "
    "values ({cell}, 9, 'x', {kind}, {own}, now())"
)
GOOD_ACCOUNT = {"cell": "9", "kind": "'user'", "own": "true"}
ENTRY = (
    "insert into tokenhouse.entries (cell, account, seq, at, kind, amount, balance_after, charge, model, "
    "rate, source, actor, note, hash) values (1, 1, {seq}, now(), {kind}, 0, 0, 0, '', 0, '', '', '', '')"
)
SESSION = (
    "insert into tokenhouse.chat_sessions (cell, account, id, tokens, turns, created_at) "
    "values (1, 1, 's', {tokens}, {turns}, now())"
)
KEY = (
    "insert into tokenhouse.keys (id, prefix, digest, cell, account, ref, name, models, created_at, "
    "created_by, expires_at) "
    "values (gen_random_uuid(), '', {digest}, 1, 1, 'x', '', '{{}}', now(), '', {ends})"
)
DIRECTORY = "insert into tokenhouse.directory values ({ref}, 1, 1, array[{path}])"

BREAKS = {
    "accounts_cell_is_one_of_64": ACCOUNT.format(**{**GOOD_ACCOUNT, "cell": "64"}),
    "accounts_kind_is_known": ACCOUNT.format(**{**GOOD_ACCOUNT, "kind": "'tenant'"}),
    "accounts_root_has_own_credit": ACCOUNT.format(**{**GOOD_ACCOUNT, "own": "false"}),
    "balances_bought_not_negative": BALANCE.format("bought = -1"),
    "balances_charged_not_negative": BALANCE.format("charged = -1, drawn = -1"),
    "balances_charges_are_conserved": BALANCE.format("charged = charged + 1"),
    "balances_clawed_not_negative": BALANCE.format("clawed = -1, granted = granted - 1"),
    "balances_credit_is_conserved": BALANCE.format('"left" = "left" + 1'),
    "balances_debt_not_negative": BALANCE.format("debt = -1, forgiven = forgiven + 1"),
    "balances_debt_only_when_nothing_is_left": BALANCE.format("debt = 1, charged = charged + 1"),
    "balances_drawn_not_negative": BALANCE.format(
        "drawn = -1, granted = granted - 1, forgiven = forgiven + 1"
    ),
    "balances_expired_not_negative": BALANCE.format("expired = -1, granted = granted - 1"),
    "balances_forgiven_not_negative": BALANCE.format(
        "forgiven = -1, drawn = drawn + 1, granted = granted + 1"
    ),
    "balances_held_not_negative": BALANCE.format("held = -1"),
    "balances_left_not_negative": BALANCE.format('"left" = -1, granted = -1'),
    "balances_period_runs_forward": BALANCE.format("period_end_at = period_start_at"),
    "balances_state_is_known": BALANCE.format("state = 'asleep'"),
    "balances_turns_not_negative": BALANCE.format("turns = -1"),
    "balances_used_not_negative": BALANCE.format("used = -1"),
    "balances_used_total_not_negative": BALANCE.format("used_total = -1"),
    "catalog_has_one_row": "insert into tokenhouse.catalog (one_row) values (false)",
    "chat_sessions_tokens_not_negative": SESSION.format(tokens=-1, turns=0),
    "chat_sessions_turns_not_negative": SESSION.format(tokens=0, turns=-1),
    "directory_path_starts_at_account": DIRECTORY.format(ref="'y'", path=2),
    "directory_ref_is_short": DIRECTORY.format(ref="repeat('y', 201)", path=1),
    "entries_kind_is_known": ENTRY.format(seq=99, kind="'gift'"),
    "entries_seq_is_positive": ENTRY.format(seq=0, kind="'grant'"),
    "keys_digest_is_a_sha256": KEY.format(digest="'short'", ends="null"),
    "keys_end_after_they_begin": KEY.format(digest="sha256('')", ends="now()"),
    "orders_credit_is_positive": ORDER.format(**{**GOOD_ORDER, "credit": "0"}),
    "orders_currency_is_known": ORDER.format(**{**GOOD_ORDER, "currency": "'XAU'"}),
    "orders_ended_unless_pending": ORDER.format(**{**GOOD_ORDER, "ended": "now()"}),
    "orders_price_not_negative": ORDER.format(**{**GOOD_ORDER, "price": "-1"}),
    "orders_state_is_known": ORDER.format(**{**GOOD_ORDER, "state": "'lost'", "ended": "now()"}),
    "rates_held_accepted_by_decision": "insert into tokenhouse.rates_held"
    " (document, listed, created_at, rate) values ('{}', true, now(), 1)",
    "orders_type_is_known": ORDER.format(**{**GOOD_ORDER, "type": "'gift'"}),
}


@pytest.fixture
async def connection(database, clock):
    async with Tokenhouse.open(database, clock=clock) as house:
        await house.account("alice")
    opened = await connect(database)
    yield opened
    await opened.close()


async def refused_by(connection, statement):
    try:
        async with connection.transaction():
            await connection.execute(statement)
    except asyncpg.IntegrityConstraintViolationError as refusal:
        return refusal.constraint_name
    return "nothing"


@pytest.mark.row("C1")
async def test_every_constraint_keeps_its_sentence(connection):
    assert {name: await refused_by(connection, statement) for name, statement in BREAKS.items()} == {
        name: name for name in BREAKS
    }


async def test_every_constraint_is_hit(connection):
    rows = await connection.fetch(
        "select distinct conname from pg_constraint c join pg_class r on r.oid = c.conrelid "
        "where contype = 'c' and r.relnamespace = 'tokenhouse'::regnamespace"
    )
    assert sorted(row["conname"] for row in rows) == sorted(BREAKS)


@pytest.mark.row("C10")
async def test_the_journal_only_grows(connection):
    before = await connection.fetchval("select count(*) from tokenhouse.entries")
    for change in (
        "update tokenhouse.entries set amount = 0",
        "delete from tokenhouse.entries",
        "truncate tokenhouse.entries",
        "truncate tokenhouse.entries_2026_11",
        "truncate tokenhouse.entries_default",
    ):
        with pytest.raises(asyncpg.RestrictViolationError, match="only grows"):
            await connection.execute(change)
    assert await connection.fetchval("select count(*) from tokenhouse.entries") == before > 0

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
ROLE_KEY = (
    "insert into tokenhouse.keys (id, prefix, digest, cell, account, ref, name, models, created_at, "
    "created_by, role) values (gen_random_uuid(), '', sha256(''), 1, 1, {ref}, '', '{{}}', now(), '', {role})"
)
PERSON = (
    "insert into tokenhouse.people (id, email, name, role, ref, password, locale, time_zone, link, "
    "link_expires_at, created_at, created_by) values (gen_random_uuid(), {email}, '', {role}, '', "
    "{password}, 'en', 'UTC', {link}, {ends}, now(), '')"
)
GOOD_PERSON = {"email": "'a@b'", "role": "'owner'", "password": "null", "link": "null", "ends": "null"}
SIGNED_IN = (
    "insert into tokenhouse.sessions (digest, person, created_at, seen_at, expires_at, address, agent) "
    "values ({digest}, gen_random_uuid(), now(), now(), {ends}, '', '')"
)
SHOPPED = (
    "insert into tokenhouse.orders (cell, id, account, type, state, credit, price_minor, quantity, bonus, "
    "discount_minor, credit_days, refunded_minor, refunded_credit, created_at, ended_at) values "
    "(1, gen_random_uuid(), 1, 'purchase', 'completed', 10, 10, {quantity}, {bonus}, {discount}, {days}, "
    "{minor}, {refunded}, now(), now())"
)
GOOD_SHOPPED = {"quantity": "1", "bonus": "0", "discount": "0", "days": "0", "minor": "0", "refunded": "0"}
COUPON = (
    "insert into tokenhouse.coupons (code, credit, discount, credit_days, uses_max, uses, valid_from, "
    "valid_until, created_at) "
    "values ({code}, {credit}, {discount}, {days}, {most}, {uses}, now(), {until}, now())"
)
GOOD_COUPON = {
    "code": "'WELCOME'",
    "credit": "1",
    "discount": "0",
    "days": "0",
    "most": "null",
    "uses": "0",
    "until": "null",
}
SUBSCRIPTION = (
    "insert into tokenhouse.subscriptions (cell, account, id, package, plan, former_plan, every, "
    "price_minor, currency, provider, state, start_at, end_at, last_order, created_at, ended_at) values "
    "(1, 1, gen_random_uuid(), 'pro', {plan}, 'free', {every}, {price}, {currency}, 'stripe', {state}, "
    "now(), {end}, {last}, now(), {ended})"
)
GOOD_SUBSCRIPTION = {
    "plan": "'pro'",
    "every": "'month'",
    "price": "0",
    "currency": "'KRW'",
    "state": "'pending'",
    "end": "null",
    "last": "null",
    "ended": "null",
}
EVENT = (
    "insert into tokenhouse.payment_events (id, provider, verdict, digest, received_at, decided_at) "
    "values (gen_random_uuid(), 'stripe', {verdict}, {digest}, now(), {decided})"
)
GOOD_EVENT = {"verdict": "'received'", "digest": "sha256('')", "decided": "null"}
REFUND = (
    "insert into tokenhouse.refunds (provider, ref, cell, order_id, minor, state, at) "
    "values ('stripe', {ref}, 1, gen_random_uuid(), {minor}, {state}, now())"
)
GOOD_REFUND = {"ref": "'re_1'", "minor": "1", "state": "'made'"}
REFUND_TRY = (
    "insert into tokenhouse.refund_tries (cell, order_id, nth, minor, total, note, state, at, ended_at) "
    "values (1, gen_random_uuid(), {nth}, {minor}, {total}, '', {state}, now(), {ended})"
)
GOOD_TRY = {"nth": "1", "minor": "1", "total": "1", "state": "'open'", "ended": "null"}
RUN = (
    "insert into tokenhouse.job_runs (id, job, slot, attempt, node, started_at, lease_until, ended_at, "
    "outcome) values (gen_random_uuid(), 'j', now(), {attempt}, 'n', now(), now(), {ended}, {outcome})"
)
GOOD_RUN = {"attempt": "1", "ended": "null", "outcome": "'running'"}
CHAT = (
    "insert into tokenhouse.chat_sessions (cell, account, id, asked, tokens, metered, charged, created_at) "
    "values (1, 1, 's', {asked}, 5, {metered}, {charged}, now())"
)
GOOD_CHAT = {"asked": 0, "metered": 0, "charged": 0}
MESSAGE = (
    "insert into tokenhouse.chat_messages (cell, account, session, seq, role, content, length, tokens, "
    "charge, model, operation, at) values (1, 1, 's', {seq}, {role}, '', {length}, {tokens}, {charge}, '', "
    "gen_random_uuid(), now())"
)
GOOD_MESSAGE = {"seq": 1, "role": "'user'", "length": 0, "tokens": 0, "charge": 0}
DIRECTORY = "insert into tokenhouse.directory values ({ref}, 1, 1, array[{path}])"

NOTICE = (
    "insert into tokenhouse.notices (cell, account, id, kind, subject, level, percent, at, facts) "
    "values (1, 1, gen_random_uuid(), {kind}, 's', {level}, {percent}, now(), '{{}}')"
)
GOOD_NOTICE = {"kind": "'level'", "level": "'warning'", "percent": "9000"}
ENDPOINT = (
    "insert into tokenhouse.endpoints (id, cell, account, channel, name, url, kinds, secret, created_at, "
    "created_by) "
    "values (gen_random_uuid(), {cell}, null, {channel}, '', '', '{{}}', {secret}, now(), '')"
)
GOOD_ENDPOINT = {"cell": "null", "channel": "'webhook'", "secret": "'whsec_'"}
DELIVERY = (
    "insert into tokenhouse.deliveries (cell, id, account, channel, endpoint, target, payload, state, "
    "attempts, next_at, created_at, ended_at) "
    "values (1, gen_random_uuid(), 1, {channel}, {endpoint}, '', '{{}}', {state}, {attempts}, now(), now(), "
    "{ended})"
)
GOOD_DELIVERY = {
    "channel": "'email'",
    "endpoint": "null",
    "state": "'pending'",
    "attempts": "0",
    "ended": "null",
}
WORK = (
    "insert into tokenhouse.works (id, kind, asked, state, started_at, started_by, seen_at, ended_at, total) "
    "values (gen_random_uuid(), {kind}, '{{}}', {state}, now(), '', now(), {ended}, {total})"
)
USED = (
    "insert into tokenhouse.usage_hourly values (1, 1, now(), '', '', {turns}, {tokens_input}, 0, "
    "{tokens}, 0)"
)
USED_BY_ALL = (
    "insert into tokenhouse.usage_totals values (1, now(), '', {turns}, {input}, 0, 0, 0, 0, 0, 0, 0, "
    "{tokens}, 0, {renewed})"
)
PLANNED = (
    "insert into tokenhouse.plans (name, version, document, created_at, starts_at, withdrawn_at) "
    "values ('x', {version}, '{{}}', now(), {starts}, {gone})"
)
GOOD_USED = {"turns": "1", "tokens_input": "0", "tokens": "0", "input": "0", "renewed": "0"}

BREAKS = {
    "plans_begin_at_once": PLANNED.format(version=1, starts="now() + interval '1 day'", gone="null"),
    "plans_start_after_they_are_written": PLANNED.format(version=2, starts="now()", gone="null"),
    "plans_are_withdrawn_before_they_start": PLANNED.format(version=2, starts="null", gone="now()"),
    "refusals_daily_count_something": "insert into tokenhouse.refusals_daily values (1, 1, now(), 'x', 0)",
    "usage_hourly_tokens_hold_their_parts": USED.format(**{**GOOD_USED, "tokens_input": "1"}),
    "usage_hourly_turns_not_negative": USED.format(**{**GOOD_USED, "turns": "-1"}),
    "usage_marks_seq_is_positive": "insert into tokenhouse.usage_marks values (1, 1, 0)",
    "usage_monthly_charged_not_negative": "insert into tokenhouse.usage_monthly values (1, 1, now(), -1)",
    "usage_totals_renewed_not_negative": USED_BY_ALL.format(**{**GOOD_USED, "renewed": "-1"}),
    "usage_totals_tokens_hold_their_kinds": USED_BY_ALL.format(**{**GOOD_USED, "input": "1"}),
    "usage_totals_turns_not_negative": USED_BY_ALL.format(**{**GOOD_USED, "turns": "-1"}),
    "accounts_cell_is_one_of_64": ACCOUNT.format(**{**GOOD_ACCOUNT, "cell": "64"}),
    "accounts_kind_is_known": ACCOUNT.format(**{**GOOD_ACCOUNT, "kind": "'tenant'"}),
    "accounts_root_has_own_credit": ACCOUNT.format(**{**GOOD_ACCOUNT, "own": "false"}),
    "audit_log_names_the_action": "insert into tokenhouse.audit_log"
    " (at, actor, action, subject, reason, address) values (now(), '', '', '', '', '')",
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
    "calls_recent_allowed_not_negative": "insert into tokenhouse.calls_recent values (now(), -1, 0)",
    "calls_recent_refused_not_negative": "insert into tokenhouse.calls_recent values (now(), 0, -1)",
    "catalog_has_one_row": "insert into tokenhouse.catalog (one_row) values (false)",
    "chat_messages_charge_not_negative": MESSAGE.format(**{**GOOD_MESSAGE, "charge": -1}),
    "chat_messages_length_not_negative": MESSAGE.format(**{**GOOD_MESSAGE, "length": -1}),
    "chat_messages_seq_is_positive": MESSAGE.format(**{**GOOD_MESSAGE, "seq": 0, "role": "'assistant'"}),
    "chat_messages_take_turns": MESSAGE.format(**{**GOOD_MESSAGE, "role": "'assistant'"}),
    "chat_messages_tokens_not_negative": MESSAGE.format(**{**GOOD_MESSAGE, "tokens": -1}),
    "chat_sessions_asked_not_negative": CHAT.format(**{**GOOD_CHAT, "asked": -1}),
    "chat_sessions_charged_not_negative": CHAT.format(**{**GOOD_CHAT, "charged": -1}),
    "chat_sessions_used_what_was_metered": CHAT.format(**{**GOOD_CHAT, "metered": 6}),
    "chat_sessions_tokens_not_negative": SESSION.format(tokens=-1, turns=0),
    "chat_sessions_turns_not_negative": SESSION.format(tokens=0, turns=-1),
    "coupons_code_is_normalised": COUPON.format(**{**GOOD_COUPON, "code": "'wel-come'"}),
    "coupons_credit_days_not_negative": COUPON.format(**{**GOOD_COUPON, "days": "-1"}),
    "coupons_discount_is_a_share": COUPON.format(**{**GOOD_COUPON, "credit": "0", "discount": "10001"}),
    "coupons_end_after_they_begin": COUPON.format(**{**GOOD_COUPON, "until": "now()"}),
    "coupons_give_credit_or_a_discount": COUPON.format(**{**GOOD_COUPON, "discount": "1"}),
    "coupons_maximum_is_positive": COUPON.format(**{**GOOD_COUPON, "most": "0"}),
    "coupons_uses_not_negative": COUPON.format(**{**GOOD_COUPON, "uses": "-1"}),
    "coupons_uses_within_the_maximum": COUPON.format(**{**GOOD_COUPON, "most": "1", "uses": "2"}),
    "deliveries_attempts_not_negative": DELIVERY.format(**{**GOOD_DELIVERY, "attempts": "-1"}),
    "deliveries_channel_is_known": DELIVERY.format(
        **{**GOOD_DELIVERY, "channel": "'pigeon'", "endpoint": "gen_random_uuid()"}
    ),
    "deliveries_ended_unless_pending": DELIVERY.format(**{**GOOD_DELIVERY, "ended": "now()"}),
    "deliveries_endpoint_unless_email": DELIVERY.format(**{**GOOD_DELIVERY, "endpoint": "gen_random_uuid()"}),
    "deliveries_state_is_known": DELIVERY.format(**{**GOOD_DELIVERY, "state": "'lost'", "ended": "now()"}),
    "endpoints_channel_is_known": ENDPOINT.format(**{**GOOD_ENDPOINT, "channel": "'pigeon'", "secret": "''"}),
    "endpoints_of_all_or_of_one": ENDPOINT.format(**{**GOOD_ENDPOINT, "cell": "1"}),
    "endpoints_webhook_is_signed": ENDPOINT.format(**{**GOOD_ENDPOINT, "secret": "''"}),
    "notice_marks_share_is_positive": "insert into tokenhouse.notice_marks values (1, 1, 0, 0, now())",
    "notice_settings_levels_are_shares": "insert into tokenhouse.notice_settings values (1, 1, '{0}')",
    "notices_kind_is_known": NOTICE.format(**{**GOOD_NOTICE, "kind": "'gossip'", "level": "''"}),
    "notices_level_only_of_levels": NOTICE.format(**{**GOOD_NOTICE, "level": "''"}),
    "notices_percent_not_negative": NOTICE.format(**{**GOOD_NOTICE, "percent": "-1"}),
    "directory_path_starts_at_account": DIRECTORY.format(ref="'y'", path=2),
    "directory_ref_is_short": DIRECTORY.format(ref="repeat('y', 201)", path=1),
    "entries_kind_is_known": ENTRY.format(seq=99, kind="'gift'"),
    "entries_seq_is_positive": ENTRY.format(seq=0, kind="'grant'"),
    "job_runs_attempt_is_positive": RUN.format(**{**GOOD_RUN, "attempt": "0"}),
    "job_runs_ended_unless_running": RUN.format(**{**GOOD_RUN, "ended": "now()"}),
    "job_runs_outcome_is_known": RUN.format(**{**GOOD_RUN, "ended": "now()", "outcome": "'asleep'"}),
    "keys_digest_is_a_sha256": KEY.format(digest="'short'", ends="null"),
    "keys_end_after_they_begin": KEY.format(digest="sha256('')", ends="now()"),
    "keys_of_users_have_an_account": ROLE_KEY.format(ref="'alice'", role="'owner'"),
    "keys_role_is_known": ROLE_KEY.format(ref="''", role="'root'"),
    "refunds_give_something": REFUND.format(**{**GOOD_REFUND, "minor": "0"}),
    "refunds_ref_says_something": REFUND.format(**{**GOOD_REFUND, "ref": "''"}),
    "refunds_state_is_known": REFUND.format(**{**GOOD_REFUND, "state": "'lost'"}),
    "refund_tries_ended_unless_open": REFUND_TRY.format(**{**GOOD_TRY, "ended": "now()"}),
    "refund_tries_give_something": REFUND_TRY.format(**{**GOOD_TRY, "minor": "0"}),
    "refund_tries_nth_is_positive": REFUND_TRY.format(**{**GOOD_TRY, "nth": "0"}),
    "refund_tries_reach_their_total": REFUND_TRY.format(**{**GOOD_TRY, "minor": "2"}),
    "refund_tries_state_is_known": REFUND_TRY.format(**{**GOOD_TRY, "state": "'odd'", "ended": "now()"}),
    "orders_bonus_is_part_of_the_credit": SHOPPED.format(**{**GOOD_SHOPPED, "bonus": "11"}),
    "orders_credit_days_not_negative": SHOPPED.format(**{**GOOD_SHOPPED, "days": "-1"}),
    "orders_discount_not_negative": SHOPPED.format(**{**GOOD_SHOPPED, "discount": "-1"}),
    "orders_quantity_is_positive": SHOPPED.format(**{**GOOD_SHOPPED, "quantity": "0"}),
    "orders_refund_within_the_credit": SHOPPED.format(**{**GOOD_SHOPPED, "refunded": "11"}),
    "orders_refund_within_the_price": SHOPPED.format(**{**GOOD_SHOPPED, "minor": "11"}),
    "orders_refunded_only_when_paid": "insert into tokenhouse.orders (cell, id, account, type, state, "
    "credit, price_minor, refunded_minor, created_at, ended_at) values "
    "(1, gen_random_uuid(), 1, 'purchase', 'failed', 10, 10, 1, now(), now())",
    "orders_credit_is_positive": ORDER.format(**{**GOOD_ORDER, "credit": "0"}),
    "orders_currency_is_known": ORDER.format(**{**GOOD_ORDER, "currency": "'XAU'"}),
    "orders_ended_unless_pending": ORDER.format(**{**GOOD_ORDER, "ended": "now()"}),
    "orders_price_not_negative": ORDER.format(**{**GOOD_ORDER, "price": "-1"}),
    "orders_state_is_known": ORDER.format(**{**GOOD_ORDER, "state": "'lost'", "ended": "now()"}),
    "people_email_is_lower_case": PERSON.format(**{**GOOD_PERSON, "email": "'A@b'"}),
    "people_link_is_a_sha256": PERSON.format(**{**GOOD_PERSON, "link": "'short'", "ends": "now()"}),
    "people_links_end": PERSON.format(**{**GOOD_PERSON, "link": "sha256('')"}),
    "people_password_is_argon2id": PERSON.format(**{**GOOD_PERSON, "password": "'plain'"}),
    "people_role_is_known": PERSON.format(**{**GOOD_PERSON, "role": "'root'"}),
    "people_who_use_have_an_account": PERSON.format(**{**GOOD_PERSON, "role": "'user'"}),
    "rates_held_accepted_by_decision": "insert into tokenhouse.rates_held"
    " (document, listed, created_at, rate) values ('{}', true, now(), 1)",
    "packages_version_is_positive": "insert into tokenhouse.packages (name, version, document, created_at) "
    "values ('small', 0, '{}', now())",
    "payment_events_decided_unless_received": EVENT.format(**{**GOOD_EVENT, "decided": "now()"}),
    "payment_events_digest_is_a_sha256": EVENT.format(**{**GOOD_EVENT, "digest": "'short'"}),
    "payment_events_verdict_is_known": EVENT.format(
        **{**GOOD_EVENT, "verdict": "'perhaps'", "decided": "now()"}
    ),
    "payments_ref_says_something": "insert into tokenhouse.payments values "
    "('stripe', '', 1, gen_random_uuid(), now())",
    "subscriptions_alive_are_paid": SUBSCRIPTION.format(**{**GOOD_SUBSCRIPTION, "state": "'active'"}),
    "subscriptions_carry_a_plan": SUBSCRIPTION.format(**{**GOOD_SUBSCRIPTION, "plan": "''"}),
    "subscriptions_currency_is_known": SUBSCRIPTION.format(**{**GOOD_SUBSCRIPTION, "currency": "'XAU'"}),
    "subscriptions_ended_at_their_end": SUBSCRIPTION.format(**{**GOOD_SUBSCRIPTION, "ended": "now()"}),
    "subscriptions_period_is_known": SUBSCRIPTION.format(**{**GOOD_SUBSCRIPTION, "every": "'minute'"}),
    "subscriptions_period_runs_forward": SUBSCRIPTION.format(**{**GOOD_SUBSCRIPTION, "end": "now()"}),
    "subscriptions_price_not_negative": SUBSCRIPTION.format(**{**GOOD_SUBSCRIPTION, "price": "-1"}),
    "subscriptions_state_is_known": SUBSCRIPTION.format(
        **{
            **GOOD_SUBSCRIPTION,
            "state": "'asleep'",
            "end": "now() + interval '1 day'",
            "last": "gen_random_uuid()",
        }
    ),
    "orders_type_is_known": ORDER.format(**{**GOOD_ORDER, "type": "'gift'"}),
    "secrets_long_enough": "insert into tokenhouse.secrets values ('x', 'short')",
    "sessions_digest_is_a_sha256": SIGNED_IN.format(digest="'short'", ends="now() + interval '1h'"),
    "sessions_end_after_they_begin": SIGNED_IN.format(digest="sha256('')", ends="now()"),
    "works_ended_unless_open": WORK.format(kind="'verify'", state="'done'", ended="null", total=0),
    "works_kind_is_known": WORK.format(kind="'dream'", state="'running'", ended="null", total=0),
    "works_state_is_known": WORK.format(kind="'verify'", state="'asleep'", ended="now()", total=0),
    "works_total_not_negative": WORK.format(kind="'verify'", state="'running'", ended="null", total=-1),
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


@pytest.mark.row("C10")
async def test_the_audit_log_only_grows(connection):
    await connection.execute(
        "insert into tokenhouse.audit_log (at, actor, action, subject, reason, address) "
        "values (now(), 'root', 'account.grant', 'alice', '', '')"
    )
    for change in (
        "update tokenhouse.audit_log set actor = ''",
        "delete from tokenhouse.audit_log",
        "truncate tokenhouse.audit_log",
    ):
        with pytest.raises(asyncpg.RestrictViolationError, match="only grows"):
            await connection.execute(change)

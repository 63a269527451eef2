"""Each law of the ledger, broken once by hand, and what `verify` must say of it."""

from typing import NamedTuple

from tokenhouse.store.pool import connect


class Break(NamedTuple):
    """Damage, and the finding that names it: whose, which check, how the figure's name begins."""

    account: str
    check: str
    figure: str
    sql: str


ACCOUNT = "account = (select d.account from tokenhouse.directory d where d.ref = '{}')"
ANN, RED, BOB = (ACCOUNT.format(ref) for ref in ("ann", "red", "bob"))
TABLES = (
    *("directory", "accounts", "balances", "entries", "idempotency_keys", "orders", "chat_sessions"),
    *("coupons", "coupon_redemptions", "subscriptions"),
)
NO_CHECKS = """
    alter table tokenhouse.balances drop constraint balances_credit_is_conserved,
        drop constraint balances_charges_are_conserved,
        drop constraint balances_debt_only_when_nothing_is_left
"""
FIRST_CHARGE = f"{ANN} and seq = (select min(seq) from tokenhouse.entries where kind = 'charge' and {ANN})"
LAST = f"{ANN} and seq = (select max(seq) from tokenhouse.entries where {ANN})"
NEVER = 2**62


def stored(figures: str) -> str:
    return f"update tokenhouse.balances set {figures} where {ANN}"


def entry(columns: str, where: str = FIRST_CHARGE) -> str:
    return f"update tokenhouse.entries set {columns} where {where}"


def gone(table: str, where: str) -> str:
    return f"delete from tokenhouse.{table} where {where}"


BREAKS = {
    # The stored balance.
    "left": Break("ann", "rebuilt", "left", stored('"left" = "left" + 5')),
    "left and granted": Break(
        "ann", "rebuilt", "granted", stored('"left" = "left" + 5, granted = granted + 5')
    ),
    "law 1 of credit": Break("ann", "conservation", "granted", stored("granted = granted + 1")),
    "law 1 of charges": Break("ann", "conservation", "charged", stored("charged = charged - 1")),
    "law 1 over all": Break("*", "conservation", "granted", stored("granted = granted + 1")),
    "bought": Break(
        "red", "rebuilt", "bought", f"update tokenhouse.balances set bought = bought + 1 where {RED}"
    ),
    "debt": Break("ann", "rebuilt", "debt", stored("debt = debt + 7")),
    "debt beside credit": Break(
        "ann", "conservation", "debt", stored('debt = 7, charged = charged + 7, "left" = 5')
    ),
    "used": Break("ann", "usage", "used", stored("used = used + 1")),
    "used in total": Break("ann", "usage", "used_total", stored("used_total = used_total - 1")),
    "turns": Break("ann", "usage", "turns", stored("turns = turns + 1")),
    "state": Break("ann", "rebuilt", "state", stored("state = 'closed'")),
    "plan": Break("ann", "rebuilt", "plan", stored("plan = 'bought'")),
    "period": Break("ann", "rebuilt", "period_end_at", stored("period_end_at = period_end_at + 1")),
    "period without end": Break("ann", "due", "due_at", stored(f"due_at = {NEVER}")),
    "reservation without end": Break("ann", "due", "lapses_at", stored(f"lapses_at = {NEVER}")),
    "last hash": Break("ann", "chain", "chain", stored("chain = '\\x00'")),
    "last number": Break("ann", "journal", "seq", stored("seq = seq + 1")),
    "held too high": Break("ann", "held", "held", stored("held = held + 9")),
    "open reservation removed": Break("ann", "held", "held", stored("open = '{}'")),
    "open reservation below removed": Break(
        "red",
        "held",
        "held",
        f"update tokenhouse.balances set open = '{{}}' where {ACCOUNT.format('eve')}",
    ),
    "a lot's left": Break(
        "ann", "rebuilt", "lot ", stored("lots = jsonb_set(lots::jsonb, '{0,1}', '3')::json")
    ),
    "own credit": Break(
        "eve", "rebuilt", "own_credit", "update tokenhouse.accounts set own_credit = true where ref = 'eve'"
    ),
    # The journal.
    "an entry's amount": Break("ann", "chain", "hash", entry("amount = amount - 1")),
    "an entry's balance": Break(
        "ann", "journal", "balance_after", entry("balance_after = balance_after + 1")
    ),
    "an entry's charge": Break("ann", "journal", "charge", entry("charge = charge + 1")),
    "an entry's hash": Break("ann", "chain", "hash", entry("hash = '\\xdeadbeef'")),
    "an entry's note": Break("ann", "chain", "hash", entry("note = 'nothing'")),
    "an entry's time": Break("ann", "chain", "hash", entry("at = at + interval '1 s'")),
    "entry deleted": Break("ann", "journal", "seq", gone("entries", f"{ANN} and seq = 4")),
    "first entry deleted": Break("ann", "journal", "seq", gone("entries", f"{ANN} and seq = 1")),
    "last entry deleted": Break("ann", "journal", "seq", gone("entries", LAST)),
    "journal deleted": Break("ann", "journal", "seq", gone("entries", ANN)),
    "entries swapped": Break(
        "ann",
        "chain",
        "hash",
        ";".join(
            entry(f"seq = {new}", f"{ANN} and seq = {old}") for old, new in ((5, 999), (6, 5), (999, 6))
        ),
    ),
    "entry forged": Break(
        "ann",
        "chain",
        "hash",
        f"""insert into tokenhouse.entries
            select cell, account, seq + 1, at, 'grant', 500, balance_after + 500, 0,
                   json_build_array(json_build_array(seq + 1, 500, 'bonus', 0, {NEVER}::bigint)),
                   null, '', null, 0, '', '', '', null, hash
            from tokenhouse.entries where {LAST}""",
    ),
    # What stands beside it.
    "order without its grant": Break(
        "ann",
        "orders",
        "grant of order ",
        """insert into tokenhouse.orders (cell, id, account, type, state, credit, created_at, ended_at)
           select cell, gen_random_uuid(), account, 'purchase', 'completed', 5, now(), now()
           from tokenhouse.directory where ref = 'ann'""",
    ),
    "order of other credit": Break(
        "red", "orders", "grant of order ", f"update tokenhouse.orders set credit = credit + 1 where {RED}"
    ),
    "order refunded by hand": Break(
        "red", "orders", "refund of order ", f"update tokenhouse.orders set state = 'refunded' where {RED}"
    ),
    "grant without its order": Break("red", "orders", "order ", gone("orders", RED)),
    "grant of an order that failed": Break(
        "red", "orders", "order ", f"update tokenhouse.orders set state = 'failed' where {RED}"
    ),
    "chat that nobody paid": Break(
        "ann",
        "chat",
        "tokens",
        f"update tokenhouse.chat_sessions set tokens = tokens + 100000 where id = 's1' and {ANN}",
    ),
    "balance missing": Break("ann", "orphans", "entries", gone("balances", ANN)),
    "account without balance": Break(
        "new",
        "initialised",
        "balances",
        """insert into tokenhouse.accounts (cell, id, ref, kind, created_at)
           values (3, 3000, 'new', 'user', now());
           insert into tokenhouse.directory values ('new', 3, 3000, array[3000])""",
    ),
    "account missing": Break("#", "orphans", "balances", gone("accounts", "ref = 'bob'")),
    "account and balance missing": Break(
        "#", "orphans", "entries", gone("balances", BOB) + ";" + gone("accounts", "ref = 'bob'")
    ),
    "a refund that took nothing back": Break(
        "acme",
        "orders",
        "refund of order",
        "update tokenhouse.orders set price_minor = 10, refunded_minor = 5, refunded_credit = 4500 "
        "where credit = 9000",
    ),
    "a coupon redeemed for nothing": Break(
        "ann",
        "orders",
        "order of coupon GIFT",
        "insert into tokenhouse.coupon_redemptions select cell, account, 'GIFT', gen_random_uuid(), now() "
        f"from tokenhouse.balances where {ANN}",
    ),
    "a coupon used more often than redeemed": Break(
        "*",
        "orders",
        "uses of coupon GIFT",
        "insert into tokenhouse.coupons (code, credit, uses, valid_from, created_at) "
        "values ('GIFT', 1, 1, now(), now())",
    ),
    "a subscription that nobody paid for": Break(
        "ann",
        "orders",
        "paid order of the subscription",
        "insert into tokenhouse.subscriptions (cell, account, id, package, plan, former_plan, every, "
        "price_minor, currency, provider, state, start_at, end_at, last_order, created_at) "
        "select cell, account, gen_random_uuid(), 'pro', 'pro', 'carry', 'month', 1, 'KRW', 'stripe', "
        "'active', now(), now() + interval '1 day', gen_random_uuid(), now() "
        f"from tokenhouse.balances where {ANN}",
    ),
    "a subscription of nobody": Break(
        "#999",
        "orphans",
        "subscriptions",
        "insert into tokenhouse.subscriptions (cell, account, id, package, plan, former_plan, every, "
        "price_minor, currency, provider, state, created_at) select cell, 999, gen_random_uuid(), 'pro', "
        f"'pro', 'carry', 'month', 1, 'KRW', 'stripe', 'pending', now() from tokenhouse.balances where {ANN}",
    ),
    "a redemption of nobody": Break(
        "#999",
        "orphans",
        "coupon_redemptions",
        "insert into tokenhouse.coupon_redemptions select cell, 999, 'GIFT', gen_random_uuid(), now() "
        f"from tokenhouse.balances where {ANN}",
    ),
    "orders of nobody": Break("#999", "orphans", "orders", "update tokenhouse.orders set account = 999"),
    "chat of nobody": Break(
        "#999",
        "orphans",
        "chat_sessions",
        "update tokenhouse.chat_sessions set account = 999 where id = 's1'",
    ),
    "name missing": Break("kim", "directory", "ref", gone("directory", "ref = 'kim'")),
    "name of nobody": Break(
        "ghost",
        "directory",
        "account",
        "insert into tokenhouse.directory values ('ghost', 1, 999, array[999])",
    ),
    "way up changed": Break(
        "kim",
        "directory",
        "path",
        "update tokenhouse.directory set path = array[path[1], 1] where ref = 'kim'",
    ),
    "key of nothing": Break(
        "ann",
        "keys",
        "operation of key change",
        "update tokenhouse.idempotency_keys set operation = gen_random_uuid() where key = 'change'",
    ),
}


async def keep(dsn: str) -> None:
    """Remember what stands in every table, and let the database forget which figures belong together."""
    copies = [f"create table kept.{table} as table tokenhouse.{table}" for table in TABLES]
    await damage(dsn, ";".join([NO_CHECKS, "create schema kept", *copies]))


async def mend(dsn: str) -> None:
    """Put back what stood in every table."""
    truncated = ", ".join(f"tokenhouse.{table}" for table in TABLES)
    copies = [f"insert into tokenhouse.{table} select * from kept.{table}" for table in TABLES]
    await damage(dsn, ";".join([f"truncate {truncated}", *copies]))


async def damage(dsn: str, sql: str) -> None:
    """Do what only a superuser can who means harm; each statement must do something."""
    connection = await connect(dsn)
    try:
        await connection.execute("set session_replication_role = replica")
        for statement in sql.split(";"):
            assert not (await connection.execute(statement)).endswith(" 0"), statement
    finally:
        await connection.close()

-- The ledger: who pays, what each account has, and the journal that explains it.
-- Every hot table starts its primary key with `cell`: on one PostgreSQL it costs nothing, on Citus it
-- distributes. Instants inside rules-owned columns are bigint microseconds since 1970 UTC, as in the rules;
-- columns that people and partitions read are timestamptz.

CREATE TABLE tokenhouse.catalog (
    one_row boolean PRIMARY KEY DEFAULT true CONSTRAINT catalog_has_one_row CHECK (one_row),
    version bigint NOT NULL DEFAULT 1
);
COMMENT ON TABLE tokenhouse.catalog IS
    'One row: a version that grows with every new plan or rate. Each batch reads it.';
INSERT INTO tokenhouse.catalog DEFAULT VALUES;

CREATE TABLE tokenhouse.plans (
    name       text NOT NULL,
    version    integer NOT NULL,
    document   json NOT NULL,
    created_at timestamptz NOT NULL,
    actor      text NOT NULL DEFAULT '',
    PRIMARY KEY (name, version)
);
COMMENT ON TABLE tokenhouse.plans IS
    'Terms of accounts: documents, never overwritten; the highest version counts.';

CREATE TABLE tokenhouse.rates (
    version    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document   json NOT NULL,
    listed     boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    actor      text NOT NULL DEFAULT ''
);
COMMENT ON TABLE tokenhouse.rates IS
    'Dated prices by model: documents, never overwritten; listed ones yield to the operator''s own.';

CREATE SEQUENCE tokenhouse.account_ids AS bigint;

CREATE TABLE tokenhouse.directory (
    ref     text PRIMARY KEY CONSTRAINT directory_ref_is_short CHECK (length(ref) BETWEEN 1 AND 200),
    cell    smallint NOT NULL,
    account bigint NOT NULL,
    path    bigint[] NOT NULL CONSTRAINT directory_path_starts_at_account CHECK (path[1] = account)
);
COMMENT ON TABLE tokenhouse.directory IS
    'The outside name of an account -> where it is, and its way up to the root. '
    'Immutable, so every process may cache it.';

CREATE TABLE tokenhouse.accounts (
    cell         smallint NOT NULL CONSTRAINT accounts_cell_is_one_of_64 CHECK (cell BETWEEN 0 AND 63),
    id           bigint NOT NULL,
    ref          text NOT NULL,
    kind         text NOT NULL CONSTRAINT accounts_kind_is_known CHECK (kind IN ('user', 'team', 'company')),
    parent       bigint,
    opening_plan text,
    own_credit   boolean NOT NULL DEFAULT true,
    name         text NOT NULL DEFAULT '',
    email        text NOT NULL DEFAULT '',
    locale       text NOT NULL DEFAULT '',
    time_zone    text NOT NULL DEFAULT '',
    tags         json,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (cell, id),
    CONSTRAINT accounts_root_has_own_credit CHECK (own_credit OR parent IS NOT NULL)
);
COMMENT ON TABLE tokenhouse.accounts IS
    'Who pays: the person behind a balance. One without a balance waits for `tokenhouse init`.';
CREATE INDEX accounts_paying_below_another ON tokenhouse.accounts (cell, id)
    WHERE parent IS NOT NULL AND own_credit;

CREATE TABLE tokenhouse.balances (
    cell            smallint NOT NULL,
    account         bigint NOT NULL,
    plan            text NOT NULL,
    state           text NOT NULL CONSTRAINT balances_state_is_known CHECK (state IN ('active', 'suspended',
    'closed')),
    own_credit      boolean NOT NULL,
    zone            text NOT NULL,
    opened_at       bigint NOT NULL,
    version         bigint NOT NULL,
    seq             bigint NOT NULL,
    chain           bytea NOT NULL,
    "left"          bigint NOT NULL CONSTRAINT balances_left_not_negative CHECK ("left" >= 0),
    held            bigint NOT NULL CONSTRAINT balances_held_not_negative CHECK (held >= 0),
    debt            bigint NOT NULL CONSTRAINT balances_debt_not_negative CHECK (debt >= 0),
    used            bigint NOT NULL CONSTRAINT balances_used_not_negative CHECK (used >= 0),
    used_total      bigint NOT NULL CONSTRAINT balances_used_total_not_negative CHECK (used_total >= 0),
    turns           bigint NOT NULL CONSTRAINT balances_turns_not_negative CHECK (turns >= 0),
    granted         bigint NOT NULL,
    drawn           bigint NOT NULL CONSTRAINT balances_drawn_not_negative CHECK (drawn >= 0),
    expired         bigint NOT NULL CONSTRAINT balances_expired_not_negative CHECK (expired >= 0),
    clawed          bigint NOT NULL CONSTRAINT balances_clawed_not_negative CHECK (clawed >= 0),
    charged         bigint NOT NULL CONSTRAINT balances_charged_not_negative CHECK (charged >= 0),
    forgiven        bigint NOT NULL CONSTRAINT balances_forgiven_not_negative CHECK (forgiven >= 0),
    bought          bigint NOT NULL CONSTRAINT balances_bought_not_negative CHECK (bought >= 0),
    period_start_at bigint NOT NULL,
    period_end_at   bigint NOT NULL,
    rolled_at       bigint NOT NULL,
    due_at          bigint NOT NULL,
    lapses_at       bigint NOT NULL,
    lots            json NOT NULL,
    counters        json NOT NULL,
    open            json NOT NULL,
    PRIMARY KEY (cell, account),
    CONSTRAINT balances_credit_is_conserved CHECK (granted = "left" + drawn + expired + clawed),
    CONSTRAINT balances_charges_are_conserved CHECK (charged = drawn + debt + forgiven),
    CONSTRAINT balances_debt_only_when_nothing_is_left CHECK (debt = 0 OR "left" = 0),
    CONSTRAINT balances_period_runs_forward CHECK (period_start_at < period_end_at)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE tokenhouse.balances IS
    'What a decision about one account needs. No index but the key: every update stays in its page (HOT).';

CREATE TABLE tokenhouse.entries (
    cell          smallint NOT NULL,
    account       bigint NOT NULL,
    seq           bigint NOT NULL CONSTRAINT entries_seq_is_positive CHECK (seq > 0),
    at            timestamptz NOT NULL,
    kind          text NOT NULL,
    amount        bigint NOT NULL,
    balance_after bigint NOT NULL,
    charge        bigint NOT NULL,
    lots          json,
    operation     uuid,
    model         text NOT NULL,
    usage         json,
    rate          integer NOT NULL,
    source        text NOT NULL,
    actor         text NOT NULL,
    note          text NOT NULL,
    facts         json,
    hash          bytea NOT NULL,
    PRIMARY KEY (cell, account, seq, at),
    CONSTRAINT entries_kind_is_known CHECK (kind IN (
        'open', 'signup', 'allowance', 'rollover', 'grant', 'charge', 'use', 'repay', 'expire', 'forgive',
        'period',
        'claw_back', 'refund', 'unuse', 'adjust', 'amend', 'release', 'lapse'))
) PARTITION BY RANGE (at);
COMMENT ON TABLE tokenhouse.entries IS
    'The journal: append only, hash-chained per account. Partitioned by month; the default partition '
    'takes the rest.';
CREATE INDEX entries_by_operation ON tokenhouse.entries (cell, operation) WHERE operation IS NOT NULL;
CREATE TABLE tokenhouse.entries_default PARTITION OF tokenhouse.entries DEFAULT;

CREATE FUNCTION tokenhouse.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal only grows: correct it by a new entry' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER entries_only_grow BEFORE UPDATE OR DELETE ON tokenhouse.entries
    FOR EACH ROW EXECUTE FUNCTION tokenhouse.refuse_change();
CREATE TRIGGER entries_are_not_emptied BEFORE TRUNCATE ON tokenhouse.entries
    FOR EACH STATEMENT EXECUTE FUNCTION tokenhouse.refuse_change();
CREATE TRIGGER entries_are_not_emptied BEFORE TRUNCATE ON tokenhouse.entries_default
    FOR EACH STATEMENT EXECUTE FUNCTION tokenhouse.refuse_change();

CREATE TABLE tokenhouse.idempotency_keys (
    cell      smallint NOT NULL,
    account   bigint NOT NULL,
    key       text NOT NULL,
    operation uuid NOT NULL,
    digest    bytea NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (cell, account, key)
);
COMMENT ON TABLE tokenhouse.idempotency_keys IS
    'What makes a caller''s repeated write harmless: its key, the operation that it named, '
    'a hash of its payload. Pruned.';
CREATE INDEX idempotency_keys_by_age ON tokenhouse.idempotency_keys USING brin (at);

-- Rows as a batch sends them: one array of rows costs a third less than an array for every column. A type
-- never changes, for the release before must go on writing: a column more is a new type.

CREATE TYPE tokenhouse.changed_balance AS (
    cell smallint, account bigint, plan text, state text, version bigint, seq bigint, chain bytea,
    "left" bigint, held bigint, debt bigint, used bigint, used_total bigint, turns bigint, granted bigint,
    drawn bigint, expired bigint, clawed bigint, charged bigint, forgiven bigint, bought bigint,
    period_start_at bigint, period_end_at bigint, rolled_at bigint, due_at bigint, lapses_at bigint,
    lots json, counters json, open json,
    was bigint
);
COMMENT ON TYPE tokenhouse.changed_balance IS
    'What a batch makes of one balance, which it read as version `was`.';

CREATE TYPE tokenhouse.new_entry AS (
    cell smallint, account bigint, seq bigint, at timestamptz, kind text, amount bigint, balance_after bigint,
    charge bigint, lots json, operation uuid, model text, usage json, rate integer, source text, actor text,
    note text, facts json, hash bytea
);
COMMENT ON TYPE tokenhouse.new_entry IS 'One line of the journal to be.';

CREATE TYPE tokenhouse.new_key AS (
    cell smallint, account bigint, key text, operation uuid, digest bytea, at timestamptz
);
COMMENT ON TYPE tokenhouse.new_key IS 'One idempotency key to be.';

CREATE TABLE tokenhouse.orders (
    cell           smallint NOT NULL,
    id             uuid NOT NULL,
    account        bigint NOT NULL,
    type           text NOT NULL CONSTRAINT orders_type_is_known CHECK (type IN ('purchase', 'bonus',
    'refund')),
    state          text NOT NULL
                   CONSTRAINT orders_state_is_known CHECK (state IN ('pending', 'completed', 'failed',
                   'refunded')),
    credit         bigint NOT NULL CONSTRAINT orders_credit_is_positive CHECK (credit > 0),
    price_minor    bigint NOT NULL DEFAULT 0 CONSTRAINT orders_price_not_negative CHECK (price_minor >= 0),
    currency       text NOT NULL DEFAULT 'KRW'
                   CONSTRAINT orders_currency_is_known CHECK (currency IN ('KRW', 'USD', 'EUR', 'JPY')),
    method         text NOT NULL DEFAULT '',
    transaction_id text NOT NULL DEFAULT '',
    note           text NOT NULL DEFAULT '',
    created_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    PRIMARY KEY (cell, id),
    CONSTRAINT orders_ended_unless_pending CHECK ((state = 'pending') = (ended_at IS NULL))
);
COMMENT ON TABLE tokenhouse.orders IS
    'Where bought and given credit came from. The grant of an order carries the order''s id.';
CREATE INDEX orders_by_account ON tokenhouse.orders (cell, account, created_at);
CREATE UNIQUE INDEX orders_one_per_transaction ON tokenhouse.orders (cell, method, transaction_id)
    WHERE transaction_id <> '';

CREATE TABLE tokenhouse.chat_sessions (
    cell       smallint NOT NULL,
    account    bigint NOT NULL,
    id         text NOT NULL,
    title      text NOT NULL DEFAULT '',
    tokens     bigint NOT NULL DEFAULT 0 CONSTRAINT chat_sessions_tokens_not_negative CHECK (tokens >= 0),
    turns      bigint NOT NULL DEFAULT 0 CONSTRAINT chat_sessions_turns_not_negative CHECK (turns >= 0),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (cell, account, id)
);
COMMENT ON TABLE tokenhouse.chat_sessions IS
    'Conversations and what they used: `verify` holds them against the journal.';

CREATE FUNCTION tokenhouse.add_month(first timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    start_at  timestamptz := date_trunc('month', first, 'UTC');
    end_at    timestamptz := date_trunc('month', start_at + interval '32 days', 'UTC');
    partition text := 'entries_' || to_char(start_at AT TIME ZONE 'UTC', 'YYYY_MM');
BEGIN
    IF to_regclass('tokenhouse.' || partition) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('tokenhouse.add_month'));
    -- A month that has begun in the default partition stays there: entries do not move.
    IF EXISTS (SELECT FROM tokenhouse.entries_default e WHERE e.at >= start_at AND e.at < end_at) THEN
        RETURN;
    END IF;
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS tokenhouse.%I PARTITION OF tokenhouse.entries
         FOR VALUES FROM (%L) TO (%L)',
        partition, start_at, end_at);
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER entries_are_not_emptied BEFORE TRUNCATE ON tokenhouse.%I
         FOR EACH STATEMENT EXECUTE FUNCTION tokenhouse.refuse_change()', partition);
END
$$;
COMMENT ON FUNCTION tokenhouse.add_month IS
    'Make the journal''s partition of the month (UTC) that holds the given moment.';

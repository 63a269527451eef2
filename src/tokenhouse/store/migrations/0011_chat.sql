-- The built-in chat. A turn is two messages with numbers that follow each other: the question is written
-- before the model is called, the answer in the transaction of its charge, with the session's figures. So a
-- session never says anything else than its entries do, whenever a process dies.

ALTER TABLE tokenhouse.chat_sessions
    ADD COLUMN model text NOT NULL DEFAULT '',
    ADD COLUMN asked integer NOT NULL DEFAULT 0,
    ADD COLUMN metered bigint NOT NULL DEFAULT 0,
    ADD COLUMN charged bigint NOT NULL DEFAULT 0,
    ADD COLUMN updated_at timestamptz,
    ADD COLUMN archived_at timestamptz,
    ADD COLUMN erased_at timestamptz,
    ADD CONSTRAINT chat_sessions_asked_not_negative CHECK (asked >= 0) NOT VALID,
    ADD CONSTRAINT chat_sessions_used_what_was_metered CHECK (metered BETWEEN 0 AND tokens) NOT VALID,
    ADD CONSTRAINT chat_sessions_charged_not_negative CHECK (charged >= 0) NOT VALID;
COMMENT ON COLUMN tokenhouse.chat_sessions.asked IS
    'Questions so far, the unanswered ones too: it numbers them.';
COMMENT ON COLUMN tokenhouse.chat_sessions.metered IS
    'Tokens of the entries that name this session; `tokens` also counts what was imported with it.';
COMMENT ON COLUMN tokenhouse.chat_sessions.charged IS 'What those entries charged.';
CREATE INDEX chat_sessions_newest_first
    ON tokenhouse.chat_sessions (cell, account, (coalesce(updated_at, created_at)), id);

CREATE TABLE tokenhouse.chat_messages (
    cell      smallint NOT NULL,
    account   bigint NOT NULL,
    session   text NOT NULL,
    seq       integer NOT NULL CONSTRAINT chat_messages_seq_is_positive CHECK (seq > 0),
    role      text NOT NULL,
    content   text NOT NULL,
    length    integer NOT NULL CONSTRAINT chat_messages_length_not_negative CHECK (length >= 0),
    tokens    bigint NOT NULL DEFAULT 0 CONSTRAINT chat_messages_tokens_not_negative CHECK (tokens >= 0),
    charge    bigint NOT NULL DEFAULT 0 CONSTRAINT chat_messages_charge_not_negative CHECK (charge >= 0),
    usage     json,
    model     text NOT NULL,
    operation uuid NOT NULL,
    key       text NOT NULL DEFAULT '',
    ended     text NOT NULL DEFAULT '',
    at        timestamptz NOT NULL,
    PRIMARY KEY (cell, account, session, seq),
    CONSTRAINT chat_messages_take_turns CHECK (role = CASE seq % 2 WHEN 1 THEN 'user' ELSE 'assistant' END)
);
COMMENT ON TABLE tokenhouse.chat_messages IS
    'What was said: `length` in tokens of its own, `tokens` and `charge` of the whole turn at its answer.';
CREATE UNIQUE INDEX chat_messages_one_per_key ON tokenhouse.chat_messages (cell, account, session, key)
    WHERE key <> '';

-- The service: by what people find accounts and entries, and the long works that they start over it.
-- An index over the journal costs every call, so none does here: one holds only what is no call, and one is
-- a summary of pages. What either cannot answer is found by walking an account's own lines, in short pages.

CREATE INDEX accounts_by_ref ON tokenhouse.accounts ((lower(ref) COLLATE "C"), cell, id);
CREATE INDEX accounts_by_email ON tokenhouse.accounts ((lower(email) COLLATE "C"), cell, id)
    WHERE email <> '';
CREATE INDEX accounts_by_name ON tokenhouse.accounts ((lower(name) COLLATE "C"), cell, id)
    WHERE name <> '';
CREATE INDEX accounts_by_parent ON tokenhouse.accounts (cell, parent, id) WHERE parent IS NOT NULL;

CREATE INDEX entries_of_credit ON tokenhouse.entries (cell, account, seq)
    WHERE kind NOT IN ('charge', 'use', 'release', 'lapse');
CREATE INDEX entries_by_time ON tokenhouse.entries USING brin (at) WITH (pages_per_range = 32);

CREATE TABLE tokenhouse.verifications (
    id            uuid PRIMARY KEY,
    account       text,
    cell          smallint,
    state         text NOT NULL CONSTRAINT verifications_state_is_known
                  CHECK (state IN ('running', 'clean', 'broken', 'failed', 'lost')),
    started_at    timestamptz NOT NULL,
    started_by    text NOT NULL,
    seen_at       timestamptz NOT NULL,
    ended_at      timestamptz,
    entries_total bigint NOT NULL CONSTRAINT verifications_total_not_negative CHECK (entries_total >= 0),
    entries_read  bigint NOT NULL DEFAULT 0,
    verdict       json,
    CONSTRAINT verifications_ended_unless_running CHECK ((state = 'running') = (ended_at IS NULL))
);
COMMENT ON TABLE tokenhouse.verifications IS
    'Each time that all laws were held against the journal on demand: how far it is, and what it found.';
CREATE UNIQUE INDEX verifications_one_at_a_time ON tokenhouse.verifications ((true)) WHERE state = 'running';
CREATE INDEX verifications_by_time ON tokenhouse.verifications (started_at);

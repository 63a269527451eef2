-- Works: whatever takes long and is started by a person stands in one table, whichever kind it is. And what
-- the roll-ups do not have yet is said once, as a view.

CREATE TABLE tokenhouse.works (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL CONSTRAINT works_kind_is_known
               CHECK (kind IN ('verify', 'simulate', 'import', 'samples')),
    asked      json NOT NULL,
    state      text NOT NULL CONSTRAINT works_state_is_known
               CHECK (state IN ('running', 'waiting', 'done', 'failed', 'cancelled', 'lost')),
    started_at timestamptz NOT NULL,
    started_by text NOT NULL,
    seen_at    timestamptz NOT NULL,
    ended_at   timestamptz,
    total      bigint NOT NULL DEFAULT 0 CONSTRAINT works_total_not_negative CHECK (total >= 0),
    done       bigint NOT NULL DEFAULT 0,
    outcome    json,
    problem    json,
    CONSTRAINT works_ended_unless_open CHECK ((state IN ('running', 'waiting')) = (ended_at IS NULL))
);
COMMENT ON TABLE tokenhouse.works IS
    'Long works that people started: what was asked for, how far it is, what came out. One that runs says '
    'every second that its node lives; one that waits does so for a person.';
CREATE UNIQUE INDEX works_one_of_a_kind ON tokenhouse.works (kind)
    WHERE state = 'running' OR (kind = 'samples' AND state = 'done');
COMMENT ON INDEX tokenhouse.works_one_of_a_kind IS
    'One of a kind is under way at a time; sample data are loaded once, for good.';
CREATE INDEX works_by_time ON tokenhouse.works (kind, started_at, id);

CREATE TABLE tokenhouse.work_files (
    work    uuid PRIMARY KEY REFERENCES tokenhouse.works ON DELETE CASCADE,
    content bytea NOT NULL
);
COMMENT ON TABLE tokenhouse.work_files IS
    'What was sent for a work, until it has ended: any node may take it up, and nobody keeps it for longer.';

INSERT INTO tokenhouse.works (id, kind, asked, state, started_at, started_by, seen_at, ended_at, total, done,
                              outcome)
SELECT id, 'verify', json_build_object('account', account, 'cell', cell),
       CASE WHEN state IN ('clean', 'broken') THEN 'done' WHEN state = 'running' THEN 'lost' ELSE state END,
       started_at, started_by, seen_at, coalesce(ended_at, seen_at), entries_total, entries_read, verdict
FROM tokenhouse.verifications;
INSERT INTO tokenhouse.works (id, kind, asked, state, started_at, started_by, seen_at, ended_at, total, done,
                              outcome, problem)
SELECT id, 'simulate', json_build_object('source', source, 'plans', plans),
       CASE WHEN state = 'running' THEN 'lost' ELSE state END,
       started_at, started_by, seen_at, coalesce(ended_at, seen_at), steps_total, steps_done,
       outcome -> 'outcome',
       CASE WHEN outcome ->> 'reason' <> ''
            THEN json_build_object('reason', outcome ->> 'reason',
                                   'facts', coalesce(outcome -> 'facts', '{}'::json)) END
FROM tokenhouse.simulations;
INSERT INTO tokenhouse.works (id, kind, asked, state, started_at, started_by, seen_at, ended_at, outcome)
SELECT gen_random_uuid(), 'samples', '{}', 'done', at, actor, at, at, after
FROM tokenhouse.audit_log
WHERE subject = 'samples' AND action = 'samples.loaded'
LIMIT 1;
DROP TABLE tokenhouse.verifications;
DROP TABLE tokenhouse.simulations;

CREATE VIEW tokenhouse.usage_unfolded AS
SELECT c.*
FROM tokenhouse.usage_tails w
CROSS JOIN LATERAL (
    SELECT * FROM tokenhouse.entry_usage e
    WHERE e.cell = w.cell AND e.account = w.account AND e.seq > w.after OFFSET 0
) c;
COMMENT ON VIEW tokenhouse.usage_unfolded IS
    'What no roll-up has yet, entry by entry. The fence `offset 0` goes to the journal account by account.';

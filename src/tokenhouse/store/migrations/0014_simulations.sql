-- Simulations that people start from a page: kept, so that a page that is loaded again, or another node, sees
-- how far one is and what came out.

CREATE TABLE tokenhouse.simulations (
    id            uuid PRIMARY KEY,
    source        text NOT NULL CONSTRAINT simulations_source_is_known
                  CHECK (source IN ('sample', 'trace', 'history')),
    plans         text[] NOT NULL,
    state         text NOT NULL CONSTRAINT simulations_state_is_known
                  CHECK (state IN ('running', 'done', 'failed', 'lost')),
    started_at    timestamptz NOT NULL,
    started_by    text NOT NULL,
    seen_at       timestamptz NOT NULL,
    ended_at      timestamptz,
    steps_total   bigint NOT NULL DEFAULT 0
        CONSTRAINT simulations_total_not_negative CHECK (steps_total >= 0),
    steps_done    bigint NOT NULL DEFAULT 0,
    outcome       json,
    CONSTRAINT simulations_ended_unless_running CHECK ((state = 'running') = (ended_at IS NULL))
);
COMMENT ON TABLE tokenhouse.simulations IS
    'Each time that a trace was run under plans on demand: how far it is, and what became of it. Pruned.';
CREATE UNIQUE INDEX simulations_one_at_a_time ON tokenhouse.simulations ((true)) WHERE state = 'running';
CREATE INDEX simulations_by_time ON tokenhouse.simulations (started_at);

-- Prices that a person must see before they hold. They stand apart from `rates`, so that a release that knows
-- nothing of the quarantine never charges by one. A decision is kept: what was refused is not asked again.

CREATE TABLE tokenhouse.rates_held (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document   json NOT NULL,
    listed     boolean NOT NULL,
    created_at timestamptz NOT NULL,
    actor      text NOT NULL DEFAULT '',
    decided_at timestamptz,
    decided_by text NOT NULL DEFAULT '',
    rate       integer REFERENCES tokenhouse.rates
        CONSTRAINT rates_held_accepted_by_decision CHECK (rate IS NULL OR decided_at IS NOT NULL)
);
COMMENT ON TABLE tokenhouse.rates_held IS
    'Suspicious prices: undecided, accepted as the rate of that version, or discarded.';

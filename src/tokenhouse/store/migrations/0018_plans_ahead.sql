-- Plans ahead: a version may hold from a later instant on. Until now each held from its writing on, and so
-- does each that stands, and each that names no start.

ALTER TABLE tokenhouse.plans
    ADD COLUMN starts_at timestamptz,
    ADD COLUMN withdrawn_at timestamptz,
    ADD COLUMN withdrawn_by text NOT NULL DEFAULT '',
    ADD CONSTRAINT plans_begin_at_once CHECK (version > 1 OR starts_at IS NULL) NOT VALID,
    ADD CONSTRAINT plans_start_after_they_are_written CHECK (starts_at > created_at) NOT VALID,
    ADD CONSTRAINT plans_are_withdrawn_before_they_start
        CHECK (withdrawn_at IS NULL OR (starts_at IS NOT NULL AND withdrawn_at < starts_at)) NOT VALID;
COMMENT ON TABLE tokenhouse.plans IS
    'Terms of accounts: documents, never overwritten; of those that have started the latest counts.';
COMMENT ON COLUMN tokenhouse.plans.starts_at IS 'From when on it holds; null: from its writing on.';
COMMENT ON COLUMN tokenhouse.plans.withdrawn_at IS 'When it was called off, before it started.';

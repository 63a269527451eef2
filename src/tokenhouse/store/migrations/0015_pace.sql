-- Pace: how many calls went through and how many were refused in the last minutes, for who watches. And a
-- verification may be called off.

CREATE TABLE tokenhouse.calls_recent (
    slot    timestamptz PRIMARY KEY,
    allowed bigint NOT NULL CONSTRAINT calls_recent_allowed_not_negative CHECK (allowed >= 0),
    refused bigint NOT NULL CONSTRAINT calls_recent_refused_not_negative CHECK (refused >= 0)
);
COMMENT ON TABLE tokenhouse.calls_recent IS
    'Calls of all nodes by ten seconds, of the last hour. Each process adds what it counted every few '
    'seconds; a crash loses the last ones. The journal is the truth of what was charged.';

ALTER TABLE tokenhouse.verifications DROP CONSTRAINT verifications_state_is_known;
ALTER TABLE tokenhouse.verifications ADD CONSTRAINT verifications_state_is_known
    CHECK (state IN ('running', 'clean', 'broken', 'failed', 'lost', 'cancelled')) NOT VALID;
ALTER TABLE tokenhouse.verifications VALIDATE CONSTRAINT verifications_state_is_known;

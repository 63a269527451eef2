-- Jobs: work that the clock asks for, done once over any number of nodes. A node claims a slot (the time at
-- which a job was due) by writing its run, and holds it by a lease: where the node dies, the lease ends and
-- another one takes the slot over. That nobody else has it is kept here, whatever the nodes believe.

CREATE TABLE tokenhouse.jobs (
    name text PRIMARY KEY,
    slot timestamptz
);
COMMENT ON TABLE tokenhouse.jobs IS
    'A row for each job, locked by whoever claims; slot is the last one that the schedule has begun.';

CREATE TABLE tokenhouse.job_runs (
    id          uuid PRIMARY KEY,
    job         text NOT NULL REFERENCES tokenhouse.jobs,
    slot        timestamptz NOT NULL,
    attempt     integer NOT NULL CONSTRAINT job_runs_attempt_is_positive CHECK (attempt > 0),
    node        text NOT NULL,
    asked_by    text NOT NULL DEFAULT '',
    started_at  timestamptz NOT NULL,
    lease_until timestamptz NOT NULL,
    ended_at    timestamptz,
    outcome     text NOT NULL
        CONSTRAINT job_runs_outcome_is_known CHECK (outcome IN ('running', 'done', 'failed', 'lost')),
    result      json,
    error       text NOT NULL DEFAULT '',
    CONSTRAINT job_runs_ended_unless_running CHECK ((outcome = 'running') = (ended_at IS NULL))
);
COMMENT ON TABLE tokenhouse.job_runs IS
    'Runs of jobs: the slot, who ran it, by whom it was asked for by hand ("" for the schedule), how it '
    'ended.';
CREATE UNIQUE INDEX job_runs_one_per_slot ON tokenhouse.job_runs (job, slot) WHERE asked_by = '';
CREATE UNIQUE INDEX job_runs_one_at_work ON tokenhouse.job_runs (job) WHERE outcome = 'running';
CREATE INDEX job_runs_by_start ON tokenhouse.job_runs (job, started_at, id);

-- Roll-ups: the journal added up hour by hour, so that a curve over a year reads no ten million entries. They
-- are a cache of the journal and nothing else: every figure is what is folded plus the entries since.
-- An account's entries are numbered without a gap in the order in which they were committed, so one number an
-- account says which of them are folded. Sums of amounts are numeric: no account's nonsense stops the rest.

CREATE TABLE tokenhouse.usage_marks (
    cell    smallint NOT NULL,
    account bigint NOT NULL,
    seq     bigint NOT NULL CONSTRAINT usage_marks_seq_is_positive CHECK (seq > 0),
    PRIMARY KEY (cell, account)
) WITH (fillfactor = 70);
COMMENT ON TABLE tokenhouse.usage_marks IS
    'Up to which entry each account is folded into the roll-ups.';

CREATE TABLE tokenhouse.usage_folds (
    cell smallint PRIMARY KEY
);
COMMENT ON TABLE tokenhouse.usage_folds IS
    'One row a cell: who folds the cell''s entries holds it locked, so that nobody else does meanwhile.';
INSERT INTO tokenhouse.usage_folds SELECT generate_series(0, 63);

CREATE TABLE tokenhouse.usage_hourly (
    cell          smallint NOT NULL,
    account       bigint NOT NULL,
    hour          timestamptz NOT NULL,
    model         text NOT NULL,
    api_key       text NOT NULL,
    turns         bigint NOT NULL CONSTRAINT usage_hourly_turns_not_negative CHECK (turns >= 0),
    tokens_input  numeric NOT NULL,
    tokens_output numeric NOT NULL,
    tokens        numeric NOT NULL
        CONSTRAINT usage_hourly_tokens_hold_their_parts CHECK (tokens >= tokens_input + tokens_output),
    charged       numeric NOT NULL,
    PRIMARY KEY (cell, account, hour, model, api_key)
);
COMMENT ON TABLE tokenhouse.usage_hourly IS
    'What an account used, and what was used below it, by hour, model and API key.';

CREATE TABLE tokenhouse.usage_totals (
    cell           smallint NOT NULL,
    hour           timestamptz NOT NULL,
    model          text NOT NULL,
    turns          bigint NOT NULL CONSTRAINT usage_totals_turns_not_negative CHECK (turns >= 0),
    input          numeric NOT NULL,
    cached_input   numeric NOT NULL,
    cache_write    numeric NOT NULL,
    cache_write_1h numeric NOT NULL,
    output         numeric NOT NULL,
    reasoning      numeric NOT NULL,
    audio_input    numeric NOT NULL,
    audio_output   numeric NOT NULL,
    tokens         numeric NOT NULL,
    charged        numeric NOT NULL,
    renewed        bigint NOT NULL CONSTRAINT usage_totals_renewed_not_negative CHECK (renewed >= 0),
    PRIMARY KEY (cell, hour, model),
    CONSTRAINT usage_totals_tokens_hold_their_kinds CHECK (tokens >= input + cached_input + cache_write
        + cache_write_1h + output + reasoning + audio_input + audio_output)
);
COMMENT ON TABLE tokenhouse.usage_totals IS
    'What all accounts of a cell used, by hour and model; each call once, where it was paid.';

CREATE TABLE tokenhouse.refusals_daily (
    cell    smallint NOT NULL,
    account bigint NOT NULL,
    day     date NOT NULL,
    code    text NOT NULL,
    refused bigint NOT NULL CONSTRAINT refusals_daily_count_something CHECK (refused > 0),
    PRIMARY KEY (cell, account, day, code)
);
COMMENT ON TABLE tokenhouse.refusals_daily IS
    'How often an account was refused, by the deployment''s day. The journal knows nothing of it, so the '
    'processes count; a crash loses the last seconds of this figure.';
CREATE INDEX refusals_daily_by_day ON tokenhouse.refusals_daily (day);

CREATE VIEW tokenhouse.entry_usage AS
SELECT e.cell, e.account, e.seq, e.at, e.kind,
       e.kind IN ('charge', 'refund', 'period') AS once,
       coalesce(o.model, e.model) AS model,
       coalesce(substring(coalesce(o.actor, e.actor) FROM '^key[ :](.+)$'), '') AS api_key,
       CASE WHEN e.kind IN ('charge', 'use') THEN coalesce((e.facts ->> 'turns')::bigint, 1)
            ELSE 0 END AS turns,
       CASE WHEN e.usage IS NOT NULL
            THEN coalesce(u.input, 0) + coalesce(u.cached_input, 0) + coalesce(u.cache_write, 0)
               + coalesce(u.cache_write_1h, 0) + coalesce(u.output, 0) + coalesce(u.reasoning, 0)
               + coalesce(u.audio_input, 0) + coalesce(u.audio_output, 0) END AS tokens,
       coalesce(u.input, 0) AS input,
       coalesce(u.cached_input, 0) AS cached_input,
       coalesce(u.cache_write, 0) AS cache_write,
       coalesce(u.cache_write_1h, 0) AS cache_write_1h,
       coalesce(u.output, 0) AS output,
       coalesce(u.reasoning, 0) AS reasoning,
       coalesce(u.audio_input, 0) AS audio_input,
       coalesce(u.audio_output, 0) AS audio_output,
       e.charge AS charged,
       CASE WHEN e.kind = 'use' AND e.charge = 0 AND e.facts ->> 'late' IS NULL
            THEN coalesce((e.facts ->> 'settled')::bigint, 0)
            WHEN e.kind IN ('charge', 'use') THEN e.charge ELSE 0 END AS cost,
       (e.kind = 'period')::integer AS renewed
FROM tokenhouse.entries e
LEFT JOIN LATERAL json_to_record(e.usage) AS u (input numeric, cached_input numeric, cache_write numeric,
    cache_write_1h numeric, output numeric, reasoning numeric, audio_input numeric, audio_output numeric)
    ON true
LEFT JOIN LATERAL (
    SELECT c.model, c.actor FROM tokenhouse.entries c
    WHERE e.kind IN ('refund', 'unuse') AND c.cell = e.cell AND c.operation = e.operation
      AND c.account = e.account AND c.kind IN ('charge', 'use')
    LIMIT 1
) o ON true
WHERE e.kind IN ('charge', 'use', 'refund', 'unuse', 'period');
COMMENT ON VIEW tokenhouse.entry_usage IS
    'What one entry adds to the roll-ups: said here once, for what is folded and for what is not yet. A '
    'refund counts for the model and the key of its charge. `once`: of a call''s entries up its tree, the '
    'payer''s. `tokens` is null where the usage is not known. `cost`: of the call, also above its payer.';

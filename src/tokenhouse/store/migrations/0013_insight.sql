-- Insight at a million accounts: what is not folded yet is known without a look at every account, the
-- greatest users without a sum over all, and an account is found by any part of its name.

CREATE TABLE tokenhouse.usage_waiting (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cells    smallint[] NOT NULL,
    accounts bigint[] NOT NULL
);
COMMENT ON TABLE tokenhouse.usage_waiting IS
    'Whose journals grew since the last fold: a row a batch, written by the statement that writes the '
    'entries, and taken away when they are folded. Cells and accounts belong together one by one.';

CREATE VIEW tokenhouse.usage_tails AS
SELECT w.cell, w.account, coalesce(m.seq, 0) AS after, b.seq
FROM (
    SELECT DISTINCT u.cell, u.account
    FROM tokenhouse.usage_waiting n
    CROSS JOIN LATERAL unnest(n.cells, n.accounts) AS u (cell, account)
) w
CROSS JOIN LATERAL (
    SELECT s.seq FROM tokenhouse.balances s WHERE s.cell = w.cell AND s.account = w.account OFFSET 0
) b
LEFT JOIN LATERAL (
    SELECT s.seq FROM tokenhouse.usage_marks s WHERE s.cell = w.cell AND s.account = w.account OFFSET 0
) m ON true
WHERE b.seq > coalesce(m.seq, 0);
COMMENT ON VIEW tokenhouse.usage_tails IS
    'Accounts whose journals go further than the roll-ups, and which of their entries those are: above '
    '`after`, up to `seq`. It costs as much as waits, however many accounts there are.';

INSERT INTO tokenhouse.usage_waiting (cells, accounts)
SELECT array_agg(w.cell), array_agg(w.account)
FROM (
    SELECT b.cell, b.account, row_number() OVER () / 1000 AS page
    FROM tokenhouse.balances b
    LEFT JOIN tokenhouse.usage_marks m ON m.cell = b.cell AND m.account = b.account
    WHERE b.seq > coalesce(m.seq, 0)
) w
GROUP BY w.page;

CREATE TABLE tokenhouse.usage_monthly (
    cell    smallint NOT NULL,
    account bigint NOT NULL,
    month   date NOT NULL,
    charged numeric NOT NULL CONSTRAINT usage_monthly_charged_not_negative CHECK (charged >= 0),
    PRIMARY KEY (cell, account, month)
);
COMMENT ON TABLE tokenhouse.usage_monthly IS
    'At least what an account was charged within a month of whatever zone, refunds left out: who is not '
    'among the first by this need not be looked at by whoever asks for the greatest users.';
INSERT INTO tokenhouse.usage_monthly (cell, account, month, charged)
SELECT h.cell, h.account, m.month, sum(h.charged)
FROM tokenhouse.usage_hourly h
CROSS JOIN LATERAL (
    SELECT DISTINCT date_trunc('month', h.hour AT TIME ZONE 'UTC' + e.edge)::date AS month
    FROM unnest(ARRAY[interval '-14 hours', interval '14 hours']) AS e (edge)
) m
WHERE h.charged > 0
GROUP BY h.cell, h.account, m.month;
CREATE INDEX usage_monthly_by_charge ON tokenhouse.usage_monthly (month, charged DESC, cell, account);

CREATE FUNCTION tokenhouse.pairs(said text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT array_agg(DISTINCT u.one || u.next)
    FROM (SELECT string_to_array(lower(said), NULL) AS letters) s
    CROSS JOIN LATERAL unnest(s.letters, s.letters[2:]) AS u (one, next)
    WHERE u.next IS NOT NULL
);
COMMENT ON FUNCTION tokenhouse.pairs IS
    'All neighbouring letters of a text, in lower case: whoever contains a text contains its pairs. Of any '
    'writing, from two letters on; trigrams would ask for three, for an extension, and for a locale.';
CREATE INDEX accounts_by_part ON tokenhouse.accounts
    USING gin (tokenhouse.pairs(ref || chr(10) || email || chr(10) || name))
    WITH (gin_pending_list_limit = 512);
CREATE INDEX accounts_by_age ON tokenhouse.accounts USING brin (created_at) WITH (pages_per_range = 32);

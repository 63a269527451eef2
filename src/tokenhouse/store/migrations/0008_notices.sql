-- Notices: what an account is told, once; and their deliveries over channels, which are tried again. Laws: a
-- level is told once in a round (a period, or where a plan knows none the credit given so far), and never
-- twice within 24 hours. The first is a unique constraint, the second a row for each account and level that
-- is only ever moved on by a guarded statement, however many nodes run it.

CREATE TABLE tokenhouse.notices (
    cell    smallint NOT NULL,
    account bigint NOT NULL,
    id      uuid NOT NULL,
    kind    text NOT NULL
            CONSTRAINT notices_kind_is_known CHECK (kind IN ('level', 'bought', 'expiring', 'suspended')),
    subject text NOT NULL,
    round   bigint NOT NULL DEFAULT 0,
    level   text NOT NULL DEFAULT '',
    percent bigint NOT NULL DEFAULT 0 CONSTRAINT notices_percent_not_negative CHECK (percent >= 0),
    at      timestamptz NOT NULL,
    read_at timestamptz,
    facts   json NOT NULL,
    PRIMARY KEY (cell, account, id),
    CONSTRAINT notices_once_for_each_subject_and_round UNIQUE (cell, account, kind, subject, round),
    CONSTRAINT notices_level_only_of_levels CHECK ((kind = 'level') = (level <> ''))
);
COMMENT ON TABLE tokenhouse.notices IS
    'What accounts are told. `subject` is what it is about: a share of a level, a grant, a lot; `percent` is '
    'in hundredths. Sentences are made when it is read, in the reader''s language, of the facts.';
CREATE INDEX notices_by_id ON tokenhouse.notices (id);
CREATE INDEX notices_unread ON tokenhouse.notices (cell, account) WHERE read_at IS NULL;

CREATE TABLE tokenhouse.notice_marks (
    cell    smallint NOT NULL,
    account bigint NOT NULL,
    share   integer NOT NULL
            CONSTRAINT notice_marks_share_is_positive CHECK (share BETWEEN 1 AND 1000000),
    round   bigint NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (cell, account, share)
);
COMMENT ON TABLE tokenhouse.notice_marks IS
    'When each level of an account was last told, and in which round: what the rule of 24 hours stands on.';

CREATE TABLE tokenhouse.notice_settings (
    cell     smallint NOT NULL,
    account  bigint NOT NULL,
    levels   integer[] CONSTRAINT notice_settings_levels_are_shares
             CHECK (1 <= ALL (levels) AND 1000000 >= ALL (levels)),
    by_email boolean NOT NULL DEFAULT true,
    PRIMARY KEY (cell, account)
);
COMMENT ON TABLE tokenhouse.notice_settings IS
    'What an account wants otherwise than its plan: the shares at which it is told (null: the plan''s).';

CREATE TABLE tokenhouse.endpoints (
    id                  uuid PRIMARY KEY,
    cell                smallint,
    account             bigint,
    ref                 text NOT NULL DEFAULT '',
    channel             text NOT NULL
                        CONSTRAINT endpoints_channel_is_known CHECK (channel IN ('webhook', 'service')),
    name                text NOT NULL,
    url                 text NOT NULL,
    kinds               text[] NOT NULL,
    secret              text NOT NULL DEFAULT '',
    secret_before       text NOT NULL DEFAULT '',
    secret_before_until timestamptz,
    created_at          timestamptz NOT NULL,
    created_by          text NOT NULL,
    disabled_at         timestamptz,
    disabled_why        text NOT NULL DEFAULT '',
    CONSTRAINT endpoints_webhook_is_signed CHECK ((channel = 'webhook') = (secret <> '')),
    CONSTRAINT endpoints_of_all_or_of_one CHECK ((cell IS NULL) = (account IS NULL))
);
COMMENT ON TABLE tokenhouse.endpoints IS
    'Where notices go besides e-mail: of all accounts, or of one. Its secret signs, so it is kept as it is; '
    'no answer, log or error ever shows it, nor an address with a query.';
CREATE INDEX endpoints_by_account ON tokenhouse.endpoints (cell, account);

CREATE TABLE tokenhouse.deliveries (
    cell       smallint NOT NULL,
    id         uuid NOT NULL,
    account    bigint NOT NULL,
    notice     uuid,
    channel    text NOT NULL
               CONSTRAINT deliveries_channel_is_known CHECK (channel IN ('email', 'webhook', 'service')),
    endpoint   uuid,
    target     text NOT NULL,
    payload    json NOT NULL,
    state      text NOT NULL DEFAULT 'pending'
               CONSTRAINT deliveries_state_is_known CHECK (state IN ('pending', 'sent', 'dead')),
    attempts   integer NOT NULL DEFAULT 0
               CONSTRAINT deliveries_attempts_not_negative CHECK (attempts >= 0),
    next_at    timestamptz NOT NULL,
    leased_by  uuid,
    created_at timestamptz NOT NULL,
    ended_at   timestamptz,
    error      text NOT NULL DEFAULT '',
    PRIMARY KEY (cell, id),
    CONSTRAINT deliveries_ended_unless_pending CHECK ((state = 'pending') = (ended_at IS NULL)),
    CONSTRAINT deliveries_endpoint_unless_email CHECK ((channel = 'email') = (endpoint IS NULL))
) WITH (fillfactor = 80);
COMMENT ON TABLE tokenhouse.deliveries IS
    'Notices on their way: written with the notice, sent by whichever node takes a lease of it. While one '
    'tries, `next_at` is the end of its lease.';
CREATE INDEX deliveries_due ON tokenhouse.deliveries (next_at) WHERE state = 'pending';
CREATE INDEX deliveries_by_id ON tokenhouse.deliveries (id);
CREATE INDEX deliveries_dead ON tokenhouse.deliveries (id) WHERE state = 'dead';
CREATE INDEX deliveries_by_endpoint ON tokenhouse.deliveries (endpoint) WHERE state = 'pending';

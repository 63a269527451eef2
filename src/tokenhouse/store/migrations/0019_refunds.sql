-- Refunds at payment providers: what each has given back, by its own names, so that one that came to nothing
-- is undone once; and our own tries, so that one of which nobody knows what became of it is asked for again
-- as the same, and one that was refused as another.

ALTER TABLE tokenhouse.orders ADD COLUMN refunds_failed integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN tokenhouse.orders.refunds_failed IS
    'How many of its refunds came to nothing after they were told of: what they changed was undone.';

CREATE TABLE tokenhouse.refunds (
    provider text NOT NULL,
    ref      text NOT NULL CONSTRAINT refunds_ref_says_something CHECK (ref <> ''),
    cell     smallint NOT NULL,
    order_id uuid NOT NULL,
    minor    bigint NOT NULL CONSTRAINT refunds_give_something CHECK (minor > 0),
    state    text NOT NULL
             CONSTRAINT refunds_state_is_known CHECK (state IN ('made', 'failed', 'corrected')),
    at       timestamptz NOT NULL,
    PRIMARY KEY (provider, ref)
);
COMMENT ON TABLE tokenhouse.refunds IS
    'Refunds that a provider told of. `failed`: its money stayed, and the order still counts it; '
    '`corrected`: the order does not.';
CREATE INDEX refunds_by_order ON tokenhouse.refunds (order_id);

CREATE TABLE tokenhouse.refund_tries (
    cell     smallint NOT NULL,
    order_id uuid NOT NULL,
    nth      integer NOT NULL CONSTRAINT refund_tries_nth_is_positive CHECK (nth > 0),
    minor    bigint NOT NULL CONSTRAINT refund_tries_give_something CHECK (minor > 0),
    total    bigint NOT NULL,
    note     text NOT NULL,
    state    text NOT NULL
             CONSTRAINT refund_tries_state_is_known CHECK (state IN ('open', 'given', 'refused', 'lost')),
    at       timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (cell, order_id, nth),
    CONSTRAINT refund_tries_ended_unless_open CHECK ((state = 'open') = (ended_at IS NULL)),
    CONSTRAINT refund_tries_reach_their_total CHECK (total >= minor)
);
COMMENT ON TABLE tokenhouse.refund_tries IS
    'Each time that we asked a provider to give money back: `open` until it is known what became of it. Its '
    'number is part of the key under which the provider was asked.';
CREATE UNIQUE INDEX refund_tries_one_open ON tokenhouse.refund_tries (cell, order_id) WHERE state = 'open';

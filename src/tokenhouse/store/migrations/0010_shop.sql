-- The shop: what can be bought, who pays for it and how, and what payment providers told us. An order stays
-- what it was, the place where credit comes from; it now knows the provider that it waits for, what was
-- bought, and what of it was given back.

ALTER TABLE tokenhouse.orders
    ADD COLUMN provider text NOT NULL DEFAULT '',
    ADD COLUMN provider_ref text NOT NULL DEFAULT '',
    ADD COLUMN package text NOT NULL DEFAULT '',
    ADD COLUMN package_version integer NOT NULL DEFAULT 0,
    ADD COLUMN quantity integer NOT NULL DEFAULT 1,
    ADD COLUMN bonus bigint NOT NULL DEFAULT 0,
    ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN coupon text NOT NULL DEFAULT '',
    ADD COLUMN credit_days integer NOT NULL DEFAULT 0,
    ADD COLUMN subscription uuid,
    ADD COLUMN request_key text NOT NULL DEFAULT '',
    ADD COLUMN refunded_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN refunded_credit bigint NOT NULL DEFAULT 0,
    ADD COLUMN refunded_last bigint NOT NULL DEFAULT 0,
    ADD COLUMN completed_at timestamptz,
    ADD COLUMN ended_by text NOT NULL DEFAULT '',
    ADD COLUMN reason text NOT NULL DEFAULT '',
    DROP CONSTRAINT orders_credit_is_positive,
    ADD CONSTRAINT orders_credit_is_positive
        CHECK (credit > 0 OR (credit = 0 AND subscription IS NOT NULL)) NOT VALID,
    ADD CONSTRAINT orders_bonus_is_part_of_the_credit CHECK (bonus BETWEEN 0 AND credit) NOT VALID,
    ADD CONSTRAINT orders_quantity_is_positive CHECK (quantity > 0) NOT VALID,
    ADD CONSTRAINT orders_discount_not_negative CHECK (discount_minor >= 0) NOT VALID,
    ADD CONSTRAINT orders_credit_days_not_negative CHECK (credit_days >= 0) NOT VALID,
    ADD CONSTRAINT orders_refund_within_the_price CHECK (refunded_minor BETWEEN 0 AND price_minor) NOT VALID,
    ADD CONSTRAINT orders_refund_within_the_credit CHECK (refunded_credit BETWEEN 0 AND credit) NOT VALID,
    ADD CONSTRAINT orders_refunded_only_when_paid
        CHECK (state IN ('completed', 'refunded') OR (refunded_minor = 0 AND refunded_credit = 0)) NOT VALID;
COMMENT ON COLUMN tokenhouse.orders.provider IS
    'Who must say that it is paid: "callback", "stripe", "toss", "manual"; "" where only the house ends it.';
COMMENT ON COLUMN tokenhouse.orders.provider_ref IS
    'What the provider calls it: a checkout session, a payment. Never card data.';
COMMENT ON COLUMN tokenhouse.orders.bonus IS 'How much of `credit` came on top of what was paid for.';
COMMENT ON COLUMN tokenhouse.orders.request_key IS
    'The buyer''s idempotency key: bought again under it, this order is found.';
COMMENT ON COLUMN tokenhouse.orders.refunded_credit IS
    'Credit that was asked back of it so far; `refunded_last` of that by the last refund.';
CREATE INDEX orders_by_id ON tokenhouse.orders (id);
CREATE UNIQUE INDEX orders_one_per_request ON tokenhouse.orders (cell, account, request_key)
    WHERE request_key <> '';
CREATE INDEX orders_by_subscription ON tokenhouse.orders (cell, subscription) WHERE subscription IS NOT NULL;
CREATE INDEX orders_pending ON tokenhouse.orders (created_at) WHERE state = 'pending';

CREATE TABLE tokenhouse.packages (
    name       text NOT NULL,
    version    integer NOT NULL CONSTRAINT packages_version_is_positive CHECK (version > 0),
    document   json NOT NULL,
    created_at timestamptz NOT NULL,
    actor      text NOT NULL DEFAULT '',
    PRIMARY KEY (name, version)
);
COMMENT ON TABLE tokenhouse.packages IS
    'What can be bought: documents, never overwritten; the highest version counts, if it is active.';

CREATE TABLE tokenhouse.coupons (
    code        text PRIMARY KEY CONSTRAINT coupons_code_is_normalised CHECK (code ~ '^[A-Z0-9]{4,40}$'),
    credit      bigint NOT NULL DEFAULT 0,
    discount    integer NOT NULL DEFAULT 0
                CONSTRAINT coupons_discount_is_a_share CHECK (discount BETWEEN 0 AND 10000),
    credit_days integer NOT NULL DEFAULT 0
                CONSTRAINT coupons_credit_days_not_negative CHECK (credit_days >= 0),
    uses_max    integer CONSTRAINT coupons_maximum_is_positive CHECK (uses_max > 0),
    uses        integer NOT NULL DEFAULT 0 CONSTRAINT coupons_uses_not_negative CHECK (uses >= 0),
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz,
    plans       text[] NOT NULL DEFAULT '{}',
    packages    text[] NOT NULL DEFAULT '{}',
    note        text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL,
    actor       text NOT NULL DEFAULT '',
    ended_at    timestamptz,
    CONSTRAINT coupons_give_credit_or_a_discount
        CHECK (credit >= 0 AND (credit > 0) <> (discount > 0)),
    CONSTRAINT coupons_uses_within_the_maximum CHECK (uses <= uses_max),
    CONSTRAINT coupons_end_after_they_begin CHECK (valid_until > valid_from)
);
COMMENT ON TABLE tokenhouse.coupons IS
    'Codes that give credit, or a discount (in ten-thousandths) on what is bought. Once for each account.';

CREATE TABLE tokenhouse.coupon_redemptions (
    cell     smallint NOT NULL,
    account  bigint NOT NULL,
    code     text NOT NULL,
    order_id uuid NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (cell, account, code)
);
COMMENT ON TABLE tokenhouse.coupon_redemptions IS
    'Who used which coupon, for which order: the key says that it is once an account.';
CREATE INDEX coupon_redemptions_by_code ON tokenhouse.coupon_redemptions (code);

CREATE TABLE tokenhouse.subscriptions (
    cell          smallint NOT NULL,
    account       bigint NOT NULL,
    id            uuid NOT NULL,
    package       text NOT NULL,
    plan          text NOT NULL CONSTRAINT subscriptions_carry_a_plan CHECK (plan <> ''),
    former_plan   text NOT NULL,
    every         text NOT NULL CONSTRAINT subscriptions_period_is_known
                  CHECK (every IN ('week', 'month', 'quarter', 'year')),
    price_minor   bigint NOT NULL CONSTRAINT subscriptions_price_not_negative CHECK (price_minor >= 0),
    currency      text NOT NULL
                  CONSTRAINT subscriptions_currency_is_known CHECK (currency IN ('KRW', 'USD', 'EUR', 'JPY')),
    provider      text NOT NULL,
    provider_ref  text NOT NULL DEFAULT '',
    state         text NOT NULL CONSTRAINT subscriptions_state_is_known
                  CHECK (state IN ('pending', 'active', 'past_due', 'ended')),
    anchor_at     timestamptz,
    start_at      timestamptz,
    end_at        timestamptz,
    ends_then     boolean NOT NULL DEFAULT false,
    last_order    uuid,
    created_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    reason        text NOT NULL DEFAULT '',
    PRIMARY KEY (cell, account, id),
    CONSTRAINT subscriptions_ended_at_their_end CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    CONSTRAINT subscriptions_period_runs_forward CHECK (start_at < end_at),
    CONSTRAINT subscriptions_alive_are_paid
        CHECK (state IN ('pending', 'ended') OR (end_at IS NOT NULL AND last_order IS NOT NULL))
);
COMMENT ON TABLE tokenhouse.subscriptions IS
    'Accounts on a plan that is paid for period by period; every period is an order.';
CREATE UNIQUE INDEX subscriptions_one_alive ON tokenhouse.subscriptions (cell, account)
    WHERE state <> 'ended';
CREATE INDEX subscriptions_due ON tokenhouse.subscriptions (end_at) WHERE state <> 'ended';
CREATE INDEX subscriptions_by_provider ON tokenhouse.subscriptions (provider, provider_ref)
    WHERE provider_ref <> '';

CREATE TABLE tokenhouse.payments (
    provider text NOT NULL,
    ref      text NOT NULL CONSTRAINT payments_ref_says_something CHECK (ref <> ''),
    cell     smallint NOT NULL,
    order_id uuid NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (provider, ref)
);
COMMENT ON TABLE tokenhouse.payments IS
    'A provider''s payment -> the one order that it is for, over all accounts: no payment pays twice.';

CREATE TABLE tokenhouse.payment_events (
    id          uuid PRIMARY KEY,
    provider    text NOT NULL,
    event       text NOT NULL DEFAULT '',
    kind        text NOT NULL DEFAULT '',
    verdict     text NOT NULL CONSTRAINT payment_events_verdict_is_known
                CHECK (verdict IN ('received', 'accepted', 'duplicate', 'ignored', 'refused')),
    reason      text NOT NULL DEFAULT '',
    ref         text NOT NULL DEFAULT '',
    order_id    uuid,
    price_minor bigint,
    currency    text NOT NULL DEFAULT '',
    digest      bytea NOT NULL CONSTRAINT payment_events_digest_is_a_sha256 CHECK (length(digest) = 32),
    received_at timestamptz NOT NULL,
    decided_at  timestamptz,
    CONSTRAINT payment_events_decided_unless_received
        CHECK ((verdict = 'received') = (decided_at IS NULL))
);
COMMENT ON TABLE tokenhouse.payment_events IS
    'Each time that somebody spoke as a payment provider, and what we made of it. No secret, no card data: '
    'of the body only its SHA-256. One that stays `received` was cut short; its provider comes again.';
CREATE UNIQUE INDEX payment_events_accepted_once ON tokenhouse.payment_events (provider, event)
    WHERE verdict = 'accepted';
CREATE INDEX payment_events_by_order ON tokenhouse.payment_events (order_id) WHERE order_id IS NOT NULL;

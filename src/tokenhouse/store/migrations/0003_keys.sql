-- API keys. What proves a caller is its secret, and of that only the SHA-256 is here: 32 random bytes need no
-- slower hash, for there is nothing to guess. Found by `prefix`, the part that people see, and then compared
-- in constant time. Neither hot nor distributed: a process remembers for seconds what it has found.

CREATE TABLE tokenhouse.keys (
    id           uuid PRIMARY KEY,
    prefix       text NOT NULL,
    digest       bytea NOT NULL CONSTRAINT keys_digest_is_a_sha256 CHECK (length(digest) = 32),
    cell         smallint NOT NULL,
    account      bigint NOT NULL,
    ref          text NOT NULL,
    name         text NOT NULL,
    models       text[] NOT NULL,
    created_at   timestamptz NOT NULL,
    created_by   text NOT NULL,
    expires_at   timestamptz CONSTRAINT keys_end_after_they_begin CHECK (expires_at > created_at),
    revoked_at   timestamptz,
    revoked_by   text NOT NULL DEFAULT '',
    last_used_at timestamptz
);
COMMENT ON TABLE tokenhouse.keys IS
    'API keys: whose they are, for which models, until when. Never the secret. A revoked one stays, revoked.';
CREATE INDEX keys_by_prefix ON tokenhouse.keys (prefix);
CREATE INDEX keys_by_account ON tokenhouse.keys (cell, account, created_at);

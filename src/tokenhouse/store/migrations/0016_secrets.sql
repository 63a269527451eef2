-- What the nodes of a deployment must know in common and nobody else may: made once, by who needs it first.

CREATE TABLE tokenhouse.secrets (
    name  text PRIMARY KEY,
    value bytea NOT NULL,
    CONSTRAINT secrets_long_enough CHECK (octet_length(value) >= 32)
);
COMMENT ON TABLE tokenhouse.secrets IS
    'Keys of the deployment''s own signatures. Deleting a row ends everything that was signed with it.';

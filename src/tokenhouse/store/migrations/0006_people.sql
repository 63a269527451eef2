-- People: whoever signs in to the pages, and what they may. A key is a program's, a person has a password, or
-- a one-time link to choose one; of neither the text is here. Few rows, and none of them hot: no cell.

CREATE TABLE tokenhouse.people (
    id              uuid PRIMARY KEY,
    email           text NOT NULL CONSTRAINT people_email_is_lower_case CHECK (email = lower(email)),
    name            text NOT NULL,
    role            text NOT NULL CONSTRAINT people_role_is_known
                    CHECK (role IN ('user', 'auditor', 'operator', 'owner')),
    ref             text NOT NULL,
    password        text CONSTRAINT people_password_is_argon2id CHECK (password LIKE '$argon2id$%'),
    locale          text NOT NULL,
    time_zone       text NOT NULL,
    link            bytea CONSTRAINT people_link_is_a_sha256 CHECK (length(link) = 32),
    link_expires_at timestamptz,
    created_at      timestamptz NOT NULL,
    created_by      text NOT NULL,
    disabled_at     timestamptz,
    seen_at         timestamptz,
    CONSTRAINT people_who_use_have_an_account CHECK (role <> 'user' OR ref <> ''),
    CONSTRAINT people_links_end CHECK ((link IS NULL) = (link_expires_at IS NULL))
);
COMMENT ON TABLE tokenhouse.people IS
    'People who sign in. `ref` is their own account, which only those of role "user" must have. `link` is '
    'the SHA-256 of a one-time link that was not used yet.';
CREATE UNIQUE INDEX people_one_per_email ON tokenhouse.people (email);
CREATE UNIQUE INDEX people_one_per_link ON tokenhouse.people (link) WHERE link IS NOT NULL;

CREATE TABLE tokenhouse.sessions (
    digest     bytea PRIMARY KEY CONSTRAINT sessions_digest_is_a_sha256 CHECK (length(digest) = 32),
    person     uuid NOT NULL REFERENCES tokenhouse.people ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
               CONSTRAINT sessions_end_after_they_begin CHECK (expires_at > created_at),
    address    text NOT NULL,
    agent      text NOT NULL
);
COMMENT ON TABLE tokenhouse.sessions IS
    'Browsers that are signed in, by the SHA-256 of their cookie: until `expires_at`, or unseen for a while.';
CREATE INDEX sessions_by_person ON tokenhouse.sessions (person);
CREATE INDEX sessions_by_end ON tokenhouse.sessions (expires_at);

-- What those who run the deployment changed. Entries tell what happened to credit; this tells who decided.

CREATE TABLE tokenhouse.audit_log (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    actor   text NOT NULL,
    action  text NOT NULL CONSTRAINT audit_log_names_the_action CHECK (action <> ''),
    subject text NOT NULL,
    before  json,
    after   json,
    reason  text NOT NULL,
    address text NOT NULL
);
COMMENT ON TABLE tokenhouse.audit_log IS
    'Who changed what, from what to what, why and from where. It only grows. Never a secret.';
CREATE INDEX audit_log_by_subject ON tokenhouse.audit_log (subject, id);
CREATE INDEX audit_log_by_actor ON tokenhouse.audit_log (actor, id);

CREATE FUNCTION tokenhouse.refuse_forgetting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log only grows' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER audit_log_only_grows BEFORE UPDATE OR DELETE ON tokenhouse.audit_log
    FOR EACH ROW EXECUTE FUNCTION tokenhouse.refuse_forgetting();
CREATE TRIGGER audit_log_is_not_emptied BEFORE TRUNCATE ON tokenhouse.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION tokenhouse.refuse_forgetting();

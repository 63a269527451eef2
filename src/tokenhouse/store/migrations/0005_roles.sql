-- Keys of a back end, which belong to no account and may do what their role may. Until now each key was a
-- user's, and so each one that stands stays valid.

ALTER TABLE tokenhouse.keys
    ADD COLUMN role text NOT NULL DEFAULT 'user',
    ADD CONSTRAINT keys_role_is_known CHECK (role IN ('user', 'auditor', 'operator', 'owner')) NOT VALID,
    ADD CONSTRAINT keys_of_users_have_an_account CHECK ((role = 'user') = (ref <> '')) NOT VALID;
COMMENT ON COLUMN tokenhouse.keys.role IS
    'What the key may do: "user" what its account may, any other what a person of that role may, for no '
    'account.';

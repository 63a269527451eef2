-- Accounts that are not as most are: the operator asks for those that are suspended, among a million.

CREATE INDEX balances_out_of_use ON tokenhouse.balances (state, cell, account) WHERE state <> 'active';
COMMENT ON INDEX tokenhouse.balances_out_of_use IS
    'Few accounts are suspended or closed; those that are in use are not in it, so that no call pays for it.';
CREATE INDEX people_by_account ON tokenhouse.people (ref, email) WHERE ref <> '';

"""`keys`: the secret is printed once; lists show its first characters; revoking is for good."""

import pytest

from tokenhouse import messages


@pytest.mark.parametrize("locale", messages.LOCALES)
def test_a_secret_is_shown_once(cli, locale):
    cli("accounts", "open", "alice")
    made = cli("keys", "create", "alice", "--name", "bot", "--models", "gpt-*", "--locale", locale)
    (secret,) = [line.strip() for line in made.out.splitlines() if line.startswith("th_")]
    listed = cli("keys", "list", "alice", "--locale", locale)
    assert secret not in listed.out
    assert secret[:11] + "…" in listed.out
    assert "gpt-*" in listed.out
    document = cli("keys", "list", "alice", "--json").document
    assert secret[11:] not in str(document)
    (key,) = document["keys"]
    assert (key["prefix"], key["models"], key["state"]) == (secret[:11], ["gpt-*"], "active")


def test_a_program_gets_secret_and_id(cli):
    cli("accounts", "open", "alice")
    end = "2027-01-01T00:00:00+09:00"
    made = cli("keys", "create", "alice", "--expires", end, "--actor", "me", "--json").document
    assert made["secret"].startswith("th_")
    assert made["created_by"] == "me"
    revoked = cli("keys", "revoke", made["id"], "--actor", "you", "--json").document
    assert (revoked["state"], revoked["revoked_by"]) == ("revoked", "you")
    assert "revoked" in cli("keys", "list", "alice").out
    assert "within 5 s" in cli("keys", "revoke", made["id"]).out


def test_a_back_end_gets_a_key_with_a_role_and_no_account(cli):
    assert "No back end" in cli("keys", "list").out
    made = cli("keys", "create", "--role", "operator", "--name", "shop", "--json").document
    assert (made["role"], made["account"]) == ("operator", "")
    (key,) = cli("keys", "list", "--json").document["keys"]
    assert (key["id"], key["role"]) == (made["id"], "operator")
    assert "operator" in cli("keys", "list").out
    assert "of operator is revoked" in cli("keys", "revoke", made["id"]).out
    assert cli("keys", "create", "alice", "--role", "operator", code=2).err.count("\n") == 1
    assert cli("keys", "create", "--role", "root", code=2).err.count("\n") == 1


def test_an_account_without_keys_says_so(cli):
    cli("accounts", "open", "alice")
    assert "no API key" in cli("keys", "list", "alice").out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["create", "nobody"], 4),
        (["list", "nobody"], 4),
        (["revoke", "0" * 32], 4),
        (["revoke", "nonsense"], 2),
        (["create", "alice", "--models", "g*t"], 2),
        (["create", "alice", "--expires", "2020-01-01T00:00:00Z"], 2),
        (["create"], 2),
    ],
)
def test_what_cannot_be_taken_changes_nothing(cli, words, code):
    cli("accounts", "open", "alice")
    assert cli("keys", *words, code=code).err.count("\n") == 1
    assert cli("keys", "list", "alice", "--json").document["keys"] == []

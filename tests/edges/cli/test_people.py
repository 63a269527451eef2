"""`people`: a link is printed once and opens once; what is changed is changed at once."""

import asyncio
import getpass

import pytest

from tokenhouse import Tokenhouse, messages


@pytest.mark.parametrize("locale", messages.LOCALES)
def test_the_first_owner_comes_in_by_a_link_that_is_printed(cli, locale, database, clock):
    assert "people add" in cli("people", "list", "--locale", locale).out
    made = cli("people", "add", "Jisu@example.com", "--role", "owner", "--locale", locale)
    (link,) = [line.strip() for line in made.out.splitlines() if line.startswith("http")]
    place, _, secret = link.partition("#")
    assert place == "http://127.0.0.1:8300/app/welcome"
    listed = cli("people", "list", "--locale", locale)
    assert "jisu@example.com" in listed.out
    assert secret not in listed.out

    async def enter():
        async with Tokenhouse.open(database, clock=clock) as house:
            return await house.enter(secret)

    assert asyncio.run(enter()).session.person.role == "owner"


def test_a_program_gets_the_link_and_what_was_made(cli):
    cli("accounts", "open", "alice")
    made = cli("people", "add", "a@example.com", "--account", "alice", "--language", "ko", "--json").document
    assert (made["email"], made["role"], made["account"], made["locale"]) == (
        "a@example.com",
        "user",
        "alice",
        "ko",
    )
    assert made["state"] == "invited"
    again = cli("people", "link", "a@example.com", "--json", TOKENHOUSE_PUBLIC_URL="https://t.example.com/")
    assert again.document["link"].startswith("https://t.example.com/app/welcome#")
    assert again.document["link"] != made["link"]
    changed = cli("people", "change", made["id"], "--disable", "--reason", "left", "--json").document
    assert changed["state"] == "disabled"
    assert "invited" in cli("people", "change", made["id"], "--enable", "--name", "Alice").out
    assert cli("people", "sign-out", made["id"], "--json").document == {"sessions": 0}
    (person,) = cli("people", "list", "--json").document["people"]
    assert (person["name"], person["created_by"]) == ("Alice", f"cli:{getpass.getuser()}")
    assert "link" not in {name for name in person if name != "link_expires_at"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["add", "nobody", "--role", "owner"], 2),
        (["add", "a@example.com"], 2),
        (["add", "a@example.com", "--account", "nobody"], 4),
        (["add", "a@example.com", "--role", "root"], 2),
        (["link", "a@example.com"], 4),
        (["change", "a@example.com", "--name", "x"], 4),
        (["sign-out", "0" * 32], 4),
    ],
)
def test_what_cannot_be_taken_changes_nothing(cli, words, code):
    assert cli("people", *words, code=code).err.count("\n") == 1
    assert cli("people", "list", "--json").document["people"] == []


def test_the_last_owner_stays(cli):
    cli("people", "add", "a@example.com", "--role", "owner")
    assert "last owner" in cli("people", "change", "a@example.com", "--disable", code=2).err

"""What `test_hostile` tries on the verbs about people, their sessions and the audit log."""

from typing import Any

from tests.hostile import (
    BAD_TEXT,
    CHOICE,
    ID,
    MEGABYTE,
    NO_TEXT,
    NO_WHOLE,
    PAGE,
    REF,
    WHEN,
    Verb,
    texts,
)

NESTED: list[Any] = []
NESTED.append(NESTED)

PEOPLE: dict[str, Verb] = {
    "create_person": Verb(
        {"email": "new@example.com", "role": "owner"},
        {
            "email": [*REF, "nobody", "a b@example.com", "a@b@c", "@", "somebody@example.com"],
            "role": [None, "user", *CHOICE],
            "account": [None, "nobody", *BAD_TEXT],
            "locale": [None, "fr", *BAD_TEXT],
            "time_zone": [None, "Mars/Base", *BAD_TEXT],
            **texts("name", "actor", "address"),
        },
    ),
    "invite": Verb({"person": "person"}, {"person": ID, **texts("actor", "address")}),
    "people": Verb({}, {"after": [None, *BAD_TEXT], "rows_max": PAGE}),
    "person": Verb({"person": "person"}, {"person": [*ID, "nobody@example.com"]}),
    "change_person": Verb(
        {"person": "person", "changes": {"name": "x"}},
        {
            "person": ID,
            "changes": [
                *(None, 5, "name", [], {}, {"email": "x@example.com"}, {5: "x"}, {"disabled": 1}),
                *({"role": value} for value in ("root", None, [])),
                *({"name": value} for value in BAD_TEXT),
                *({"account": value} for value in ("nobody", *BAD_TEXT)),
            ],
            **texts("actor", "reason", "address"),
        },
    ),
    "set_password": Verb(
        {"person": "person", "password": "ten large blue birds"},
        {
            "person": ID,
            "password": [None, "short", "x" * 20, MEGABYTE, "\ud800" * 20, *NO_TEXT],
            "old": [*NO_TEXT, "", "wrong", MEGABYTE, "\ud800"],
            **texts("but", "actor", "address"),
        },
    ),
    "sign_in": Verb(
        {"email": "somebody@example.com", "password": "wrong"},
        {"email": REF, "password": REF, "address": BAD_TEXT, "agent": BAD_TEXT},
    ),
    "enter": Verb(
        {"link": "x" * 43},
        {"link": REF, "password": REF, "address": BAD_TEXT, "agent": BAD_TEXT},
    ),
    "offer_ownership": Verb({}, texts("account", "actor")),
    "become_owner": Verb(
        {"link": "x" * 43, "email": "somebody@example.com", "password": "ten large blue birds"},
        {
            "link": REF,
            "email": REF,
            "password": REF,
            "locale": ["fr", *NO_TEXT],
            **texts("name", "address", "agent"),
        },
    ),
    "sign_out_everywhere": Verb({"person": "person"}, {"person": ID, **texts("but", "actor", "address")}),
    "sessions": Verb({"person": "person"}, {"person": ID, **texts("secret")}),
    "record": Verb(
        {"action": "key.revoke", "subject": "alice", "actor": "root"},
        {
            "action": REF,
            "before": ["\ud800", {"a": "\ud800"}, NESTED, MEGABYTE],
            "after": ["\ud800", {"a": "\ud800"}, NESTED, MEGABYTE],
            **texts("subject", "actor", "reason", "address"),
        },
    ),
    "audit_log": Verb(
        {},
        {
            "since": [one for one in WHEN if getattr(one, "tzinfo", None) is None],
            "until": [one for one in WHEN if getattr(one, "tzinfo", None) is None],
            "before": [*NO_WHOLE, -1, 0, 2**63],
            "rows_max": PAGE,
            **texts("subject", "actor", "action"),
        },
    ),
}

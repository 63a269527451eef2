"""What `test_hostile` tries on the verbs about accounts, their credit and their journal."""

from tests.hostile import (
    ALICE,
    AMOUNT,
    BAD_TEXT,
    CHOICE,
    CURSOR,
    FLAG,
    ID,
    KEY,
    KNOWN_REF,
    MEGABYTE,
    NAN,
    NO_TIME,
    NO_WHOLE,
    PAGE,
    POSITIVE,
    REF,
    TAGS,
    USAGES,
    WHEN,
    WHO,
    Verb,
    texts,
)
from tokenhouse.rules.usage import Usage

CALL = {"usage": USAGES, **texts("model", "source"), "rate": [*AMOUNT, 2**31]}

CREDIT: dict[str, Verb] = {
    "account": Verb(
        {"ref": "newcomer"},
        {
            "ref": REF,
            "parent": [one for one in KNOWN_REF if one is not None],
            "kind": [None, *CHOICE],
            "plan": ["", "nothing", *BAD_TEXT],
            "own_credit": [False, *(one for one in FLAG if one is not None)],
            "time_zone": ["Mars/Olympus", "../../etc/passwd", "/etc/localtime", None, *BAD_TEXT],
            "tags": TAGS,
            **texts("actor", "name", "email", "locale"),
        },
    ),
    "describe": Verb(ALICE, {"ref": KNOWN_REF}),
    "accounts": Verb(
        {},
        {
            "after": [
                None,
                5,
                "xx",
                (),
                (1,),
                (1, 2, 3),
                ("a", "b"),
                (1.5, 1),
                (2**63, 1),
                (1, 2**63),
                (NAN, 1),
                (True, 1),
            ],
            "rows_max": PAGE,
        },
    ),
    "children": Verb(ALICE, {"ref": KNOWN_REF}),
    "amend": Verb(
        ALICE | {"state": "suspended"},
        {"ref": KNOWN_REF, "state": CHOICE, "plan": ["", "nothing", *BAD_TEXT], **KEY, **WHO},
    ),
    "quote": Verb(
        ALICE | {"model": "m", "usage": Usage(input=1)},
        {"ref": KNOWN_REF, "usage": [None, *USAGES], "expected": USAGES, **texts("model")},
    ),
    "explain": Verb(
        ALICE | {"model": "m", "usage": Usage(input=1)},
        {"ref": KNOWN_REF, "usage": [None, *USAGES], **texts("model")},
    ),
    "reserve": Verb(
        ALICE | {"amount": 5},
        {
            "ref": KNOWN_REF,
            "amount": AMOUNT,
            "least": [one for one in AMOUNT if one is not None] + [6],
            "tokens": AMOUNT,
            "lapse_charge": AMOUNT,
            **texts("model", "api_key"),
            **KEY,
        },
    ),
    "settle": Verb(
        ALICE | {"reservation": "open", "charge": 5},
        {"ref": KNOWN_REF, "reservation": ID, "charge": AMOUNT, **CALL, **WHO},
    ),
    "release": Verb(ALICE | {"reservation": "open"}, {"ref": KNOWN_REF, "reservation": ID, **WHO}),
    "charge": Verb(
        ALICE | {"amount": 5},
        {"ref": KNOWN_REF, "amount": AMOUNT, **CALL, **texts("api_key"), **KEY, **WHO},
    ),
    "grant": Verb(
        ALICE | {"amount": 5},
        {
            "ref": KNOWN_REF,
            "amount": POSITIVE,
            "source": [None, *CHOICE],
            "priority": [None, *NO_WHOLE, -1, 1_001, 2**63],
            "expires_at": WHEN,
            **KEY,
            **WHO,
        },
    ),
    "claw_back": Verb(
        ALICE | {"grant": "granted", "amount": 5},
        {"ref": KNOWN_REF, "grant": ID, "amount": POSITIVE, **KEY, **WHO},
    ),
    "refund": Verb(
        ALICE | {"charge": "charged", "amount": 5},
        {"ref": KNOWN_REF, "charge": ID, "amount": POSITIVE, **KEY, **WHO},
    ),
    "adjust": Verb(
        ALICE | {"amount": 5},
        {"ref": KNOWN_REF, "amount": [None, *NO_WHOLE, 0, 2**63, -(2**63), 2**64], **KEY, **WHO},
    ),
    "balance": Verb(ALICE, {"ref": KNOWN_REF}),
    "history": Verb(
        ALICE,
        {
            "ref": KNOWN_REF,
            "before": [one for one in NO_WHOLE if one is not None] + [-1, 2**63],
            "kinds": [None, 5, "charge", ("nothing",), (5,), (None,), ("\0",), (MEGABYTE,), {"charge": 1}],
            "rows_max": PAGE,
        },
    ),
    "find_accounts": Verb({}, {**texts("text"), "after": CURSOR, "rows_max": PAGE}),
    "accounts_below": Verb(ALICE, {"ref": KNOWN_REF, "after": CURSOR, "rows_max": PAGE}),
    "way_up": Verb(ALICE, {"ref": KNOWN_REF}),
    "standings": Verb(
        {}, {**texts("text", "plan"), "state": [None, *CHOICE[1:]], "after": CURSOR, "rows_max": PAGE}
    ),
    "limits": Verb(ALICE, {"ref": KNOWN_REF}),
    "preview_plan": Verb(ALICE | {"plan": "points"}, {"ref": KNOWN_REF, "plan": [*REF, "nobody"]}),
    "chat_use": Verb(ALICE, {"ref": KNOWN_REF}),
    "people_of": Verb(ALICE, {"ref": KNOWN_REF, "after": [None, *BAD_TEXT], "rows_max": PAGE}),
    "payer": Verb(ALICE, {"ref": KNOWN_REF}),
    "correct_profile": Verb(
        ALICE | {"name": "Alice"},
        {
            "ref": KNOWN_REF,
            "tags": [one for one in TAGS if one is not None],
            **dict.fromkeys(("name", "email", "locale"), BAD_TEXT),
        },
    ),
    "entries": Verb(
        ALICE,
        {
            "ref": KNOWN_REF,
            "kinds": [None, 5, "charge", ("nothing",), (5,), (None,), ("\0",), (MEGABYTE,), {"charge": 1}],
            "since": NO_TIME,
            "until": NO_TIME,
            "after": CURSOR,
            "rows_max": PAGE,
            **texts("model", "api_key"),
        },
    ),
    "all_entries": Verb({}, {"since": NO_TIME, "until": NO_TIME, "after": CURSOR, "rows_max": PAGE}),
    "entry": Verb(ALICE | {"seq": 1}, {"ref": KNOWN_REF, "seq": [*POSITIVE, 999]}),
    "grants": Verb(ALICE, {"ref": KNOWN_REF}),
    "open_reservations": Verb(ALICE, {"ref": KNOWN_REF}),
}

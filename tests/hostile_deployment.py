"""What `test_hostile` tries on the verbs about plans, rates, keys, statistics, checks, imports, exports."""

import io
from pathlib import Path

from tests.hostile import (
    ALICE,
    BAD_TEXT,
    CHOICE,
    CURSOR,
    FLAG,
    ID,
    KNOWN_REF,
    MEGABYTE,
    NO_TIME,
    NO_WHOLE,
    PAGE,
    PLANS,
    RATES,
    REF,
    WHEN,
    Verb,
    plan,
    rate,
    texts,
)
from tokenhouse.flow.imports import Upload
from tokenhouse.flow.simulations import What

PAGE_OR_NONE = [None, *NO_WHOLE, -1, 10**9, 2**63]
ONE = {
    "account": [one for one in KNOWN_REF if one is not None],
    "cell": [one for one in NO_WHOLE if one is not None] + [-1, 64, 2**63],
}
FILES = [Path("/nowhere/at all"), Path("/"), Path("/dev/null")]
NAMED = [5, "x", ["x"], {"nothing": "x"}, {"ref": 5}, {5: "ref"}, {"ref": "\0"}]
IMPORT = {"file": FILES, "named": NAMED, "encoding": ["nothing", "\0", 5, b"x", [], MEGABYTE]}
STRETCHES = {"every": [None, *CHOICE], "last": [None, *NO_WHOLE, 0, -1, 745]}

DEPLOYMENT: dict[str, Verb] = {
    "plan_versions": Verb({"name": "chat-tokens"}, {"name": [*REF, "nothing"]}),
    "start_verification": Verb(
        {"cell": 1}, ONE | {"findings_max": [None, *NO_WHOLE, -1, 10**6], "actor": [None, *BAD_TEXT]}
    ),
    "verification": Verb({"verification": "0" * 32}, {"verification": ID}),
    "cancel_verification": Verb({"verification": "0" * 32}, {"verification": ID}),
    "verifications": Verb({}, {"after": CURSOR, "rows_max": PAGE}),
    "start_simulation": Verb(
        {"documents": [plan()], "what": What(source="trace", trace="")},
        {
            "plans": [None, 5, "x", [5], ["nothing"], ["quota"] * 5],
            "documents": [None, 5, "x", *([one] for one in PLANS)],
            "what": [None, 5, {}, "x"],
            "actor": [None, *BAD_TEXT],
        },
    ),
    "simulation": Verb({"simulation": "0" * 32}, {"simulation": ID}),
    "simulations": Verb({}, {"after": CURSOR, "rows_max": PAGE}),
    "start_import": Verb(
        {"upload": Upload(content=b"ref\nalice\n")},
        {
            "upload": [
                None,
                5,
                {},
                "x",
                *(Upload(content=b"", name=one) for one in BAD_TEXT if isinstance(one, str)),
                *(Upload(content=b"", named=one) for one in NAMED),
                Upload(content=b"", form="xml"),
                *(Upload(content=b"", encoding=one) for one in (MEGABYTE, 5)),
                Upload(content=b"{}", plan="nothing"),
                Upload(content=b"", plan="points"),
            ],
            "actor": [None, *BAD_TEXT],
        },
    ),
    "carry_out_import": Verb(
        {"import_id": "0" * 32},
        {"import_id": ID, "leave_out": FLAG, "reason": [None, *BAD_TEXT], "actor": [None, *BAD_TEXT]},
    ),
    "find_import": Verb({"import_id": "0" * 32}, {"import_id": ID}),
    "cancel_import": Verb({"import_id": "0" * 32}, {"import_id": ID}),
    "imports": Verb({}, {"after": CURSOR, "rows_max": PAGE}),
    "load_samples": Verb({}, {"actor": [None, *BAD_TEXT], "address": [None, *BAD_TEXT]}),
    "write_plan": Verb(
        {"document": plan()}, {"document": PLANS, **texts("actor"), "starts_at": WHEN, "dry_run": FLAG}
    ),
    "withdraw_plan": Verb(
        {"name": "chat-tokens", "version": 1},
        {"name": [*REF, "nothing"], "version": [*NO_WHOLE, -1, 0, 2**63], **texts("actor")},
    ),
    "write_rate": Verb({"document": rate()}, {"document": RATES, **texts("actor"), "listed": FLAG}),
    "add_rates": Verb(
        {"documents": [rate()], "dry_run": True},
        {
            "documents": [None, 5, "x", {}, rate(), *([rate(), one] for one in RATES[:-1])],
            **texts("actor"),
            "listed": FLAG,
            "dry_run": FLAG,
        },
    ),
    "import_rates": Verb({"dry_run": True}, {**texts("actor"), "dry_run": FLAG}),
    "rates": Verb({}, texts("text")),
    "rate_history": Verb({"model": "m"}, texts("model")),
    "decide_rate": Verb(
        {"held_id": 1, "accept": True},
        {"held_id": [None, *NO_WHOLE, 0, -1, 2**31, 2**63, 7], "accept": FLAG, **texts("actor")},
    ),
    "check": Verb({}, {"rows_max": PAGE_OR_NONE}),
    "stats": Verb({}, {"top": PAGE_OR_NONE}),
    "trend": Verb({}, {"days": [None, *NO_WHOLE, 0, -1, 367]}),
    "overview": Verb({}, {"top": PAGE_OR_NONE}),
    "curve": Verb({}, STRETCHES),
    "patterns": Verb({}, {"days": [None, *NO_WHOLE, 0, 32], "users": [None, *NO_WHOLE, -1, 1_001]}),
    "costs": Verb({}, STRETCHES),
    "purchases": Verb({}, STRETCHES),
    "refusals": Verb({}, {"days": [None, *NO_WHOLE, 0, -1, 367]}),
    "exhausted": Verb({}, {"after": [one for one in CHOICE if one is not None], "rows_max": PAGE}),
    "usage": Verb(ALICE, {"ref": KNOWN_REF, "by": [None, *CHOICE], **STRETCHES}),
    "use_between": Verb(
        ALICE,
        {
            "ref": KNOWN_REF,
            "by": [None, *CHOICE],
            "model": BAD_TEXT,
            "api_key": BAD_TEXT,
            "since": NO_TIME,
            "until": NO_TIME,
            **STRETCHES,
        },
    ),
    "forecast": Verb(ALICE, {"ref": KNOWN_REF}),
    "verify": Verb({}, ONE | {"findings_max": [None, *NO_WHOLE, -1, 10**6]}),
    "journal_size": Verb({}, ONE),
    "initialise": Verb({"dry_run": True}, {"dry_run": FLAG, "actor": [None, *BAD_TEXT]}),
    "import_users": Verb({"file": "users.csv"}, IMPORT | {"actor": [None, *BAD_TEXT]}),
    "import_sessions": Verb({"file": "users.csv"}, IMPORT),
    "import_points": Verb(
        {"file": "points.json"},
        {"file": FILES, "plan": ["", "nothing", *BAD_TEXT], "actor": [None, *BAD_TEXT]},
    ),
    "import_table": Verb(
        {"table": "pg_catalog.pg_class"},
        {
            "table": [None, "", "nothing.here", "a.b.c.d", "x; drop table y", '"', *BAD_TEXT],
            "url": ["", "x", "file:///etc/passwd", "postgresql://127.0.0.1:1/none", *BAD_TEXT],
            "named": NAMED,
            "actor": [None, *BAD_TEXT],
        },
    ),
    "export": Verb(
        {"what": "accounts", "output": io.BytesIO()},
        {
            "what": [None, *CHOICE],
            "form": [None, *CHOICE],
            "since": [one for one in WHEN if getattr(one, "tzinfo", None) is None],
            "until": [one for one in WHEN if getattr(one, "tzinfo", None) is None],
            "account": [one for one in KNOWN_REF if one is not None],
        },
    ),
    "preset": Verb({"name": "points"}, {"name": [None, "../points", *CHOICE]}),
    "create_key": Verb(
        ALICE,
        {
            "ref": KNOWN_REF,
            "role": [None, "owner", *CHOICE],
            "models": [None, 5, "gpt-4o", [5], ["*x"], ["\0"], ["m"] * 101, {"a": 1}],
            "expires_at": WHEN,
            **texts("name", "actor"),
        },
    ),
    "keys": Verb(ALICE, {"ref": [one for one in KNOWN_REF if one != ""], "rows_max": PAGE}),
    "callable_models": Verb(
        {**ALICE, "models": ["m"]},
        {"ref": KNOWN_REF, "models": [None, 5, "m", b"m", object(), *([one] for one in BAD_TEXT)]},
    ),
    "revoke_key": Verb({"key_id": "key"}, {"key_id": ID, **texts("actor")}),
    "card_token": Verb({"ref": "alice"}, {"ref": REF, "minutes": [*NO_WHOLE, 0, 61]}),
    "card_account": Verb({"token": "tc_x.y"}, {"token": [*REF, "tc_", "tc_.", "tc_é.é", "tc_e30.e30"]}),
    "authenticate": Verb(
        {"secret": ""}, {"secret": [*REF, "th_", "th_" + "x" * 43, "th_" + "é" * 43], "any_role": FLAG}
    ),
}

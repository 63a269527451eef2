"""What `test_hostile` tries on the verbs about notices, their deliveries, jobs, and other systems' users."""

from decimal import Decimal

from tests.hostile import (
    ALICE,
    BAD_TEXT,
    CHOICE,
    FLAG,
    ID,
    INFINITY,
    KNOWN_REF,
    MEGABYTE,
    NAN,
    NO_ID,
    NO_WHOLE,
    PAGE,
    REF,
    Verb,
    texts,
)

BEFORE = [one for one in NO_ID if one is not None]
KIND = [one for one in CHOICE if one != ""] + [None]
LOCALE = [None, "fr", *BAD_TEXT]
LEVELS = [
    5,
    1.5,
    True,
    b"0.5",
    object(),
    {},
    "x",
    ["x"],
    [""],
    [0],
    [-1],
    ["101"],
    [NAN],
    [INFINITY],
    [None],
]
LEVELS += [
    [Decimal("NaN")],
    [Decimal("Infinity")],
    [True],
    [[]],
    ["0.5"] * 100,
    ["0.123456789"],
]
KINDS = [None, 5, "level", ["nothing"], [5], [None], ["\0"], [[]], {"nothing": 1}]
URL = [
    *REF,
    *("x", "//", "http://", "https://", "ftp://example.com", "file:///etc/passwd", "javascript:alert(1)"),
    *("https://example.com:99999/", "https://user:secret@example.com/", "https://[::1", "https://a b/"),
    "https://example.com/" + "x" * 2_000,
]
KNOWN_ENTRIES = [None, 5, 1.5, True, "charge", b"charge", ["nothing"], [5], [None], ["\0"], [[]], [MEGABYTE]]
PERCENT = [None, NAN, INFINITY, -1, 201, "x", "", "-1", "1e3", True, b"1", [], {}, Decimal("NaN"), 10**400]

NOTICES: dict[str, Verb] = {
    "notices": Verb(
        ALICE,
        {"ref": KNOWN_REF, "before": BEFORE, "unread": FLAG, "rows_max": PAGE, "locale": LOCALE},
    ),
    "all_notices": Verb({}, {"before": BEFORE, "kind": KIND, "rows_max": PAGE, "locale": LOCALE}),
    "count_notices": Verb(ALICE, {"ref": KNOWN_REF}),
    "read_notice": Verb(ALICE | {"notice": "0" * 32}, {"ref": KNOWN_REF, "notice": ID, "locale": LOCALE}),
    "read_notices": Verb(ALICE, {"ref": KNOWN_REF}),
    "notice_settings": Verb(ALICE, {"ref": KNOWN_REF}),
    "set_notice_settings": Verb(
        ALICE | {"by_email": True},
        {
            "ref": KNOWN_REF,
            "email": ["nobody", "a b@example.com", "a@b@c", "@", *BAD_TEXT],
            "locale": ["fr", *BAD_TEXT],
            "time_zone": ["Mars/Base", "../../etc/passwd", *BAD_TEXT],
            "levels": LEVELS,
            "by_email": [one for one in FLAG if one is not None],
        },
    ),
    "deliveries": Verb({}, {"state": KIND, "before": BEFORE, "rows_max": PAGE}),
    "resend": Verb({"delivery": "0" * 32}, {"delivery": ID}),
    "create_endpoint": Verb(
        {"url": "https://example.com/hook"},
        {
            "url": URL,
            "channel": [None, *CHOICE],
            "account": [one for one in KNOWN_REF if one != ""],
            "kinds": KINDS,
            **texts("name", "actor"),
        },
    ),
    "endpoints": Verb({}, {"before": BEFORE, "rows_max": PAGE}),
    "rotate_endpoint": Verb({"endpoint": "endpoint"}, {"endpoint": ID}),
    "disable_endpoint": Verb({"endpoint": "endpoint"}, {"endpoint": ID, **texts("why")}),
    "enable_endpoint": Verb({"endpoint": "endpoint"}, {"endpoint": ID}),
    "try_endpoint": Verb({"endpoint": "endpoint"}, {"endpoint": ID}),
    "job_runs": Verb({"name": "lapse"}, {"name": [*REF, "nothing"], "before": BEFORE, "rows_max": PAGE}),
    "run_job": Verb({"name": "lapse"}, {"name": [*REF, "nothing"], "actor": REF}),
    "months": Verb(ALICE, {"ref": KNOWN_REF, "count": [None, *NO_WHOLE, 0, -1, 121, 2**63]}),
    "rehearse": Verb(ALICE | {"percent": 10}, {"ref": KNOWN_REF, "percent": PERCENT, **texts("actor")}),
    "synchronise": Verb(
        ALICE,
        {
            "ref": REF,
            "plan": ["", "nothing", *BAD_TEXT],
            "state": CHOICE,
            "actor": [None, *BAD_TEXT],
            **dict.fromkeys(("name", "email", "locale", "address"), BAD_TEXT),
        },
    ),
    "history_size": Verb(ALICE | {"kinds": ("charge",)}, {"ref": KNOWN_REF, "kinds": KNOWN_ENTRIES}),
}

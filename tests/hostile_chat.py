"""What `test_hostile` tries on the verbs about chats."""

from datetime import UTC, datetime

from tests.hostile import ALICE, BAD_TEXT, FLAG, KEY, KNOWN_REF, NO_WHOLE, PAGE, WHEN, Verb, texts

TALK = ALICE | {"session": "talk"}
SESSION = [None, "", "nowhere", "x" * 101, *BAD_TEXT]
NOW = datetime(2026, 11, 21, tzinfo=UTC)

CHAT: dict[str, Verb] = {
    "open_chat": Verb(
        ALICE,
        {
            "ref": KNOWN_REF,
            "session": ["", "x" * 101, *BAD_TEXT],
            "model": [None, "nothing", *BAD_TEXT],
            **texts("title"),
            **KEY,
        },
    ),
    "chat": Verb(TALK, {"ref": KNOWN_REF, "session": SESSION}),
    "chats": Verb(
        ALICE,
        {
            "ref": KNOWN_REF,
            "archived": [one for one in FLAG if one is not None],
            "below": [5, "xx", (), (1,), (1, "a"), *((one, "a") for one in WHEN[:8]), (NOW, 5), (NOW, "a\0")],
            "rows_max": PAGE,
            **texts("search"),
        },
    ),
    "amend_chat": Verb(
        TALK | {"title": "x"},
        {
            "ref": KNOWN_REF,
            "session": SESSION,
            "title": BAD_TEXT,
            "archived": [one for one in FLAG if one is not None],
        },
    ),
    "erase_chat": Verb(TALK, {"ref": KNOWN_REF, "session": SESSION}),
    "chat_messages": Verb(
        TALK,
        {
            "ref": KNOWN_REF,
            "session": SESSION,
            "after": [None, *NO_WHOLE, -1, 2**31],
            "before": [*NO_WHOLE, -1, 2**31],
            "rows_max": PAGE,
        },
    ),
}

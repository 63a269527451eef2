"""Attachments: files and sound inside a request, whose tokens can only be bounded."""

import re
from typing import Final

from tokenhouse.providers.images import decoded, unpacked

PAGE_TOKENS: Final = 4_600
"""A page of a PDF: Anthropic's 3,000 tokens of dense text and a picture at 1,600; OpenAI reads both, too."""
PAGE_BYTES: Final = 4_000
"""A file that does not show its pages has one for so many bytes: a page of compressed text."""
PAGES_MAX: Final = 1_000
PAGES_UNSEEN: Final = 10
"""A file that is given by its id or address."""
SECOND_TOKENS: Final = 10
"""OpenAI's audio models: one token for 100 ms of a user's speech."""
SECOND_TOKENS_OTHERS: Final = 32
"""Gemini's documented figure, the largest that is known."""
SECOND_BYTES: Final = 1_000
"""The least of any usable compression: 8 kbit/s."""
WAV_BYTES: Final = range(SECOND_BYTES, 768_001)
"""Bytes a second that a WAV header is believed to have: up to 96 kHz, two channels, 32 bits."""

_PAGE: Final = re.compile(rb"/Type\s{0,8}/Page\b")
_TEXT_URL: Final = re.compile(r"data:(text/|application/json)[^,]{0,200};base64,", re.IGNORECASE)


def file_tokens(base64: str | None) -> int:
    """Return the most that a file takes, by the pages that it shows or, showing none, by its length."""
    if base64 is None:
        return PAGES_UNSEEN * PAGE_TOKENS
    data = decoded(base64)
    pages = sum(1 for _ in _PAGE.finditer(data)) or -(-len(data) // PAGE_BYTES)
    return min(max(pages, 1), PAGES_MAX) * PAGE_TOKENS


def plain_text(url: str) -> str | None:
    """Return the text of a data URL that says that it is one."""
    if not _TEXT_URL.match(url):
        return None
    return decoded(unpacked(url) or "").decode("utf-8", "replace")


def audio_tokens(base64: str, model: str) -> int:
    """Return the most that some sound takes: by the rate in a WAV's header, else by the least of any."""
    head = decoded(base64[:64])
    rate = SECOND_BYTES
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        told = int.from_bytes(head[28:32], "little")
        rate = told if told in WAV_BYTES else rate
    seconds = -(-len(base64) * 3 // 4 // rate)
    each = SECOND_TOKENS if model.startswith(("gpt-", "o1", "o3", "o4")) else SECOND_TOKENS_OTHERS
    return (seconds + 1) * each

"""The recorded answers beside the project: which there are, in whose format, and what they took."""

import json
from pathlib import Path

import pytest

from tokenhouse.providers.dialects import DIALECTS
from tokenhouse.rules.usage import Usage

STREAMS = Path(__file__).parents[3] / "shared/data/streams"
INDEX = json.loads((STREAMS / "index.json").read_text("utf-8")) if STREAMS.exists() else []
BY_NUMBER = {entry["file"][:2]: entry for entry in INDEX}

here = pytest.mark.skipif(not INDEX, reason="the recorded answers lie beside the project, in ../shared/data")

ASKED = b'{"model":"asked","stream":true,"max_tokens":500,"input":"x","messages":[]}'
"""A request that every format takes, and whose caller did not ask for usage."""

USAGE = {
    "01": Usage(1150, output=293),
    "02": Usage(1150, output=301),
    "03": Usage(70, output=50),
    "04": Usage(15, output=33, reasoning=960),
    "05": Usage(126, cached_input=1024, output=307),
    "06": Usage(12, output=72, audio_input=69),
    "07": Usage(14, output=8),
    "08": Usage(14, output=8),
    "09": Usage(364, output=40),
    "10": None,
    "11": None,
    "12": Usage(56, output=12),
    "13": Usage(1116, output=400),
    "14": None,
    "15": Usage(227, output=24),
    "16": Usage(88, output=20, reasoning=45),
    "17": Usage(39, cached_input=2048, output=124),
    "18": Usage(4158, cache_write=4418, output=20, reasoning=32),
    "19": Usage(255, output=16),
    "20": Usage(11, output=5),
    "21": Usage(72, output=14),
    "22": Usage(8),
    "23": Usage(8),
    "24": None,
    "25": None,
    "26": Usage(4, cached_input=1165, output=224),
    "27": Usage(514, output=152),
    "28": Usage(4, cache_write=1165, output=207),
    "29": Usage(4, cached_input=1163, output=202),
    "30": Usage(52, output=215),
    "31": Usage(7744, output=273, reasoning=80),
    "32": Usage(100 + 181, cached_input=55_096, output=83 + 8),
    "33": Usage(17, output=20),
    "34": Usage(1128 + 2543 + 1283, output=135 + 18 + 10 - 47, reasoning=47),
    "35": Usage(4, cache_write=1165, output=201),
    "36": Usage(4, cached_input=1167, output=256),
    "37": Usage(11_665, output=186),
    "38": None,
    "39": None,
    "40": None,
    "41": Usage(32 + 2395, output=41, reasoning=47),
    "42": Usage(5, output=711, reasoning=1096),
    "43": Usage(328 - 183, cached_input=183, output=78, reasoning=241),
    "44": Usage(15 + 770, output=37, reasoning=742),
    "45": Usage(29, output=10, reasoning=202),
    "46": None,
    "47": Usage(31, output=16, reasoning=64),
    "48": Usage(43, reasoning=11),
    "49": None,
    "50": Usage(56, cached_input=384, output=14),
    "51": Usage(11, output=43),
    "52": Usage(304, output=26, reasoning=23),
    "53": None,
    "54": None,
    "55": Usage(78, output=25),
    "56": Usage(17, output=17),
    "57": None,
    "58": Usage(61, output=2),
    "59": Usage(17, output=227),
    "60": Usage(17, output=65),
    "61": Usage(408 + 412, output=264),
    "62": Usage(18, output=5),
    "63": Usage(6, cached_input=6289, cache_write=3337, output=198),
    "64": Usage(1902, output=214),
    "65": Usage(19, cached_input=320, output=44, reasoning=39),
    "66": Usage(9, output=23, reasoning=302),
}
"""What each took, in disjoint kinds; checked by hand against the figures in the index."""

ERRORS = {
    "24": "has been deprecated",
    "25": "Error while downloading",
    "39": "does not support effort level",
    "48": "Token limit reached",
    "49": "Provider returned error",
    "53": "Tool choice is required",
}
"""What the error says, where there is one; 48 and 53 say it inside a stream of status 200."""

ELSEWHERE = {"gemini", "cohere", "bedrock"}
"""Vendors whose formats are read for usage, and not relayed."""


def body(number: str) -> bytes:
    """Return a recorded answer as it came; the event payloads of vercel/ai get their framing back."""
    file = STREAMS / BY_NUMBER[number]["file"]
    content = file.read_bytes()
    if file.suffix != ".txt":
        return content
    return b"".join(b"data: " + line + b"\n\n" for line in content.splitlines() if line)


def dialect(number: str):
    """Return the format that the answer is in."""
    entry = BY_NUMBER[number]
    path = entry["endpoint"]
    if entry["provider"] == "anthropic":
        return DIALECTS["anthropic-messages"]
    for ending, name in (
        ("/chat/completions", "openai-chat"),
        ("/completions", "openai-completions"),
        ("/responses", "openai-responses"),
        ("/embeddings", "openai-embeddings"),
    ):
        if path.endswith(ending):
            return DIALECTS[name]
    return DIALECTS["openai-chat"]


RELAYED = [
    number
    for number, entry in BY_NUMBER.items()
    if entry["provider"] not in ELSEWHERE and "count_tokens" not in entry["endpoint"]
]
STREAMED = [number for number in RELAYED if BY_NUMBER[number]["stream"]]

"""Tokens: a megabyte of the worst texts that an account could send, and a request as people write it."""

import random
import time
from collections.abc import Callable

from bench.frame import Figure, Findings, Form, in_turn
from tokenhouse.providers.tokens import Vocabulary, bound, count, prepare

MEGABYTE = 1_000_000
LOTS = random.Random(7)
CHAT = {
    "model": "gpt-4o",
    "messages": [
        {"role": "system", "content": "You are a helpful assistant. 한국어로 대답하세요."},
        {"role": "user", "content": "오늘 날씨가 어떤가요? 밖에 나가기 좋을까요? " * 80},
    ],
}
PROSE = "Teams that put an AI feature in front of people pay their provider by the token and share it out. "
LETTERS = "abcdefghijklmnopqrstuvwxyz"
HOSTILE: dict[str, Callable[[int], str]] = {
    "one letter": lambda size: "a" * size,
    "spaces": lambda size: " " * size,
    "emoji": lambda size: "😀" * (size // 4),
    "random bytes": lambda size: LOTS.randbytes(size).decode("utf-8", "replace"),
    "random bytes as letters": lambda size: LOTS.randbytes(size).decode("latin-1"),
    "one word of random letters": lambda size: "".join(LOTS.choices(LETTERS, k=size)),
    "random Chinese": lambda size: "".join(map(chr, LOTS.choices(range(0x4E00, 0x9FFF), k=size // 3))),
    "combining marks": lambda size: "a" + "\u0301" * (size // 2),
    "tabs and spaces": lambda size: "\t " * (size // 2),
}


async def tokens(form: Form, found: Findings) -> None:
    """Measure each hostile megabyte beside a megabyte of prose; then the same text at twice the length.

    In seconds of this process on a core; each turn takes the slowest of the vocabularies.
    """
    prepare()
    texts = {name: (make(MEGABYTE), make(2 * MEGABYTE)) for name, make in HOSTILE.items()}
    prose = (PROSE * (MEGABYTE // len(PROSE) + 1))[:MEGABYTE]
    for name, (once, twice) in texts.items():
        contenders = {"prose": prose, "once": once, "twice": twice}
        taken = await in_turn(form, {key: _counting(text) for key, text in contenders.items()})
        times = {"values": taken["once"], "reference": "English prose", "references": taken["prose"]}
        found.figures.append(
            Figure(name=f"count 1 MB of {name}", unit="ms", **times, target=400, most=True, absolute=True)
        )
        double = {"values": taken["twice"], "reference": "1 MB", "references": taken["once"]}
        found.figures.append(
            Figure(name=f"count 2 MB of {name}", unit="ms", **double, target=3, most=True, note="linear: 2 x")
        )
    taken = await in_turn(form, {"count": _asking(count), "bound": _asking(bound)})
    beside = {"values": taken["count"], "reference": "its bound by bytes", "references": taken["bound"]}
    found.figures.append(Figure(name="count a chat request of 5 KB in Korean", unit="µs", **beside))


def _counting(text: str):
    async def milliseconds() -> float:
        return max(_time(Vocabulary(name), text) for name in ("o200k_base", "cl100k_base"))

    return milliseconds


def _time(vocabulary: Vocabulary, text: str) -> float:
    begin = time.process_time()
    assert not vocabulary.counted(text).estimated
    return (time.process_time() - begin) * 1e3


def _asking(ask, times: int = 2_000):
    async def microseconds() -> float:
        begin = time.process_time()
        for _ in range(times):
            ask("openai-chat", CHAT)
        return (time.process_time() - begin) / times * 1e6

    return microseconds

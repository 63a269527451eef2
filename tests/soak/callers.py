"""The callers of a soak: each asks, listens or hangs up, and writes down what it saw of every call."""

import asyncio
import json
import random
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

WISHES = (
    ("", 60),
    ("no-usage", 6),
    ("cut", 6),
    ("reset", 6),
    ("error-mid-stream", 6),
    ("error-500", 4),
    ("error-429", 4),
    ("hang", 2),
)
"""What callers ask the demo for, and how often of a hundred or so."""
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}
TOKENS = re.compile(rb'"(?:content|text)":"[^"]')
"""A token of the demo's text in a stream: each is an event of its own."""
PATIENCE_S = 90.0
TOKENS_MOST = 48
ASKED_AGAIN_S = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of the soak, and the policy that its plan states."""

    ref: str
    secret: str
    plan: str

    @property
    def poor(self) -> bool:
        """Whether it will run out of credit."""
        return self.plan == "poor"


@dataclass(slots=True, kw_only=True)
class Seen:
    """One call as its caller saw it."""

    account: Account
    wish: str
    streamed: bool
    most: int
    """The caller's cap on output tokens."""
    leaves_after: int | None = None
    """After how many tokens of a stream its caller hangs up; None: it stays."""
    status: int = 0
    """0: the connection ended before an answer began."""
    headers: dict[str, str] = field(default_factory=dict)
    tokens: int = 0
    """Tokens of a stream that the caller has."""
    asked_ms: int = 0
    over_ms: int = 0
    ended: str = "broken"
    """`whole` (to the end of the HTTP answer), `left` (the caller hung up) or `broken`."""

    @property
    def id(self) -> str:
        """The call's id: that of its reservation."""
        return self.headers.get("x-request-id", "").replace("-", "")


@dataclass(slots=True, kw_only=True)
class Callers:
    """So many callers at once, each with one call after the other, until told to stop."""

    port: int
    accounts: Sequence[Account]
    count: int
    seed: int
    over: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[Seen] = field(default_factory=list)
    hearing: int = 0
    """Answers that have begun and not ended."""
    hearing_most: int = 0
    heard: int = 0
    """Answers that have begun."""

    async def run(self) -> None:
        """Call until `over`, and listen to what was begun until it ends."""
        await asyncio.gather(*(self._caller(number) for number in range(self.count)))

    async def _caller(self, number: int) -> None:
        chance = random.Random(f"{self.seed}-{number}")
        account = self.accounts[number % len(self.accounts)]
        await asyncio.sleep(chance.random())
        while not self.over.is_set():
            call = self._call(account, chance)
            self.seen.append(call)
            call.asked_ms = time.time_ns() // 1_000_000
            with suppress(OSError):  # A TimeoutError is one: whoever waits too long hangs up.
                async with asyncio.timeout(PATIENCE_S):
                    await self._make(call, chance)
            call.over_ms = time.time_ns() // 1_000_000
            if call.status != 200:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.over.wait(), ASKED_AGAIN_S * (1 + chance.random()))

    def _call(self, account: Account, chance: random.Random) -> Seen:
        """Return a call to be made."""
        names, weights = zip(*WISHES, strict=True)
        wish, streamed = chance.choices(names, weights)[0], chance.random() < 0.85
        if not streamed and wish not in ("", "error-500", "error-429"):
            wish = ""
        leaves = wish == "hang" or chance.random() < 0.25
        most = chance.randrange(16, TOKENS_MOST + 1)
        return Seen(
            account=account,
            wish=wish,
            streamed=streamed,
            most=most,
            leaves_after=chance.randrange(0, most) if leaves else None,
        )

    async def _make(self, call: Seen, chance: random.Random) -> None:
        """Make one call and note in it what comes. Raises: OSError, where a connection breaks."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(_request(call, chance))
            await self._listen(call, reader, chance)
        finally:
            self.hearing -= call.status == 200
            writer.transport.abort()

    async def _listen(self, call: Seen, reader: asyncio.StreamReader, chance: random.Random) -> None:
        """Listen to the end, or to where this caller hangs up."""
        if call.leaves_after is not None and (not call.streamed or call.wish == "hang"):
            call.ended = "left"
            with suppress(TimeoutError):
                async with asyncio.timeout(chance.random() * 3):
                    await self._hear(call, reader)
            return
        await self._hear(call, reader)

    async def _hear(self, call: Seen, reader: asyncio.StreamReader) -> None:
        heard = b""
        while piece := await reader.read(65_536):
            heard += piece
            head, there, body = heard.partition(b"\r\n\r\n")
            if not there:
                continue
            if not call.status:
                call.status, call.headers = _head(head)
                self.hearing += call.status == 200
                self.heard += call.status == 200
                self.hearing_most = max(self.hearing_most, self.hearing)
            if call.streamed:
                call.tokens = len(TOKENS.findall(body))
                if call.leaves_after is not None and call.tokens >= call.leaves_after:
                    call.ended = "left"
                    return
            if _ends(call.headers, body):
                call.ended = "whole"
                return


def _request(call: Seen, chance: random.Random) -> bytes:
    """Return the bytes of a request; no two are alike."""
    path = chance.choice(list(PATHS))
    question = f"Question {chance.getrandbits(48)}: what is money?"
    document = {
        "model": "demo",
        "stream": call.streamed,
        "max_tokens": call.most,
        "messages": [{"role": "user", "content": question}],
        "demo": {"behave": call.wish, "after": 5, "tokens": chance.randrange(8, TOKENS_MOST)},
    }
    body = json.dumps(document).encode()
    head = (
        f"POST {PATHS[path]} HTTP/1.1\r\nhost: soak\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {call.account.secret}\r\nx-api-key: {call.account.secret}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    """Return status and headers."""
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}


def _ends(headers: dict[str, str], body: bytes) -> bool:
    """Whether an answer is complete: whoever cannot know that by its framing never does."""
    if "content-length" in headers:
        return len(body) >= int(headers["content-length"])
    return headers.get("transfer-encoding") == "chunked" and body.endswith(b"0\r\n\r\n")

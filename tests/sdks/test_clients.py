"""Real clients against the running server, over a socket: what each shows of every answer, and what it costs.

What must come out stands in docs/reference/clients.md, which is read here.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.sdks.conftest import Script
from tests.sdks.served import Passed, Served

pytestmark = [pytest.mark.slow, pytest.mark.row("E6", "E7")]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "clients.md"
QUESTION = "What does a bank do?"
FAILED = "The demo was asked to fail here."


def shown_by_page() -> dict[tuple[str, str], dict[str, str]]:
    """Return what a user catches of each scenario, by client and format: the table of the page."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("| client | format |"))
    rows = [line.strip("|").split("|") for line in lines[begin:] if line.startswith("|")]
    head, _, *body = [[cell.strip(" `") for cell in row] for row in rows]
    return {(row[0], row[1]): dict(zip(head[2:], row[2:], strict=True)) for row in body}


SHOWN = shown_by_page()
FACTS = ("stop_code", "remaining", "resets_at", "purchase_url")
CLIENTS = list(dict.fromkeys(name for name, _ in SHOWN))
ONE_TRY = {("litellm", "messages")}
"""Who tries nothing twice unless it is told to."""


@dataclass
class Talk:
    """One client before one server, speaking one wire format, with the keys of some accounts."""

    served: Served
    script: Script
    name: str
    form: str
    keys: dict[str, str]

    async def ask(self, way: str, account: str = "rich", *, model="demo", text=QUESTION, **more: Any):
        """Return what the client showed, and the requests that it made for it."""
        before = len(self.served.passed)
        key = self.keys.get(account, account)
        shown = await self.script.ask(way, key=key, model=model, text=text, form=self.form, **more)
        return shown, self.served.passed[before:]

    async def refused(self, scenario: str, way: str, account: str = "rich", **more: Any) -> Passed:
        """Ask for what must fail: the client shows our words under its own class, after one request."""
        shown, passed = await self.ask(way, account, **more)
        error = shown["error"]
        (one,) = passed
        assert error["class"] == SHOWN[self.name, self.form][scenario], error
        assert one.error["message"] in error["text"].replace('\\"', '"'), error
        assert error["status"] == one.status
        for fact in FACTS if error["body"] is not None else ():
            assert (fact in str(error["body"])) == (fact in one.error), "whoever keeps the body has the facts"
        return one


async def answered(talk: Talk) -> None:
    """A whole answer and a streamed one say the same, and as much as the provider says."""
    texts = []
    for way in ("whole", "streamed"):
        shown, (passed,) = await talk.ask(way)
        made = talk.served.demo.log.calls[-1]
        assert (passed.status, made.ended) == (200, "whole")
        assert shown["usage"] == [made.tokens_input, made.tokens_output]
        texts.append(shown["text"])
    assert texts[0] == texts[1] != ""


async def tools(talk: Talk) -> None:
    """A tool is called, and its result is answered."""
    shown, passed = await talk.ask("tools", text="Use the tool weather.")
    ((name, arguments),) = shown["tools"]
    assert (name, list(arguments)) == ("weather", ["city"])
    assert shown["text"]
    assert [one.status for one in passed] == [200, 200]


async def credit_gone(talk: Talk) -> None:
    """Who has nothing left is told so, and told once, whole or streamed."""
    asked = len(talk.served.demo.log.calls)
    for way in ("whole", "streamed"):
        passed = await talk.refused("credit gone", way, "gone")
        assert passed.status == 402
        assert passed.headers["x-should-retry"] == "false"
        assert "retry-after" not in passed.headers
        assert passed.error["stop_code"] == "TOKEN_EXHAUSTED"
        assert passed.error["recommended_action"] == "PURCHASE_TOKENS"
        assert passed.error["purchase_url"] == "https://shop.example/credit"
        assert passed.error["remaining"] == 0
    assert len(talk.served.demo.log.calls) == asked, "the provider was never asked"


async def stopped(talk: Talk) -> None:
    """A plan that refuses with 429 is not asked again either, but by a client that reads no such header."""
    more = {"retries": 0} if talk.name == "ai (npm)" else {}
    passed = await talk.refused("credit gone, 429", "whole", "stopped", **more)
    assert (passed.status, passed.headers["x-should-retry"]) == (429, "false")
    assert "retry-after" not in passed.headers


async def warned(talk: Talk) -> None:
    """A warning comes inside the answer, whole or streamed, and disturbs nobody."""
    shown, (passed,) = await talk.ask("whole", "warned")
    balance = await talk.served.house.balance(f"warned {talk.form}")
    warning = json.loads(passed.body)["tokenhouse"]
    assert (warning["level"], passed.headers["x-tokenhouse-warning"]) == ("WARNING", "WARNING")
    assert warning["message"]
    assert warning["remainingTokens"] == balance.remaining
    assert warning["estimatedTurns"] == balance.estimated_turns
    if "more" in shown:
        assert shown["more"] == {"tokenhouse": warning}
    shown, (passed,) = await talk.ask("streamed", "warned")
    (comment,) = [line for line in passed.body.splitlines() if line.startswith(b":")]
    assert json.loads(comment.removeprefix(b": tokenhouse "))["level"] == "WARNING"
    assert shown["text"]


async def rate_limit(talk: Talk) -> None:
    """A limit that lifts within the minute is a 429 that says when."""
    clock = talk.served.clock
    clock.now = clock.now.replace(second=20)
    assert (await talk.ask("whole", "hurried"))[0]["text"]
    passed = await talk.refused("rate limit", "whole", "hurried", retries=0)
    assert (passed.status, passed.headers["retry-after"]) == (429, "40")


async def patience(talk: Talk) -> None:
    """Who waits as long as it was told gets its answer, by the client's own second try."""
    clock = talk.served.clock
    clock.now = clock.now.replace(second=59)
    assert (await talk.ask("whole", "patient"))[0]["text"]
    talk.served.watched.on_refusal = lambda: clock.move(seconds=1)
    shown, passed = await talk.ask("whole", "patient")
    talk.served.watched.on_refusal = str
    assert passed[0].headers["retry-after"] == "1"
    if (talk.name, talk.form) in ONE_TRY:
        assert [one.status for one in passed] == [429]
        return
    assert shown["text"]
    assert [one.status for one in passed] == [429, 200]


async def strangers(talk: Talk) -> None:
    """A key and a model that nobody knows."""
    passed = await talk.refused("no such key", "whole", "th_nobody")
    assert passed.status == 401
    passed = await talk.refused("no such model", "whole", model="gone-9")
    assert passed.status == 404


async def upstream_errors(talk: Talk) -> None:
    """What the provider refuses or fails at is passed on as it is, and costs nothing."""
    used = await talk.served.used()
    passed = await talk.refused("upstream 400", "whole", model="demo-error-400")
    assert (passed.status, passed.error["message"]) == (400, FAILED)
    passed = await talk.refused("upstream 500", "whole", model="demo-error-500", retries=0)
    assert (passed.status, passed.error["message"]) == (500, FAILED)
    assert await talk.served.used() == used


async def stream_errors(talk: Talk) -> None:
    """An error in the middle of a stream is shown, and what came before it is charged."""
    used = await talk.served.used()
    shown, (passed,) = await talk.ask("streamed", model="demo-error-mid-stream", retries=0)
    made = talk.served.demo.log.calls[-1]
    assert (passed.status, made.ended) == (200, "error-mid-stream")
    assert shown["error"]["class"] == SHOWN[talk.name, talk.form]["error in a stream"], shown
    assert FAILED in shown["error"]["text"]
    assert await talk.served.used() - used == made.tokens_input + made.tokens_output


SCENARIOS = (
    *(answered, tools, credit_gone, stopped, warned, rate_limit, patience, strangers),
    *(upstream_errors, stream_errors),
)


@pytest.mark.row("B2")
@pytest.mark.parametrize("name", CLIENTS)
async def test_client(name, served, keys, client):
    script = await client(name, served.base)
    for form in (form for other, form in SHOWN if other == name):
        talk = Talk(served, script, name, form, await keys(form))
        for scenario in SCENARIOS:
            await scenario(talk)
    await served.assert_sound()


async def test_openai_speaks_every_format(served, keys, client):
    talk = Talk(served, await client("openai", served.base), "openai", "chat", await keys("chat"))
    texts = set()
    for way in ("responses", "responses streamed", "completions", "embeddings"):
        shown, (passed,) = await talk.ask(way)
        made = served.demo.log.calls[-1]
        assert passed.status == 200
        assert shown["usage"] == [made.tokens_input, made.tokens_output]
        texts.add(shown.get("text"))
    assert len(texts) == 3, "streamed or not, it is one text; a vector has none"
    shown, (passed,) = await talk.ask("streamed plainly")
    assert (shown["usages"], b'"usage":{' in passed.body) == (0, False), "nobody asked for a usage chunk"
    assert shown["text"]
    assert "demo" in (await talk.ask("models"))[0]["models"]
    await served.assert_sound()


async def test_anthropic_counts_before_it_asks(served, keys, client):
    script = await client("anthropic", served.base)
    talk = Talk(served, script, "anthropic", "messages", await keys("messages"))
    counted, _ = await talk.ask("counted")
    answered, _ = await talk.ask("whole")
    assert counted["tokens"] == answered["usage"][0]
    assert "demo" in (await talk.ask("models"))[0]["models"]
    await served.assert_sound()


@pytest.mark.row("D4")
@pytest.mark.parametrize("preset", ["points"])
async def test_points_are_deducted_and_refused_with_402_when_they_are_short(served, client):
    keys = {"rich": await served.key("rich", "points"), "gone": await served.key("gone", "points", 100_000)}
    talk = Talk(served, await client("openai", served.base), "openai", "chat", keys)
    shown, _ = await talk.ask("whole")
    points = 2 * sum(shown["usage"])
    balance = await served.house.balance("rich")
    assert (balance.used, balance.remaining) == (points, 100_000 - points)
    refused = await talk.refused("credit gone", "whole", "gone")
    assert (refused.status, refused.error["remaining"]) == (402, 0)
    await served.assert_sound(per_token=2)

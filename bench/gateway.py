"""The gateway, with its full and durable accounting, beside gateways that keep no accounts."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import processor
from bench.frame import Figure, Findings, Form, in_turn
from bench.load import Load
from bench.peers import Peer, free_port, litellm, nginx, portkey, running
from bench.relay import first_chunk_ms, later_chunks_ms
from bench.seed import Place, seed, state_settings
from bench.upstream import USAGE, upstream
from bench.verify import check_all
from bench.wire import Heard, closed_loop, open_loop, post
from tokenhouse import Tokenhouse

PATH = "/v1/chat/completions"
QUESTION = "Tell me about the history of money and tokens. " * 85
BODY = (
    '{"model":"gpt-4o","messages":[{"role":"system","content":"You are a helpful assistant."},'
    f'{{"role":"user","content":"{QUESTION}"}}],"max_tokens":64}}'
).encode()
"""A chat request of four kilobytes."""
STREAM = BODY[:-1] + b',"stream":true}'
CALLERS = 32
STEADY = 50
"""Requests a second at which added time is taken: far below what anything here can do."""
STREAMS = 20
"""Streams begun a second, and connections for them: each takes under half a second, so no two share one."""
UPSTREAM = '[[upstream]]\nname = "static"\nurl = "http://127.0.0.1:{port}/v1"\n'
COMMAND = Path(sys.executable).with_name("tokenhouse")
PEERS = {"nginx": nginx, "Portkey": portkey, "LiteLLM": litellm}


@dataclass(slots=True, kw_only=True)
class Served:
    """Something that answers calls: its port, what it must be told, and how many calls it has answered."""

    port: int
    headers: Sequence[dict[str, str]] = ({},)
    pids: Sequence[int] = ()
    """Its process, and what works for it alone: for us, PostgreSQL."""
    answered: int = 0
    costs_us: list[float] = field(default_factory=list)
    """Processor time of a request, turn by turn of `rate`."""
    busy: list[float] = field(default_factory=list)
    """The share of all cores' time that was spent meanwhile, by whomever."""

    async def rate(self, seconds: float) -> float:
        """Return requests a second."""
        requests = [post(PATH, BODY, told) for told in self.headers]
        begin, spent, before = time.perf_counter(), self._processor(), processor.busy()
        waits = await closed_loop(self.port, requests, CALLERS, seconds)
        taken = time.perf_counter() - begin
        self.costs_us.append((self._processor() - spent) / len(waits) * 1e6)
        worked, could = (after - start for after, start in zip(processor.busy(), before, strict=True))
        self.busy.append(worked / could)
        self.answered += len(waits)
        return len(waits) / taken

    async def steady_ms(self, seconds: float) -> float:
        """Return the median time of an answer at a low rate."""
        heard = await open_loop(self.port, post(PATH, BODY, self.headers[0]), STEADY, seconds)
        self.answered += len(heard)
        return median(one.took for one in heard) * 1_000

    async def streams(self, seconds: float) -> list[Heard]:
        """Return streams as they came, at a low rate."""
        heard = await open_loop(self.port, post(PATH, STREAM, self.headers[0]), STREAMS, seconds, STREAMS)
        self.answered += len(heard)
        return heard

    def _processor(self) -> float:
        return sum(processor.seconds(pid) for pid in self.pids)

    def memory_mb(self) -> float:
        """Return the memory that its process has."""
        status = Path(f"/proc/{self.pids[0]}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1_024


async def gateway(place: Place, form: Form, found: Findings) -> None:
    """Measure requests a second, added time and memory; what was answered must have been charged."""
    with ExitStack() as stack:
        async with place.house() as house:
            names = await seed(house, 1_000)
            callers, others = names[:CALLERS], names[CALLERS:]
            secrets = [(await house.create_key(name)).secret for name in callers]
            await state_settings(house, found)
            port = stack.enter_context(upstream())
            straight = Served(port=port)
            ours = stack.enter_context(_served(place, port, secrets, workers=1))
            lanes = Load(house, others, CALLERS, form.seconds)
            await _rates(straight, ours, lanes, _peers(stack, port, found), form, found)
            await _added(straight, ours, form, found)
            await _memory(ours, form, found)
            two = stack.enter_context(_served(place, port, secrets, workers=2))
            await _scaling(ours, two, form, found)
            await _check_charges(house, callers, ours.answered + two.answered, found)
            await check_all(house, found)


@contextmanager
def _served(place: Place, upstream_port: int, secrets: Sequence[str], *, workers: int) -> Iterator[Served]:
    """Run `tokenhouse serve` over the house of a place, with the static upstream as its only provider."""
    home, port = place.settings.folder, free_port()
    (home / "tokenhouse.toml").write_text(UPSTREAM.format(port=upstream_port))
    surroundings = {"TOKENHOUSE_HOME": str(home), "TOKENHOUSE_ENVIRONMENT": "production"}
    command = [COMMAND, "serve", "--port", str(port), "--workers", str(workers), "--log-level", "warning"]
    with running(command, port, surroundings) as process:
        headers = [{"authorization": f"Bearer {secret}"} for secret in secrets]
        postmaster = int((home / "postgres" / "data" / "postmaster.pid").read_text().partition("\n")[0])
        yield Served(port=port, headers=headers, pids=[process.pid, postmaster])


def _peers(stack: ExitStack, upstream_port: int, found: Findings) -> dict[str, Served]:
    """Start the other gateways; one that this machine cannot have is left out, and that is said."""
    peers: dict[str, Served] = {}
    for name, module in PEERS.items():
        try:
            peer: Peer = stack.enter_context(module.start(upstream_port))
        except FileNotFoundError as missing:
            found.remarks.append(f"without {name}: {missing}")
        else:
            peers[name] = Served(port=peer.port, headers=[dict(peer.headers)], pids=[peer.pid])
            found.surroundings[name] = module.VERSION
    return peers


async def _rates(
    straight: Served, ours: Served, lanes: Load, peers: dict[str, Served], form: Form, found: Findings
) -> None:
    """Measure requests a second of everybody, in turn."""
    each = {"straight": straight, "gateway": ours, **peers}
    for one in each.values():
        await one.rate(1)
    contenders = {name: lambda one=one: one.rate(form.seconds) for name, one in each.items()}
    taken = await in_turn(form, contenders | {"lanes": lanes.rate})
    said = {"unit": "requests/s", "values": taken["gateway"]}
    name = f"gateway, durable accounting, one worker, {CALLERS} connections"
    targets = {"LiteLLM": 20, "Portkey": 2}
    found.figures += [
        Figure(name=name, reference=f"{peer}, no accounts", references=taken[peer], target=target, **said)
        for peer, target in targets.items()
        if peer in taken
    ]
    if "nginx" in taken:
        found.figures.append(
            Figure(name=name, reference="nginx, plain proxy", references=taken["nginx"], **said)
        )
    cost = {"unit": "µs", "values": ours.costs_us[1:]}
    found.figures += [
        Figure(
            name="processor time of a request, its PostgreSQL included",
            reference=f"{peer}, no accounts",
            references=peers[peer].costs_us[1:],
            **cost,
        )
        for peer in targets
        if peer in taken
    ]
    found.figures += [
        Figure(name=name, reference="straight to the upstream", references=taken["straight"], **said),
        Figure(name=name, reference="reserve + settle, lanes alone", references=taken["lanes"], **said),
    ]


async def _added(straight: Served, ours: Served, form: Form, found: Findings) -> None:
    """Measure what a call waits longer for us than for its provider alone, where nobody is in a hurry."""
    both: dict[str, list[list[Heard]]] = {"straight": [], "gateway": []}

    async def streamed(name: str, one: Served) -> float:
        both[name].append(await one.streams(form.seconds))
        return 0

    taken = await in_turn(
        form,
        {
            "straight": lambda: straight.steady_ms(form.seconds),
            "gateway": lambda: ours.steady_ms(form.seconds),
            "straight, streams": lambda: streamed("straight", straight),
            "gateway, streams": lambda: streamed("gateway", ours),
        },
    )
    first, later = (
        {name: [take(one) for one in some] for name, some in both.items()}
        for take in (first_chunk_ms, later_chunks_ms)
    )
    for what, pair, target in (
        (f"added to the median answer at {STEADY} requests/s", taken, 5),
        (f"added to the first chunk of a stream, {STREAMS} begun a second", first, 3),
        ("added to each later chunk", later, None),
    ):
        values = [mine - other for mine, other in zip(pair["gateway"], pair["straight"], strict=True)]
        found.figures.append(
            Figure(name=what, unit="ms", values=values, target=target, most=True, absolute=True)
        )


async def _memory(ours: Served, form: Form, found: Findings) -> None:
    """Measure the memory of the process over many requests; it has answered thousands before."""
    requests, begin = form.of(100_000, 20_000), ours.answered
    samples = [ours.memory_mb()]
    while ours.answered < begin + requests:
        await ours.rate(form.seconds)
        samples.append(ours.memory_mb())
    found.figures.append(
        Figure(
            name=f"memory of the gateway, after {begin:,} requests and {ours.answered - begin:,} more",
            unit="MB",
            values=samples,
            note=f"from {samples[0]:.0f} over {max(samples):.0f} at most to {samples[-1]:.0f} MB",
        )
    )


async def _scaling(ours: Served, two: Served, form: Form, found: Findings) -> None:
    """Measure two workers beside one; callers, upstream and PostgreSQL want these cores too."""
    await two.rate(1)
    taken = await in_turn(
        form, {"one": lambda: ours.rate(form.seconds), "two": lambda: two.rate(form.seconds)}
    )
    line = {"unit": "requests/s", "reference": "one worker", "references": taken["one"]}
    found.figures.append(Figure(name="gateway, two workers", values=taken["two"], **line))
    found.figures.append(
        Figure(
            name="processor time of a request, two workers",
            unit="µs",
            values=two.costs_us[1:],
            reference="one worker",
            references=ours.costs_us[-form.turns :],
        )
    )
    shares = {"one worker": ours.busy[-form.turns :], "two": two.busy[1:]}
    said = ", ".join(f"{name} {median(values):.0%}" for name, values in shares.items())
    found.remarks.append(f"of the cores' time everybody together spent: {said}")


async def _check_charges(house: Tokenhouse, callers: Sequence[str], answered: int, found: Findings) -> None:
    """Hold what was charged against what was answered: every call, and none twice."""
    used = sum([(await house.balance(name)).used for name in callers])
    due = answered * USAGE["total_tokens"]
    said = "every call charged once" if used == due else f"CHARGED {used:,} TOKENS INSTEAD OF {due:,}"
    found.remarks.append(f"{answered:,} calls answered by the gateway: {said}")

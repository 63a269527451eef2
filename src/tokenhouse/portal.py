"""The portal: the same house for code that is not asynchronous, from as many threads as there are.

    with tokenhouse.open_sync() as house:
        reservation = house.reserve("alice", 1_000)
        house.settle("alice", reservation.id, 640)

The house lives in a thread of its own; a call hands its coroutine over and waits. Calls of many threads
share its lanes, so they are gathered into batches just as those of many coroutines are.
"""

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from tokenhouse.errors import Busy
from tokenhouse.flow.call import Needs
from tokenhouse.flow.calling import Recorded
from tokenhouse.flow.statistics import Line
from tokenhouse.house import Clock, Tokenhouse, system_clock
from tokenhouse.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")


class Verb(Generic[P, T]):
    """One verb of the house as a method that waits for its answer, with the same signature."""

    def __init__(self, verb: Callable[Concatenate[Tokenhouse, P], Coroutine[Any, Any, T]]) -> None:
        self.verb = verb

    def __get__(self, portal: "Portal", kind: type["Portal"]) -> Callable[P, T]:
        """Return the verb, bound to a portal."""

        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return portal.wait(self.verb(portal.house, *args, **kwargs))

        return wraps(self.verb)(call)


class Portal:
    """`Tokenhouse` without `await`: every verb, with its arguments, answers and errors, from any thread."""

    account = Verb(Tokenhouse.account)  # type: ignore[arg-type]  # Its profile might name a `self`.
    describe = Verb(Tokenhouse.describe)
    accounts = Verb(Tokenhouse.accounts)
    children = Verb(Tokenhouse.children)
    amend = Verb(Tokenhouse.amend)
    quote = Verb(Tokenhouse.quote)
    explain = Verb(Tokenhouse.explain)
    reserve = Verb(Tokenhouse.reserve)
    settle = Verb(Tokenhouse.settle)
    release = Verb(Tokenhouse.release)
    charge = Verb(Tokenhouse.charge)
    grant = Verb(Tokenhouse.grant)
    claw_back = Verb(Tokenhouse.claw_back)
    refund = Verb(Tokenhouse.refund)
    adjust = Verb(Tokenhouse.adjust)
    order = Verb(Tokenhouse.order)
    complete_order = Verb(Tokenhouse.complete_order)
    fail_order = Verb(Tokenhouse.fail_order)
    refund_order = Verb(Tokenhouse.refund_order)
    orders = Verb(Tokenhouse.orders)
    balance = Verb(Tokenhouse.balance)
    history = Verb(Tokenhouse.history)
    create_key = Verb(Tokenhouse.create_key)
    keys = Verb(Tokenhouse.keys)
    revoke_key = Verb(Tokenhouse.revoke_key)
    find_key = Verb(Tokenhouse.find_key)
    authenticate = Verb(Tokenhouse.authenticate)
    callable_models = Verb(Tokenhouse.callable_models)
    plans = Verb(Tokenhouse.plans)
    write_plan = Verb(Tokenhouse.write_plan)
    write_rate = Verb(Tokenhouse.write_rate)
    rates = Verb(Tokenhouse.rates)
    rate_history = Verb(Tokenhouse.rate_history)
    add_rates = Verb(Tokenhouse.add_rates)
    import_rates = Verb(Tokenhouse.import_rates)
    held_rates = Verb(Tokenhouse.held_rates)
    decide_rate = Verb(Tokenhouse.decide_rate)
    preset = Verb(Tokenhouse.preset)
    sweep = Verb(Tokenhouse.sweep)
    ready = Verb(Tokenhouse.ready)
    waiting = Verb(Tokenhouse.waiting)
    initialise = Verb(Tokenhouse.initialise)
    check = Verb(Tokenhouse.check)
    stats = Verb(Tokenhouse.stats)
    trend = Verb(Tokenhouse.trend)
    verify = Verb(Tokenhouse.verify)
    journal_size = Verb(Tokenhouse.journal_size)
    import_points = Verb(Tokenhouse.import_points)
    import_users = Verb(Tokenhouse.import_users)
    import_table = Verb(Tokenhouse.import_table)
    import_sessions = Verb(Tokenhouse.import_sessions)
    export = Verb(Tokenhouse.export)

    def __init__(self, house: Tokenhouse, loop: asyncio.AbstractEventLoop) -> None:
        self.house = house
        self._loop = loop
        self._guard = threading.Lock()
        self._closed = False
        self._calls: set[Future[Any]] = set()

    def lines(self) -> Iterator[Line]:
        """Yield what `Tokenhouse.lines` does, line by line."""
        lines = self.house.lines()

        async def following() -> Line | None:
            return await anext(lines, None)

        while (line := self.wait(following())) is not None:
            yield line

    @contextmanager
    def call(
        self,
        ref: str,
        request: Mapping[str, Any] | Needs,
        *,
        dialect: str = "openai-chat",
        api_key: str = "",
        actor: str = "",
    ) -> Iterator[Recorded]:
        """Run one model call, as `Tokenhouse.call` does."""
        block = self.house.call(ref, request, dialect=dialect, api_key=api_key, actor=actor)
        recorded = self.wait(block.__aenter__())
        try:
            yield recorded
        except BaseException as trouble:
            self.wait(block.__aexit__(type(trouble), trouble, trouble.__traceback__))
            raise
        self.wait(block.__aexit__(None, None, None))

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Have a coroutine run in the house's thread, and return its answer.

        Raises: its error, and Busy once the portal is closed.
        """
        with self._guard:
            if self._closed:
                work.close()
                raise Busy("closing", retry_after_s=1, waiting=0)
            call = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return call.result()

    def close(self) -> None:
        """Take no more calls, and return when those under way have their answers. Idempotent."""
        with self._guard:
            self._closed = True
        wait(list(self._calls))


@contextmanager
def open_sync(
    dsn: str | None = None, *, settings: Settings | None = None, clock: Clock = system_clock
) -> Iterator[Portal]:
    """Open the house as `Tokenhouse.open` does, in a thread of its own; drained and closed at the end."""
    loop = _fast_loop()
    thread = threading.Thread(target=loop.run_forever, name="tokenhouse", daemon=True)
    thread.start()
    opening = Tokenhouse.open(dsn, settings=settings, clock=clock)
    try:
        portal = Portal(asyncio.run_coroutine_threadsafe(opening.__aenter__(), loop).result(), loop)
        try:
            yield portal
        finally:
            portal.close()
            asyncio.run_coroutine_threadsafe(opening.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _fast_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop: uvloop's where there is one."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()

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
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from tokenhouse.errors import Busy
from tokenhouse.flow.call import Needs
from tokenhouse.flow.calling import Recorded
from tokenhouse.flow.chat_export import Form
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
    standings = Verb(Tokenhouse.standings)
    limits = Verb(Tokenhouse.limits)
    preview_plan = Verb(Tokenhouse.preview_plan)
    chat_use = Verb(Tokenhouse.chat_use)
    people_of = Verb(Tokenhouse.people_of)
    orders = Verb(Tokenhouse.orders)
    find_order = Verb(Tokenhouse.find_order)
    all_orders = Verb(Tokenhouse.all_orders)
    preview_refund = Verb(Tokenhouse.preview_refund)
    payments_of = Verb(Tokenhouse.payments_of)
    order_of_refund = Verb(Tokenhouse.order_of_refund)
    sales_receipt = Verb(Tokenhouse.sales_receipt)
    packages = Verb(Tokenhouse.packages)
    write_package = Verb(Tokenhouse.write_package)
    write_coupons = Verb(Tokenhouse.write_coupons)
    coupons = Verb(Tokenhouse.coupons)
    redemptions = Verb(Tokenhouse.redemptions)
    end_coupon = Verb(Tokenhouse.end_coupon)
    buy = Verb(Tokenhouse.buy)
    redeem = Verb(Tokenhouse.redeem)
    expire_orders = Verb(Tokenhouse.expire_orders)
    subscription = Verb(Tokenhouse.subscription)
    cancel_subscription = Verb(Tokenhouse.cancel_subscription)
    renew_subscriptions = Verb(Tokenhouse.renew_subscriptions)
    hear_payment = Verb(Tokenhouse.hear_payment)
    give_back = Verb(Tokenhouse.give_back)
    refuse_payment = Verb(Tokenhouse.refuse_payment)
    bind_payment = Verb(Tokenhouse.bind_payment)
    payment_events = Verb(Tokenhouse.payment_events)
    balance = Verb(Tokenhouse.balance)
    history = Verb(Tokenhouse.history)
    create_key = Verb(Tokenhouse.create_key)
    keys = Verb(Tokenhouse.keys)
    revoke_key = Verb(Tokenhouse.revoke_key)
    find_key = Verb(Tokenhouse.find_key)
    authenticate = Verb(Tokenhouse.authenticate)
    card_token = Verb(Tokenhouse.card_token)
    card_account = Verb(Tokenhouse.card_account)
    open_chat = Verb(Tokenhouse.open_chat)
    chat = Verb(Tokenhouse.chat)
    chats = Verb(Tokenhouse.chats)
    amend_chat = Verb(Tokenhouse.amend_chat)
    erase_chat = Verb(Tokenhouse.erase_chat)
    chat_messages = Verb(Tokenhouse.chat_messages)
    create_person = Verb(Tokenhouse.create_person)
    invite = Verb(Tokenhouse.invite)
    people = Verb(Tokenhouse.people)
    person = Verb(Tokenhouse.person)
    change_person = Verb(Tokenhouse.change_person)
    set_password = Verb(Tokenhouse.set_password)
    sign_in = Verb(Tokenhouse.sign_in)
    enter = Verb(Tokenhouse.enter)
    offer_ownership = Verb(Tokenhouse.offer_ownership)
    become_owner = Verb(Tokenhouse.become_owner)
    session = Verb(Tokenhouse.session)
    sign_out = Verb(Tokenhouse.sign_out)
    sign_out_everywhere = Verb(Tokenhouse.sign_out_everywhere)
    sessions = Verb(Tokenhouse.sessions)
    record = Verb(Tokenhouse.record)
    audit_log = Verb(Tokenhouse.audit_log)
    callable_models = Verb(Tokenhouse.callable_models)
    plans = Verb(Tokenhouse.plans)
    write_plan = Verb(Tokenhouse.write_plan)
    planned = Verb(Tokenhouse.planned)
    withdraw_plan = Verb(Tokenhouse.withdraw_plan)
    write_rate = Verb(Tokenhouse.write_rate)
    rates = Verb(Tokenhouse.rates)
    rate_history = Verb(Tokenhouse.rate_history)
    add_rates = Verb(Tokenhouse.add_rates)
    import_rates = Verb(Tokenhouse.import_rates)
    held_rates = Verb(Tokenhouse.held_rates)
    decide_rate = Verb(Tokenhouse.decide_rate)
    preset = Verb(Tokenhouse.preset)
    sweep = Verb(Tokenhouse.sweep)
    notify = Verb(Tokenhouse.notify)
    deliver = Verb(Tokenhouse.deliver)
    notices = Verb(Tokenhouse.notices)
    all_notices = Verb(Tokenhouse.all_notices)
    count_notices = Verb(Tokenhouse.count_notices)
    read_notice = Verb(Tokenhouse.read_notice)
    read_notices = Verb(Tokenhouse.read_notices)
    notice_settings = Verb(Tokenhouse.notice_settings)
    set_notice_settings = Verb(Tokenhouse.set_notice_settings)
    deliveries = Verb(Tokenhouse.deliveries)
    count_deliveries = Verb(Tokenhouse.count_deliveries)
    resend = Verb(Tokenhouse.resend)
    resend_dead = Verb(Tokenhouse.resend_dead)
    create_endpoint = Verb(Tokenhouse.create_endpoint)
    endpoints = Verb(Tokenhouse.endpoints)
    rotate_endpoint = Verb(Tokenhouse.rotate_endpoint)
    disable_endpoint = Verb(Tokenhouse.disable_endpoint)
    enable_endpoint = Verb(Tokenhouse.enable_endpoint)
    try_endpoint = Verb(Tokenhouse.try_endpoint)
    jobs = Verb(Tokenhouse.jobs)
    job_runs = Verb(Tokenhouse.job_runs)
    run_job = Verb(Tokenhouse.run_job)
    ready = Verb(Tokenhouse.ready)
    waiting = Verb(Tokenhouse.waiting)
    initialise = Verb(Tokenhouse.initialise)
    check = Verb(Tokenhouse.check)
    stats = Verb(Tokenhouse.stats)
    trend = Verb(Tokenhouse.trend)
    overview = Verb(Tokenhouse.overview)
    curve = Verb(Tokenhouse.curve)
    patterns = Verb(Tokenhouse.patterns)
    costs = Verb(Tokenhouse.costs)
    purchases = Verb(Tokenhouse.purchases)
    refusals = Verb(Tokenhouse.refusals)
    outlook = Verb(Tokenhouse.outlook)
    forget_statistics = Verb(Tokenhouse.forget_statistics)
    lately = Verb(Tokenhouse.lately)
    attention = Verb(Tokenhouse.attention)
    cancel_verification = Verb(Tokenhouse.cancel_verification)
    examine = Verb(Tokenhouse.examine)
    exhausted = Verb(Tokenhouse.exhausted)
    usage = Verb(Tokenhouse.usage)
    use_between = Verb(Tokenhouse.use_between)
    forecast = Verb(Tokenhouse.forecast)
    fold = Verb(Tokenhouse.fold)
    verify = Verb(Tokenhouse.verify)
    journal_size = Verb(Tokenhouse.journal_size)
    import_points = Verb(Tokenhouse.import_points)
    import_users = Verb(Tokenhouse.import_users)
    import_table = Verb(Tokenhouse.import_table)
    import_sessions = Verb(Tokenhouse.import_sessions)
    export = Verb(Tokenhouse.export)
    months = Verb(Tokenhouse.months)
    rehearse = Verb(Tokenhouse.rehearse)
    synchronise = Verb(Tokenhouse.synchronise)
    history_size = Verb(Tokenhouse.history_size)
    find_accounts = Verb(Tokenhouse.find_accounts)
    accounts_below = Verb(Tokenhouse.accounts_below)
    way_up = Verb(Tokenhouse.way_up)
    payer = Verb(Tokenhouse.payer)
    correct_profile = Verb(Tokenhouse.correct_profile)
    entries = Verb(Tokenhouse.entries)
    all_entries = Verb(Tokenhouse.all_entries)
    entry = Verb(Tokenhouse.entry)
    grants = Verb(Tokenhouse.grants)
    open_reservations = Verb(Tokenhouse.open_reservations)
    plan_versions = Verb(Tokenhouse.plan_versions)
    start_verification = Verb(Tokenhouse.start_verification)
    verification = Verb(Tokenhouse.verification)
    verifications = Verb(Tokenhouse.verifications)
    start_simulation = Verb(Tokenhouse.start_simulation)
    simulation = Verb(Tokenhouse.simulation)
    simulations = Verb(Tokenhouse.simulations)
    start_import = Verb(Tokenhouse.start_import)
    carry_out_import = Verb(Tokenhouse.carry_out_import)
    find_import = Verb(Tokenhouse.find_import)
    imports = Verb(Tokenhouse.imports)
    cancel_import = Verb(Tokenhouse.cancel_import)
    samples = Verb(Tokenhouse.samples)
    load_samples = Verb(Tokenhouse.load_samples)

    def __init__(self, house: Tokenhouse, loop: asyncio.AbstractEventLoop) -> None:
        self.house = house
        self._loop = loop
        self._guard = threading.Lock()
        self._closed = False
        self._calls: set[Future[Any]] = set()

    def lines(self) -> Iterator[Line]:
        """Yield what `Tokenhouse.lines` does, line by line."""
        return self._walk(self.house.lines())

    def standings_table(self) -> Iterator[str]:
        """Yield what `Tokenhouse.standings_table` does, piece by piece."""
        return self._walk(self.house.standings_table())

    def export_chat(self, ref: str, session: str, *, form: Form = "json") -> Iterator[str]:
        """Yield what `Tokenhouse.export_chat` does, piece by piece."""
        return self._walk(self.house.export_chat(ref, session, form=form))

    def entries_table(
        self,
        ref: str,
        *,
        kinds: Sequence[str] = (),
        model: str = "",
        api_key: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[str]:
        """Yield what `Tokenhouse.entries_table` does, piece by piece."""
        pieces = self.house.entries_table(
            ref, kinds=kinds, model=model, api_key=api_key, since=since, until=until
        )
        return self._walk(pieces)

    def all_entries_table(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[str]:
        """Yield what `Tokenhouse.all_entries_table` does, piece by piece."""
        return self._walk(self.house.all_entries_table(since=since, until=until))

    def _walk(self, items: AsyncIterator[T]) -> Iterator[T]:
        """Yield what comes, one by one."""

        async def following() -> T | None:
            return await anext(items, None)

        while (item := self.wait(following())) is not None:
            yield item

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

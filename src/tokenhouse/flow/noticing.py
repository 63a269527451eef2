"""Noticing: the part of the house that tells accounts where they stand, and sees to it that they hear it."""

from collections.abc import Sequence
from decimal import Decimal

from tokenhouse.flow import endpoints, notify, outbox, reading
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.endpoints import NewEndpoint
from tokenhouse.flow.notify import Notified
from tokenhouse.flow.outbox import Delivered
from tokenhouse.flow.reading import SAME, Count, NoticeSettings, NoticeView
from tokenhouse.store.outbox import Delivery, Endpoint


class Noticing:
    """Notices and their deliveries. Each method is one flow."""

    _desk: Desk

    async def notify(self) -> Notified:
        """Tell every account that has reached a level, and everyone whose credit will soon end. Idempotent.

        A level is told once a period and never twice in 24 hours, on however many nodes this runs.
        """
        return await notify.notify(self._desk)

    async def deliver(self) -> Delivered:
        """Send what is due over the channels that this process has opened. Any number of nodes may do it."""
        return await outbox.deliver(self._desk)

    async def notices(
        self,
        ref: str,
        *,
        before: str | None = None,
        unread: bool = False,
        rows_max: int = 20,
        locale: str = "",
    ) -> list[NoticeView]:
        """Return a page of what an account was told, newest first, in its own language, otherwise `locale`.

        Pass the last one's `id` as `before` for the next page.
        """
        return await reading.page(
            self._desk, ref, before=before, unread=unread, rows_max=rows_max, locale=locale
        )

    async def all_notices(
        self, *, before: str | None = None, kind: str = "", rows_max: int = 20, locale: str = ""
    ) -> list[NoticeView]:
        """Return a page of what all accounts were told, newest first; of one kind if it is named."""
        return await reading.page_of_all(
            self._desk, before=before, kind=kind, rows_max=rows_max, locale=locale
        )

    async def count_notices(self, ref: str) -> Count:
        """Return how many notices an account has, and how many are unread: what its bell shows."""
        return await reading.count(self._desk, ref)

    async def read_notice(self, ref: str, notice: str, *, locale: str = "") -> NoticeView:
        """Mark one notice as read; the first time stands. Raises: NotFound."""
        return await reading.read(self._desk, ref, notice, locale=locale)

    async def read_notices(self, ref: str) -> int:
        """Mark all of an account's notices as read; return how many were not."""
        return await reading.read_all(self._desk, ref)

    async def notice_settings(self, ref: str) -> NoticeSettings:
        """Return where, in which language and at which levels an account's person is told."""
        return await reading.wishes(self._desk, ref)

    async def set_notice_settings(
        self,
        ref: str,
        *,
        email: str | None = None,
        locale: str | None = None,
        time_zone: str | None = None,
        levels: Sequence[Decimal | str] | str | None = SAME,
        by_email: bool | None = None,
    ) -> NoticeSettings:
        """Change how an account's person is told. `levels` are shares such as "0.8"; None: the plan's.

        Takes effect at once here; on another node, a crossing of a level that the plan does not have is told
        within the hour.
        """
        return await reading.set_wishes(
            self._desk,
            ref,
            email=email,
            locale=locale,
            time_zone=time_zone,
            levels=levels,
            by_email=by_email,
        )

    async def deliveries(
        self, *, state: str = "", before: str | None = None, rows_max: int = 20
    ) -> list[Delivery]:
        """Return a page of deliveries, newest first: all, or those `pending`, `sent` or `dead`."""
        return await outbox.list_deliveries(self._desk, state=state, before=before, rows_max=rows_max)

    async def count_deliveries(self) -> dict[str, int]:
        """Return how many deliveries are pending and how many are dead."""
        return await outbox.count_deliveries(self._desk)

    async def resend(self, delivery: str) -> Delivery:
        """Put a delivery that ended on its way again. Idempotent while it is on its way. Raises: NotFound."""
        return await outbox.resend(self._desk, delivery)

    async def resend_dead(self) -> int:
        """Put all dead deliveries on their way again but those to disabled endpoints; return how many."""
        return await outbox.resend_dead(self._desk)

    async def create_endpoint(
        self,
        url: str,
        *,
        channel: str = "webhook",
        name: str = "",
        account: str = "",
        kinds: Sequence[str] = (),
        actor: str = "",
    ) -> NewEndpoint:
        """Have notices sent to a webhook or a service, of all accounts or of one, of all kinds or of some.

        The `secret` that signs a webhook's notices is there this once and never again.
        """
        return await endpoints.create(
            self._desk, channel=channel, url=url, name=name, account=account, kinds=kinds, actor=actor
        )

    async def endpoints(self, *, before: str | None = None, rows_max: int = 20) -> list[Endpoint]:
        """Return a page of endpoints, newest first."""
        return await endpoints.page(self._desk, before=before, rows_max=rows_max)

    async def rotate_endpoint(self, endpoint: str) -> NewEndpoint:
        """Give a webhook a new secret; for a day the old one signs beside it. Raises: NotFound."""
        return await endpoints.rotate(self._desk, endpoint)

    async def disable_endpoint(self, endpoint: str, *, why: str = "") -> Endpoint:
        """Let an endpoint rest; what waits for it becomes a dead letter. Idempotent. Raises: NotFound."""
        return await endpoints.disable(self._desk, endpoint, why=why)

    async def enable_endpoint(self, endpoint: str) -> Endpoint:
        """Use an endpoint again. Idempotent. Raises: NotFound."""
        return await endpoints.enable(self._desk, endpoint)

    async def try_endpoint(self, endpoint: str) -> Delivery:
        """Send a test to one endpoint now, once; the delivery says whether it arrived. Raises: NotFound."""
        return await endpoints.try_endpoint(self._desk, endpoint)

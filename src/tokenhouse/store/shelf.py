"""The shelf: answers that took a while, kept for all nodes in Redis or Valkey. It is only ever a cache.

Whatever goes wrong with it is one line in the log: what is not found there is found out anew, and a shelf
that does not answer is left alone for a while.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from tokenhouse.errors import StartRefused

log: Final = logging.getLogger("tokenhouse.shelf")

WAIT_S: Final = 0.25
"""How long Redis may take: what it saves must not cost more."""
ALONE_S: Final = 15.0
"""For how long it is not asked after it has failed."""

T = TypeVar("T")


class Shelf:
    """One hash in Redis: the deployment's own, so that several may share a server."""

    def __init__(self, client: Any, troubles: tuple[type[Exception], ...], deployment: str) -> None:
        self._client, self._troubles = client, troubles
        self._place = f"tokenhouse:{deployment}:statistics"
        self._alone_until = 0.0

    async def find(self, name: str) -> bytes | None:
        """Return what is kept under a name, if anything is and Redis answers."""
        return await self._asked(lambda: self._client.hget(self._place, name))

    async def put(self, name: str, document: bytes, seconds: int) -> None:
        """Keep a document; all of the shelf is gone after so many seconds without another."""

        async def written() -> None:
            async with self._client.pipeline(transaction=True) as pipeline:
                pipeline.hset(self._place, name, document)
                pipeline.expire(self._place, seconds)
                await pipeline.execute()

        await self._asked(written)

    async def clear(self) -> None:
        """Keep nothing any more."""
        await self._asked(lambda: self._client.delete(self._place))

    async def close(self) -> None:
        """Let the connections go."""
        with suppress(*self._troubles):
            await self._client.aclose()

    async def _asked(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """Return what Redis says; None if it says nothing or is left alone."""
        if time.monotonic() < self._alone_until:
            return None
        try:
            return await work()
        except self._troubles as trouble:
            self._alone_until = time.monotonic() + ALONE_S
            log.warning("cache left alone for %.0f s: %s", ALONE_S, trouble)
            return None


def open_shelf(url: str, deployment: str) -> Shelf:
    """Return the shelf at a Redis or Valkey address; it connects when it is first asked.

    Raises: StartRefused where the extra `redis` is not installed, or the address is none.
    """
    try:
        from redis.asyncio import Redis
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError
        from redis.retry import Retry
    except ImportError:
        raise StartRefused("redis_absent") from None
    try:
        client = Redis.from_url(
            url, socket_timeout=WAIT_S, socket_connect_timeout=WAIT_S, retry=Retry(NoBackoff(), 0)
        )
    except (ValueError, TypeError) as trouble:
        raise StartRefused("redis_url_invalid", problem=str(trouble)) from None
    return Shelf(client, (RedisError, OSError, TimeoutError), deployment)

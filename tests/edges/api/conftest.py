"""The REST API over a real house, called in process; a caller shows the key of an account or of a role."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tokenhouse import Tokenhouse
from tokenhouse.edges.server import Application, build
from tokenhouse.settings import Settings


class Service:
    """A server of its own for a test, its house, and callers."""

    def __init__(self, app: Application, house: Tokenhouse, client: httpx2.AsyncClient) -> None:
        self.app, self.house, self.client = app, house, client
        self._keys: dict[str, str] = {}

    async def key(self, who: str) -> str:
        """Return the secret of an account's key, or of "auditor", "operator" or "owner"."""
        if who not in self._keys:
            role: Any = who if who in ("auditor", "operator", "owner") else "user"
            if role == "user":
                await self.house.account(who)
            made = await self.house.create_key("" if role != "user" else who, role=role)
            self._keys[who] = made.secret
        return self._keys[who]

    async def call(self, method: str, path: str, *, who: str | None = None, **how: Any) -> httpx2.Response:
        """Call as somebody; `json`, `params`, `content` and `headers` as httpx2 has them."""
        headers = dict(how.pop("headers", {}))
        if who is not None:
            headers["authorization"] = f"Bearer {await self.key(who)}"
        return await self.client.request(method, path, headers=headers, **how)

    async def ok(self, method: str, path: str, *, who: str | None = None, **how: Any) -> Any:
        """Call as somebody and return the document of an answer that must be a success."""
        answer = await self.call(method, path, who=who, **how)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    async def no(self, status: int, method: str, path: str, *, who: str | None = None, **how: Any) -> Any:
        """Call as somebody and return the problem of an answer that must have this status."""
        answer = await self.call(method, path, who=who, **how)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()


@pytest.fixture
def settings() -> dict[str, Any]:
    """Return settings of the server; a test module may have its own."""
    return {}


@pytest.fixture
async def service(
    database: str, clock: Any, tmp_path: Any, settings: dict[str, Any]
) -> AsyncIterator[Service]:
    app = build(Settings(home=tmp_path, database_url=database, **settings), clock=clock, upkeep=False)
    async with app.opened() as house:
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://tokenhouse.test") as client:
            yield Service(app, house, client)

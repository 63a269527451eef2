"""What costs nothing: the list of models, as each vendor writes it, and counts of a prompt's tokens."""

import asyncio
from typing import Any, Final

import msgspec

from tokenhouse.edges.gateway.caller import Caller
from tokenhouse.edges.headers import Header, sent_back, sent_on, standing
from tokenhouse.edges.routes import Route
from tokenhouse.edges.upstream import Upstreams
from tokenhouse.errors import NotFound, UpstreamTrouble
from tokenhouse.flow.keys import admit
from tokenhouse.house import Tokenhouse
from tokenhouse.providers import tokens
from tokenhouse.providers.fields import changed, document_of, model_of
from tokenhouse.rules.amounts import shown
from tokenhouse.store.keys import Key

LISTING_KEPT_S: Final = 300.0
LISTING_FAILED_S: Final = 30.0
"""How long a provider's own list of models is not asked for again; the second where it could not be had."""
METERED: Final = frozenset({"model"})
EPOCH: Final = "1970-01-01T00:00:00Z"

_encode: Final = msgspec.json.Encoder().encode
_JSON: Final = [("content-type", "application/json")]


class Pages:
    """The pages of one gateway."""

    def __init__(self, house: Tokenhouse, upstreams: Upstreams) -> None:
        self._house, self._upstreams = house, upstreams
        self._listed: dict[str, tuple[list[dict[str, Any]], float]] = {}

    async def models(self, caller: Caller, key: Key, wanted: str) -> None:
        """Tell which models a key may call, or of one of them; those that the caller's protocol reaches."""
        anthropic = bool(caller.header(b"anthropic-version"))
        found = {one["id"]: one for one in await self._models("anthropic" if anthropic else "openai")}
        allowed = await self._house.callable_models(key.account, [name for name in found if key.allows(name)])
        if wanted:
            if wanted not in allowed:
                admit(key, wanted)
                raise NotFound("model_unknown", model=shown(wanted))
            document = _written(found[wanted], anthropic=anthropic)
        else:
            data = [_written(found[name], anthropic=anthropic) for name in allowed]
            document = _page(data) if anthropic else {"object": "list", "data": data}
        await caller.answer(200, [*_JSON, *await self._standing(key)], _encode(document))

    async def count_tokens(self, caller: Caller, key: Key, body: bytes) -> None:
        """Tell how many tokens a prompt is: in the words of Anthropic's provider, else by our own count."""
        document = document_of(body, METERED)
        model = model_of(document)
        admit(key, model)
        routes = self._upstreams.routes.list(model)
        if not routes:
            raise NotFound("model_unknown", model=shown(model))
        route = next((one for one in routes if "anthropic" in one.protocols), None)
        if route is None:
            counted = await asyncio.to_thread(tokens.count, "anthropic-messages", document, model)
            told = _encode({"input_tokens": counted.tokens})
            return await caller.answer(200, [*_JSON, *await self._standing(key)], told)
        return await self._asked(caller, key, route, changed(body, _renamed(route)))

    async def _asked(self, caller: Caller, key: Key, route: Route, body: bytes) -> None:
        """Pass on what the provider counts."""
        headers = sent_on(caller.headers)
        path, query = caller.path, caller.query_sent_on
        reply = await self._upstreams.send(route, path, headers, body, query)
        content = bytearray()
        try:
            async with asyncio.timeout(route.total_s):
                while chunk := await reply.chunk():
                    content += chunk
        except TimeoutError:
            wait_s = f"{route.total_s:g}"
            raise UpstreamTrouble("upstream_timeout", model=route.name, wait_s=wait_s) from None
        finally:
            await reply.close()
        headers_back = [*sent_back(reply.headers), *await self._standing(key)]
        await caller.answer(reply.status, headers_back, bytes(content))

    async def _standing(self, key: Key) -> list[Header]:
        """Return where the key's account stands, as headers."""
        return standing(await self._house.balance(key.account), self._house.desk.clock())

    async def _models(self, protocol: str) -> list[dict[str, Any]]:
        """Return every model that `protocol` reaches: named in the settings, or listed by its provider."""
        found: dict[str, dict[str, Any]] = {}
        for pattern, route in self._upstreams.routes.patterns:
            if protocol not in route.protocols:
                continue
            if not pattern.endswith("*"):
                known = [{"id": pattern}]
            else:
                listed = await self._listing(route.upstream)
                known = [one for one in listed if one["id"].startswith(pattern[:-1])]
            for one in known:
                found.setdefault(one["id"], {**one, "owned_by": route.upstream})
        return list(found.values())

    async def _listing(self, upstream: str) -> list[dict[str, Any]]:
        """Return a provider's own list of models, as it was a few minutes ago."""
        now = asyncio.get_running_loop().time()
        known = self._listed.get(upstream)
        if known is not None and now < known[1]:
            return known[0]
        try:
            found, until = await self._upstreams.list_models(upstream), now + LISTING_KEPT_S
        except UpstreamTrouble:
            found, until = known[0] if known else [], now + LISTING_FAILED_S
        self._listed[upstream] = found, until
        return found


def _renamed(route: Route) -> dict[str, str]:
    """Return the change that names a model as its provider does."""
    return {} if route.model == route.name else {"model": route.model}


def _written(model: dict[str, Any], *, anthropic: bool) -> dict[str, Any]:
    """Return a model as a vendor writes it."""
    name = model["id"]
    if anthropic:
        told = {"type": "model", "id": name, "display_name": model.get("display_name") or name}
        return told | {"created_at": model.get("created_at") or EPOCH}
    created = model.get("created")
    at = created if isinstance(created, int) else 0
    return {"id": name, "object": "model", "created": at, "owned_by": model["owned_by"]}


def _page(data: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a list as Anthropic pages it, all on one page."""
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"data": data, "has_more": False, "first_id": first, "last_id": last}

"""Thin routes: those of the hot path, read and written by msgspec in a fifth of what a full route costs.

A full route of the framework resolves its dependencies and checks its body and its answer once more, 200 µs
for what the ledger does in 60. A thin one is a plain route of Starlette with one struct in and one out; of
these same structs its part of the OpenAPI document is made, so neither can say what the other does not do.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tokenhouse.edges.api.caller import Caller, Operator
from tokenhouse.errors import InvalidInput
from tokenhouse.house import Tokenhouse

JSON: Final = "application/json"
IDEMPOTENCY: Final = "idempotency-key"

Asked = TypeVar("Asked", bound=msgspec.Struct)
Told = TypeVar("Told", bound=msgspec.Struct)


class Asking(msgspec.Struct, Generic[Asked], frozen=True, kw_only=True):
    """One call of a thin route: who calls, what for, under which key, and what stood in the path."""

    house: Tokenhouse
    caller: Caller
    asked: Asked
    key: str | None
    path: dict[str, Any]


class Thin(Route, Generic[Asked, Told]):
    """One route: a struct comes in, the verb is carried out, a struct goes out."""

    def __init__(
        self,
        path: str,
        verb: Callable[[Asking[Asked]], Awaitable[Told]],
        *,
        asked: type[Asked],
        told: type[Told],
        status: int,
        tag: str,
        example: dict[str, Any],
        keyed: bool = False,
        caller: Any = Operator,
    ) -> None:
        super().__init__(path, self._serve, methods=["POST"], name=verb.__name__, include_in_schema=False)
        self.verb, self.asked, self.told = verb, asked, told
        self.status, self.tag, self.example, self.keyed = status, tag, example, keyed
        self._admit = get_args(caller)[1].dependency
        self._read = msgspec.json.Decoder(asked).decode
        self._written = msgspec.json.Encoder().encode

    async def _serve(self, request: Request) -> Response:
        """Answer one request."""
        house: Tokenhouse = request.app.state.house
        caller = await self._admit(request, house)
        asking = Asking(
            house=house,
            caller=caller,
            asked=self.read(await request.body()),
            key=request.headers.get(IDEMPOTENCY) if self.keyed else None,
            path=request.path_params,
        )
        told = await self.verb(asking)
        return Response(self._written(told), self.status, media_type=JSON)

    def read(self, body: bytes) -> Asked:
        """Return what a body asks for. Raises: InvalidInput that names the field."""
        try:
            return self._read(body)
        except msgspec.ValidationError as wrong:
            problem, _, field = str(wrong).partition(" - at ")
            raise InvalidInput(
                "shape", field=field.strip("`").removeprefix("$.") or "body", value="", problem=problem
            ) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise InvalidInput("shape", field="body", value="", problem=str(wrong)) from None

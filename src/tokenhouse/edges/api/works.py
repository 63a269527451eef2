"""Works over REST: whatever kind they are, they are listed, shown and called off in one way."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import APIRouter, Path, Query

from tokenhouse.edges.api.caller import Auditor, Caller, House, Operator
from tokenhouse.edges.api.shapes import AN_ID, Cursor, Page, Shape
from tokenhouse.flow import works
from tokenhouse.flow.works import Kind

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=works.ROWS_MAX, description="Items of a page at most.")]
ROWS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched(Generic[T]):
    """A kind of work and its routes: what one and many of it are called, and what names one in a path.

    `shown` says one as the API does, in full or as a list has it; `listed` is the shape of a page of them.
    """

    kind: Kind[T]
    one: str
    many: str
    parameter: str
    shape: type[Shape]
    listed: Any
    shown: Callable[[T, Caller, bool], Shape]

    def watch(self, router: APIRouter) -> None:
        """Add the routes by which a kind of work is watched."""
        work_id = Annotated[
            str, Path(alias=self.parameter, max_length=36, description="Its id.", examples=[AN_ID])
        ]

        @router.get(
            "",
            name=f"list_{self.many}",
            response_model=self.listed,
            description=f"List the latest {self.many}, newest first: one that is under way is the first. "
            "For auditors.",
        )
        async def list_works(
            caller: Auditor, house: House, limit: Limit = ROWS, cursor: Cursor = None
        ) -> Page[Any]:
            found = await works.page(house.desk, self.kind, cursor, limit)
            return Page(items=[self.shown(one, caller, False) for one in found.items], next=found.next)

        @router.get(
            f"/{{{self.parameter}}}",
            name=f"show_{self.one}",
            response_model=self.shape,
            description=f"Return how far one of the {self.many} is, and what came out. For auditors.",
        )
        async def show_work(work: work_id, caller: Auditor, house: House) -> Shape:
            return self.shown(await works.find(house.desk, self.kind, work), caller, True)

    def call_off(self, router: APIRouter, *, subject: Callable[[T], str]) -> None:
        """Add the route by which a kind of work is called off; `subject` is what the audit log calls one."""
        work_id = Annotated[
            str, Path(alias=self.parameter, max_length=36, description="Its id.", examples=[AN_ID])
        ]

        @router.post(
            f"/{{{self.parameter}}}/cancel",
            name=f"cancel_{self.one}",
            response_model=self.shape,
            description=f"Call one of the {self.many} off, on whichever node it runs, and let go of what was "
            "sent for it. One that has ended stays as it is.",
        )
        async def cancel_work(work: work_id, caller: Operator, house: House) -> Shape:
            found = await works.find(house.desk, self.kind, work)
            told = {"state": "cancelled"}
            with caller.changing(
                house, f"{self.one}.cancel", subject(found), lambda name: {"id": name, **told}
            ):
                return self.shown(await works.cancel(house.desk, self.kind, work), caller, True)

"""The notifications of the chat's source: what its batch has told the caller, and marking it as read."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from tokenhouse.edges.api.caller import Caller, House, User
from tokenhouse.edges.api.shapes import AN_ID, CamelShape
from tokenhouse.edges.api.sources.names import UserId, user_id
from tokenhouse.errors import InvalidInput
from tokenhouse.flow.reading import NoticeView

router = APIRouter(prefix="/api/notifications", tags=["sources"])

NotificationId = Annotated[str, Path(max_length=36, description="The notification's id.", examples=[AN_ID])]


class Notification(CamelShape):
    """Something that the caller was told."""

    id: str
    user_id: UserId
    type: Annotated[str, Field(examples=["TOKEN_WARNING", "TOKEN_CRITICAL"])]
    level: Annotated[str | None, Field(examples=["WARNING", "CRITICAL"])]
    title: str
    message: str
    usage_percent: Annotated[float | None, Field(examples=[90.5])]
    remaining_tokens: int
    link: Annotated[str | None, Field(description="The page where more is bought.")]
    is_read: bool
    created_at: datetime


class Notifications(CamelShape):
    """The newest notifications, and how many were not read."""

    notifications: list[Notification]
    unread_count: int
    total_count: int


class ReadAll(CamelShape):
    """How many notifications were marked."""

    count: int


@router.get("")
async def list_notifications(
    caller: User,
    house: House,
    limit: Annotated[int, Query(ge=1, le=100, description="The newest so many.")] = 20,
    unread_only: Annotated[bool, Query(alias="unreadOnly")] = False,
) -> Notifications:
    """Return the caller's newest notifications."""
    account = _own(caller)
    found = await house.notices(account, unread=unread_only, rows_max=limit, locale=caller.locale)
    count = await house.count_notices(account)
    return Notifications(
        notifications=[shown(view) for view in found], unread_count=count.unread, total_count=count.total
    )


@router.patch("/{notification_id}/read")
async def mark_notification_read(notification_id: NotificationId, caller: User, house: House) -> Notification:
    """Mark one of the caller's notifications as read. Idempotent."""
    return shown(await house.read_notice(_own(caller), notification_id, locale=caller.locale))


@router.post("/read-all")
async def mark_notifications_read(caller: User, house: House) -> ReadAll:
    """Mark all of the caller's notifications as read. Idempotent."""
    return ReadAll(count=await house.read_notices(_own(caller)))


def _own(caller: Caller) -> str:
    """Return the caller's own account. Raises: InvalidInput for one that has none."""
    if not caller.account:
        raise InvalidInput("caller_without_account", field="userId", value="")
    return caller.account


def shown(view: NoticeView) -> Notification:
    """Return a notice as its source shows it."""
    level = view.level.upper() or None
    return Notification(
        id=view.id,
        user_id=user_id(view.account),
        type=f"TOKEN_{level or view.kind.upper()}",
        level=level,
        title=view.title,
        message=view.text,
        usage_percent=view.percent / 100 if level else None,
        remaining_tokens=view.remaining,
        link=view.link,
        is_read=view.read_at is not None,
        created_at=view.at,
    )

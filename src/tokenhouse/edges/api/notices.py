"""Notices: what an account was told, its bell, and how its person wants to be told."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from tokenhouse.edges.api.accounts import Ref
from tokenhouse.edges.api.caller import RANK, Auditor, Caller, House, User
from tokenhouse.edges.api.shapes import AN_ID, Amount, Cursor, Limit, Page, Shape, amount
from tokenhouse.flow.audit_trail import at_once
from tokenhouse.flow.reading import SAME, NoticeView
from tokenhouse.flow.reading import NoticeSettings as Wishes
from tokenhouse.rules.alerts import Level
from tokenhouse.rules.notices import Kind, percents

router = APIRouter(prefix="/api/v1", tags=["notices"])

NoticeId = Annotated[str, Path(max_length=36, description="The notice's id.", examples=[AN_ID])]
Share = Annotated[
    str, Field(pattern=r"^[0-9]{1,2}(\.[0-9]{1,4})?$", max_length=7, examples=["0.8"], description="A share.")
]


class Notice(Shape):
    """Something that an account was told."""

    id: str
    account: str
    kind: Kind
    level: Annotated[Level | None, Field(description="Which level was reached; null for other kinds.")]
    used_percent: Annotated[str | None, Field(examples=["90.5"], description="Of a level.")]
    left_percent: Annotated[str | None, Field(examples=["9.5"], description="Of a level.")]
    title: str
    text: Annotated[str, Field(description="In the account's language, with times of its zone.")]
    link: Annotated[str | None, Field(description="Where more can be bought.")]
    remaining: Amount
    resets_at: datetime | None
    at: datetime
    read_at: datetime | None


class NoticeCount(Shape):
    """What the bell shows."""

    unread: int
    total: int


class ReadNotices(Shape):
    """How many notices were unread until now."""

    read: int


class NoticeSettings(Shape):
    """How an account's person is told."""

    email: str
    language: Annotated[str, Field(description="Empty: the deployment's.", examples=["ko"])]
    time_zone: Annotated[str, Field(description="In which times are told; empty: the deployment's.")]
    levels: Annotated[list[str], Field(description="Shares at which the account is told.")]
    own_levels: Annotated[bool, Field(description="Whether the levels are its own, or its plan's.")]
    by_email: Annotated[bool, Field(description="Whether notices also go by e-mail.")]


class NewNoticeSettings(Shape):
    """What is to change of how an account's person is told; what is left out stays."""

    email: Annotated[str | None, Field(max_length=200, examples=["alice@example.com"])] = None
    language: Literal["en", "ko", ""] | None = None
    time_zone: Annotated[str | None, Field(max_length=200, examples=["Asia/Seoul"])] = None
    levels: Annotated[
        list[Share] | None, Field(max_length=10, description="Null: as the plan has it; empty: none.")
    ] = Field(default_factory=list)
    by_email: bool | None = None


@router.get("/accounts/{ref}/notices")
async def list_notices(
    ref: Ref,
    caller: User,
    house: House,
    unread: Annotated[bool, Query(description="Only those that were not read.")] = False,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> Page[Notice]:
    """List what an account was told, the newest first, in its own language."""
    found = await house.notices(
        caller.account_of(ref), before=cursor, unread=unread, rows_max=limit, locale=caller.locale
    )
    return _page(found, limit)


@router.get("/accounts/{ref}/notices/count")
async def count_notices(ref: Ref, caller: User, house: House) -> NoticeCount:
    """Count an account's notices, and those that were not read: what its bell shows."""
    count = await house.count_notices(caller.account_of(ref))
    return NoticeCount(unread=count.unread, total=count.total)


@router.post("/accounts/{ref}/notices/{notice_id}/read")
async def mark_notice_read(ref: Ref, notice_id: NoticeId, caller: User, house: House) -> Notice:
    """Mark a notice as read; the first time stands. Idempotent."""
    account = caller.account_to_change(ref)
    return shown(await house.read_notice(account, notice_id, locale=caller.locale))


@router.post("/accounts/{ref}/notices/read")
async def mark_notices_read(ref: Ref, caller: User, house: House) -> ReadNotices:
    """Mark all notices of an account as read. Idempotent."""
    return ReadNotices(read=await house.read_notices(caller.account_to_change(ref)))


@router.get("/accounts/{ref}/notice-settings")
async def show_notice_settings(ref: Ref, caller: User, house: House) -> NoticeSettings:
    """Return where, in which language and at which levels an account's person is told."""
    return _settings(await house.notice_settings(caller.account_of(ref)))


@router.patch("/accounts/{ref}/notice-settings")
async def amend_notice_settings(
    ref: Ref, asked: NewNoticeSettings, caller: User, house: House
) -> NoticeSettings:
    """Change how an account's person is told. The zone of its periods stays what it was."""
    account = caller.account_to_change(ref)
    before = _settings(await house.notice_settings(account))
    async with at_once(house.desk):
        after = _settings(
            await house.set_notice_settings(
                account,
                email=asked.email,
                locale=asked.language,
                time_zone=asked.time_zone,
                levels=asked.levels if "levels" in asked.model_fields_set else SAME,
                by_email=asked.by_email,
            )
        )
        if RANK[caller.role] >= RANK["operator"] and after != before:
            await _record(caller, house, account, before, after)
    return after


@router.get("/notices")
async def list_all_notices(
    caller: Auditor,
    house: House,
    kind: Annotated[Kind | None, Query(description="Only those of a kind.")] = None,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> Page[Notice]:
    """List what all accounts were told, the newest first. For auditors."""
    found = await house.all_notices(before=cursor, kind=kind or "", rows_max=limit, locale=caller.locale)
    return _page(found, limit)


def shown(view: NoticeView) -> Notice:
    """Return a notice as the API says it."""
    used, left = percents(view.percent) if view.level else (None, None)
    return Notice(
        id=view.id,
        account=view.account,
        kind=view.kind,
        level=view.level or None,
        used_percent=used,
        left_percent=left,
        title=view.title,
        text=view.text,
        link=view.link,
        remaining=amount(view.remaining, view.unit),
        resets_at=view.resets_at,
        at=view.at,
        read_at=view.read_at,
    )


def _page(found: list[NoticeView], limit: int) -> Page[Notice]:
    """Return a page, and where the next one begins."""
    return Page(items=[shown(view) for view in found], next=found[-1].id if len(found) == limit else None)


def _settings(wishes: Wishes) -> NoticeSettings:
    """Return settings as the API says them."""
    return NoticeSettings(
        email=wishes.email,
        language=wishes.locale,
        time_zone=wishes.time_zone,
        levels=[f"{share:f}" for share in wishes.levels],
        own_levels=wishes.own_levels,
        by_email=wishes.by_email,
    )


async def _record(
    caller: Caller, house: House, account: str, before: NoticeSettings, after: NoticeSettings
) -> None:
    """Tell the audit log what an operator changed."""
    was, now = before.model_dump(), after.model_dump()
    changed = [name for name in now if now[name] != was[name]]
    await caller.record(
        house,
        "account.notice_settings",
        account,
        before={name: was[name] for name in changed},
        after={name: now[name] for name in changed},
    )

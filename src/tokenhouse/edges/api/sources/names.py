"""Names of users as the sources have them: their numbers, or any other outside name."""

import re
from typing import Annotated, Final

from pydantic import Field

UserId = Annotated[
    Annotated[int, Field(strict=True, ge=0, lt=10**15)] | Annotated[str, Field(min_length=1, max_length=200)],
    Field(examples=[123], description="The account's outside name."),
]
"""Sources count their users; an account's outside name is text. Either is taken, and given back as it was."""

NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,14}")
"""Names that are given back as a number: those that every reader of JSON holds exactly."""


def ref_of(user: int | str) -> str:
    """Return the account that a source's user id means."""
    return str(user)


def user_id(ref: str) -> int | str:
    """Return an account's outside name as the sources show it: a number where it is one."""
    return int(ref) if NUMBER.fullmatch(ref) else ref

"""What every deployment tells without being asked who calls: that it lives, that it is ready, its version."""

from importlib.metadata import version
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from tokenhouse.edges.api.caller import House
from tokenhouse.edges.api.shapes import Shape

router = APIRouter(prefix="/api/v1", tags=["service"])


class Health(Shape):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(Shape):
    """The database answers as well."""

    status: Literal["ready"] = "ready"
    database: Annotated[str, Field(examples=["18.6"])]


class Version(Shape):
    """Which release runs."""

    version: Annotated[str, Field(examples=["0.1.0"])]


@router.get("/health")
async def health() -> Health:
    """Say that this process lives."""
    return Health()


@router.get("/ready")
async def ready(house: House) -> Ready:
    """Say that the database answers now."""
    return Ready(database=await house.ready())


@router.get("/version")
async def release() -> Version:
    """Say which release runs."""
    return Version(version=version("tokenhouse"))

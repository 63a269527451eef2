"""The paths of the four systems that tokenhouse replaces, over the same verbs as everything else.

One module a source. Each answers with the fields that its document shows, and plain numbers; what a caller
may do is decided where it is for all routes, so a path that once believed a cookie or a bare header does not.
"""

from typing import Final

from fastapi import APIRouter

from tokenhouse.edges.api.sources.ai_usage import router as ai_usage
from tokenhouse.edges.api.sources.chat import router as chat
from tokenhouse.edges.api.sources.notifications import router as notifications
from tokenhouse.edges.api.sources.payment_callback import router as payment_callback
from tokenhouse.edges.api.sources.points import router as points
from tokenhouse.edges.api.sources.quota_users import router as quota_users
from tokenhouse.edges.api.sources.token_stats import router as token_stats
from tokenhouse.edges.api.sources.user_quota import router as user_quota

ROUTERS: Final[tuple[APIRouter, ...]] = (
    ai_usage,
    notifications,
    token_stats,
    user_quota,
    payment_callback,
    quota_users,
    points,
    chat,
)
"""Every source's paths, in the order of the documentation."""

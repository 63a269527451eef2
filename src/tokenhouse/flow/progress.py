"""Progress: how a long work tells how far it is, to whoever wants to know."""

from collections.abc import Callable

Progress = Callable[[int], None]
"""Told how many more of something have been done."""
Far = Callable[[int, int], None]
"""Told how many of how many have been done."""


def unheard(_more: int) -> None:
    """Hear of progress, and do nothing about it."""

"""Conversations: which turns a model is told, and what a conversation is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhouse.rules.conversation import TITLE_LENGTH_MAX, room, title_of, window

pytestmark = pytest.mark.row("B1")


@pytest.mark.parametrize(
    ("context", "history", "room_left"),
    [(1_000, 500, 500), (600, 500, 470), (130, 500, 0), (129, 500, None), (1_000, 0, 0)],
)
def test_history_gets_what_the_rest_leaves(context, history, room_left):
    assert room(context, history, system=10, message=20, output=100) == room_left


@pytest.mark.parametrize(
    ("lengths", "most", "turns"),
    [([], 10, 0), ([10], 10, 1), ([11], 10, 0), ([3, 3, 3], 8, 2), ([3, 9, 1], 8, 1), ([0, 0], 0, 2)],
)
def test_the_newest_turns_go_along_and_none_beyond_a_gap(lengths, most, turns):
    assert window(lengths, most) == turns


@given(st.lists(st.integers(0, 100)), st.integers(0, 1_000))
def test_as_many_turns_go_along_as_fit(lengths, most):
    turns = window(lengths, most)
    assert sum(lengths[:turns]) <= most
    assert turns == len(lengths) or sum(lengths[: turns + 1]) > most


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("안녕하세요!", "안녕하세요!"),
        ("\n\n  What   does\tit cost? \nTell me.", "What does it cost?"),
        ("word " * 20, "word word word word word word word word word word word…"),
        ("가" * 100, "가" * 59 + "…"),
        ("a\u0007b", "ab"),
        (" \n ", ""),
        ("\u0000\u0007", ""),
    ],
)
def test_a_title_is_the_first_line_cut_at_a_word(message, title):
    assert title_of(message) == title


@given(st.text())
def test_a_title_is_one_short_line(message):
    title = title_of(message)
    assert len(title) <= TITLE_LENGTH_MAX
    assert title.isprintable()

"""How often one caller may do something: all at once, then as the bucket fills up."""

from hypothesis import given
from hypothesis import strategies as st

from tokenhouse.flow.throttle import MINUTE, Throttle

SECOND = 1_000_000
NOON = 1_800_000_000 * SECOND


def test_a_bucket_is_emptied_at_once_and_fills_up_evenly():
    throttle = Throttle(6)
    assert [throttle.take("alice", NOON) for _ in range(6)] == [0] * 6
    assert throttle.take("alice", NOON) == 10
    assert throttle.take("alice", NOON + 9 * SECOND + 1) == 1
    assert throttle.take("alice", NOON + 10 * SECOND) == 0
    assert throttle.take("alice", NOON + 10 * SECOND) == 10
    assert throttle.take("bob", NOON) == 0


def test_waiting_takes_nothing_and_giving_back_makes_room():
    throttle = Throttle(2)
    assert (throttle.wait("a", NOON), throttle.wait("a", NOON), throttle.wait("a", NOON)) == (0, 0, 0)
    throttle.take("a", NOON)
    throttle.take("a", NOON)
    assert throttle.wait("a", NOON) == 30
    throttle.give_back("a")
    throttle.give_back("never seen")
    assert throttle.take("a", NOON) == 0


def test_none_is_any_number():
    throttle = Throttle(0)
    assert [throttle.take("a", NOON) for _ in range(10_000)] == [0] * 10_000


def test_a_clock_that_was_set_back_keeps_nobody_waiting_for_longer_than_a_bucket_lasts():
    throttle = Throttle(60)
    for _ in range(60):
        throttle.take("a", NOON)
    assert throttle.take("a", NOON - 3_600 * SECOND) == 1
    assert throttle.take("a", NOON - 3_599 * SECOND) in (0, 1)


def test_memory_is_bounded_and_the_longest_unseen_is_forgotten():
    throttle = Throttle(1, names_max=2)
    throttle.take("a", NOON)
    throttle.take("b", NOON)
    throttle.take("c", NOON)
    assert throttle.take("a", NOON) == 0
    assert throttle.take("c", NOON) == 60


@given(st.integers(1, 600), st.lists(st.integers(0, 3 * SECOND), max_size=300))
def test_never_more_than_a_bucket_and_what_flowed_in(per_minute: int, pauses: list[int]):
    throttle, now, passed = Throttle(per_minute), NOON, 0
    for pause in pauses:
        now += pause
        passed += throttle.take("a", now) == 0
    each = MINUTE // per_minute
    assert passed <= per_minute + (now - NOON) // each + 1

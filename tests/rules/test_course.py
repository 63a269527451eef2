"""Course: the version that holds is a matter of the clock, and of nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhouse.rules.course import Course, Version, before
from tokenhouse.rules.plans import Plan


def version(number: int, written: int, starts: int | None = None, *, withdrawn: bool = False) -> Version:
    plan = Plan(name="free", version=number)
    return Version(plan=plan, written_at=written, starts_at=starts, withdrawn=withdrawn)


@pytest.mark.parametrize(
    ("versions", "held"),
    [
        pytest.param(
            [version(1, 100)], {0: 1, 100: 1, 500: 1}, id="a first one holds whatever the clock says"
        ),
        pytest.param([version(1, 100), version(2, 200)], {150: 2, 300: 2}, id="one at once holds at once"),
        pytest.param(
            [version(1, 100), version(2, 110, 200)], {199: 1, 200: 2}, id="one ahead from its start on"
        ),
        pytest.param(
            [version(1, 100), version(2, 110, 300), version(3, 120, 200)],
            {199: 1, 200: 3, 299: 3, 300: 2},
            id="each at its time, in whatever order they were written",
        ),
        pytest.param(
            [version(1, 100), version(2, 110, 200), version(3, 150)],
            {150: 3, 200: 2},
            id="what is planned comes although another was written meanwhile",
        ),
        pytest.param(
            [version(1, 100), version(2, 110, 200), version(3, 250)],
            {200: 3, 300: 3},
            id="what is written after a start replaces it",
        ),
        pytest.param(
            [version(1, 100), version(2, 110, 200), version(3, 120, 200)],
            {199: 1, 200: 3},
            id="of two that start together the later written one",
        ),
        pytest.param(
            [version(1, 100), version(2, 110, 200, withdrawn=True)],
            {199: 1, 200: 1},
            id="not what was called off",
        ),
    ],
)
def test_which_version_holds(versions, held):
    course = Course(versions)
    assert {now: course.at(now).version for now in held} == held


@given(st.lists(st.tuples(st.integers(1, 50), st.none() | st.integers(1, 50), st.booleans()), max_size=8))
def test_exactly_one_version_is_in_force_and_what_is_ahead_comes(drawn):
    versions = [version(1, 0)]
    for number, (later, ahead, withdrawn) in enumerate(drawn, start=2):
        written = versions[-1].written_at + later
        starts = None if ahead is None else written + ahead
        gone = withdrawn and starts is not None
        versions.append(version(number, written, starts, withdrawn=gone))
    course = Course(versions)
    written = versions[-1].written_at
    for now in range(written, written + 60):
        states = [course.state(one, now) for one in versions]
        assert states.count("in_force") == 1
        assert versions[states.index("in_force")].plan == course.at(now)
        planned = {
            one.plan.version for one, state in zip(versions, states, strict=True) if state == "planned"
        }
        assert planned == {plan.version for _, plan in course.after(now)}
        for start, plan in course.after(now):
            assert start > now
            assert course.at(start) == plan


def test_what_held_before():
    one, ahead, gone, now = (
        version(1, 100),
        version(2, 110, 300),
        version(3, 120, 200, withdrawn=True),
        version(4, 150),
    )
    versions = [one, ahead, gone, now]
    assert before(one, versions) is None
    assert before(now, versions) == one
    assert before(ahead, versions) == now
    assert before(gone, versions) == now
    course = Course(versions)
    assert [course.state(each, 160) for each in versions] == ["past", "planned", "withdrawn", "in_force"]
